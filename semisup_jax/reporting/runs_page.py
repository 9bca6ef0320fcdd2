"""The page about several finished runs."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import (
  compared_runs,
  document,
  overview,
  run_findings,
  tables,
  wording,
)
from semisup_jax.reporting.compared_runs import Group, Run
from semisup_jax.reporting.results import results_table
from semisup_jax.reporting.run_findings import Difference

Row = Mapping[str, Any]


def write_page(
  path: str | os.PathLike,
  grouped: Sequence[Group],
  runs: Sequence[Run],
  differences: Sequence[Difference],
  figures: Sequence[document.FigureFiles],
  command: str,
) -> None:
  """Writes one HTML file that needs no other.

  Args:
    path: The file.
    grouped: The runs by what they were tested on, `compared_runs.groups`.
    runs: All of them, as they were asked for.
    differences: See `run_findings`; of runs of one group each.
    figures: One for each group, or none at all.
    command: The command line that makes the page.
  """
  title = _title(runs)
  parts = [
    document.header(
      title,
      [f'{len(runs)} runs', *dict.fromkeys(f'{r.split} split' for r in runs)],
      run_findings.headline(grouped, differences),
    ),
    *(
      _group(group, differences, figures[i : i + 1], alone=len(grouped) == 1)
      for i, group in enumerate(grouped)
    ),
    document.notes(
      'What may not be compared, or not in pairs', compared_runs.notes(grouped)
    ),
    _runs(runs),
    _differing('How the configs differ', runs, compared_runs.config),
    _differing(
      'Other versions, hardware or date', runs, compared_runs.environment
    ),
    _more_numbers(runs),
    _how(runs, command),
    document.notes('Notes of the runs', _notes(runs)),
  ]
  document.write(path, title, parts)


def _title(runs: Sequence[Run]) -> str:
  data = wording.listed(dict.fromkeys(_dataset(run) for run in runs))
  if len(runs) > 4:
    return f'{len(runs)} runs on {data}'
  return f'{wording.listed(run.name for run in runs)} on {data}'


def _dataset(run: Run) -> str:
  return str(run.results.get('dataset', 'unnamed data'))


def _named(key: tuple[str, str]) -> str:
  """`runs/a: Linear probe`."""
  run, protocol = key
  return f'{run}: {wording.protocol(protocol)}'


def _rows(run: Run, rows: Sequence[Row]) -> list[Row]:
  """Rows that know which run they are of."""
  return [{**row, 'protocol': (run.name, row['protocol'])} for row in rows]


def _group(
  group: Group,
  differences: Sequence[Difference],
  figures: Sequence[document.FigureFiles],
  *,
  alone: bool,
) -> str:
  """What there is to say of runs that were tested on the same images."""
  reference = group[0]
  own = [row for row in differences if row['baseline'] == reference.name]
  rows = [row for run in group for row in _rows(run, run.results['rows'])]
  grid = results_table(rows)
  if grid.cells:
    table = overview.numbers(rows, reference.split, name=_named)
  else:
    table = '<p>No protocol was evaluated.</p>'
  parts = [
    table,
    *(document.figure(*figure) for figure in figures),
    overview.differences(
      [_pair(row) for row in own],
      grid.metric,
      title=f'Differences from {reference.name}',
      over='Over draws of the labelled images, the same ones where it is not '
      'said otherwise',
      name=str,
    ),
    overview.words(
      run_findings.sentences(own), run_findings.scope(own, reference.split)
    ),
  ]
  # The names of runs make the first column wider than that of one run.
  shown = overview.layout(parts, columns=len(grid.ks) + 1)
  heading = ''
  if not alone:
    names = wording.listed(run.name for run in group)
    heading = f'{names}: {_dataset(reference)}, {reference.split} split'
    heading = f'<h2>{document.escape(heading)}</h2>\n'
  return f'<section class="runs">\n{heading}{shown}\n</section>'


def _pair(row: Difference) -> Row:
  """A difference as a row of the table: a run and a protocol each."""
  unpaired = '' if row['paired'] else ' (not paired)'
  name = f'{wording.protocol(row["protocol"])}{unpaired}: {row["run"]}'
  n = min(row['n'], row['n_baseline'])
  return {**row, 'protocol': name, 'n': n}


def _runs(runs: Sequence[Run]) -> str:
  head = ('run', 'method', 'data', 'split', 'seed', 'images', 'time')
  lines = [
    (
      run.name,
      wording.protocol(str(run.results.get('method', ''))),
      _dataset(run),
      run.split,
      run.results.get('seed', ''),
      ', '.join(f'{n:,} {part}' for part, n in run.counts.items()),
      _time(run),
    )
    for run in runs
  ]
  table = tables.texts(head, lines, 'wide small', label='The runs')
  return f'<section class="runs">\n<h2>The runs</h2>\n{table}\n</section>'


def _time(run: Run) -> str:
  seconds = run.results.get('run', {}).get('seconds')
  return wording.duration(seconds) if seconds else ''


def _differing(
  title: str, runs: Sequence[Run], facts: Callable[[Run], Mapping[str, Any]]
) -> str:
  """What is not the same in all runs, a field a line."""
  lines = compared_runs.differing(runs, facts)
  body = '<p>They agree in all that was recorded.</p>'
  if lines:
    head = ('field', *(run.name for run in runs))
    body = tables.texts(head, lines, 'code side-by-side', label=title)
    body += (
      '<p class="hint">What agrees is not shown; where a cell is empty, a run '
      'has no such field.</p>'
    )
  return f'<section>\n<h2>{title}</h2>\n{body}\n</section>'


def _more_numbers(runs: Sequence[Run]) -> str:
  rows = [row for run in runs for row in _rows(run, run.results['rows'])]
  rows += [
    row
    for run in runs
    for row in _rows(run, run.results.get('tables', {}).get('metrics', ()))
  ]
  if not rows:
    return ''
  table = tables.every_number(rows, _named)
  return (
    '<section>\n<h2>More numbers</h2>\n'
    f'{tables.folded("Every number", table)}</section>'
  )


def _how(runs: Sequence[Run], command: str) -> str:
  commands = {
    run.name: run.results.get('run', {}).get('command', '') for run in runs
  }
  folded = document.facts(commands)
  if folded:
    folded = tables.folded('The commands of the runs', folded)
  return (
    f'<section>\n<h2>How to repeat it</h2>\n{document.command(command)}'
    f'{folded}</section>'
  )


def _notes(runs: Sequence[Run]) -> list[str]:
  """What the runs say of themselves; what several say is said once."""
  said: dict[str, list[str]] = {}
  for run in runs:
    for note in run.results.get('notes', ()):
      said.setdefault(note, []).append(run.name)
  return [f'{", ".join(names)}: {note}' for note, names in said.items()]
