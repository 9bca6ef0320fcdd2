"""A look at several finished runs: one page, with what may be compared."""

import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax import metrics
from semisup_jax.experiments import finished_runs, shown
from semisup_jax.experiments.figure_files import FigureFiles
from semisup_jax.reporting import (
  compared_runs,
  run_findings,
  runs_page,
  wording,
)
from semisup_jax.reporting.compared_runs import Group, Run
from semisup_jax.reporting.results import results_table
from semisup_jax.training import hosts


def compare(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
) -> None:
  """Writes report.html about the runs that `config.runs` names.

  Differences are from the first run, of those that were tested on the same
  images from the first one of these: what is compared with what is known before
  the numbers are. The same command again makes the page anew.

  Args:
    config: The whole config.
    workdir: Where the page goes.
    console: Where a person reads what was found.
    command: The command line, for the page.

  Raises:
    InputError: If a folder is not that of a finished run, or the workdir holds
      something else; then nothing is written.
  """
  runs = hosts.together(lambda: finished_runs.read(config.runs))
  grouped = compared_runs.groups(runs)
  found = [row for group in grouped for row in differences(group)]

  def write(path):
    figures = _draw(grouped, runs, FigureFiles(workdir / 'figures', console))
    runs_page.write_page(path, grouped, runs, found, figures, command)

  sentences = (
    run_findings.headline(grouped, found),
    *run_findings.sentences(found),
    *compared_runs.notes(grouped),
  )
  shown.show(config, workdir, write, sentences, console)


def differences(group: Group) -> list[dict[str, Any]]:
  """Each run of a group minus the first one, where both have several draws.

  Where two runs drew the same labelled images the differences are paired, over
  the draws that both have; else the interval is that of two means apart.

  Args:
    group: Runs that were tested on the same images.

  Returns:
    Mappings as `run_findings` takes them: one for each run, protocol and number
    of labels.
  """
  reference, *others = group
  return [
    {'run': run.name, 'baseline': reference.name, **row}
    for run in others
    for row in _pairs(run, reference)
  ]


def _pairs(run: Run, reference: Run) -> Iterator[dict[str, Any]]:
  """The differences of two runs, by protocol and then by labels."""
  paired = not compared_runs.apart(reference, run, compared_runs.drawn_from)
  grid, other = (results_table(r.results['rows']) for r in (run, reference))
  for place in itertools.product(grid.protocols, grid.ks):
    values = [one.cells.get(place, {}).get('values') for one in (grid, other)]
    if grid.metric == other.metric and all(map(_are_draws, values)):
      yield {
        'protocol': place[0],
        'labels_per_class': place[1],
        'metric': grid.metric,
        **_difference(*values, paired=paired),
      }


def _are_draws(values: Sequence[float | None] | None) -> bool:
  """Whether there are several, each known: one says nothing of its spread."""
  return len(values or ()) > 1 and all(map(wording.known, values))


def _difference(
  a: Sequence[float], b: Sequence[float], *, paired: bool
) -> dict[str, Any]:
  """The mean of a - b, its 95 % interval, and how many draws it rests on."""
  if paired:
    n = min(len(a), len(b))  # The draws are numbered: these are the same ones.
    gap = metrics.paired_difference(a[:n], b[:n])
    mean, low, high, counts = gap.mean, gap.low, gap.high, (n, n)
  else:
    mean = metrics.mean_and_std(a)[0] - metrics.mean_and_std(b)[0]
    low, high = metrics.welch_interval(a, b)
    counts = len(a), len(b)
  ends = {'mean': mean, 'low': low, 'high': high, 'paired': paired}
  return {**ends, 'n': counts[0], 'n_baseline': counts[1]}


def _metric(group: Group) -> str:
  """What the runs of a group are compared by."""
  rows = [row for run in group for row in run.results['rows']]
  return wording.metric_in_short(results_table(rows).metric)


def _draw(
  grouped: Sequence[Group], runs: Sequence[Run], figures: FigureFiles
) -> Sequence[tuple[str, str, Mapping[str, pathlib.Path]]]:
  """The curves of each group; a run has one colour in all of them."""
  looks = {run.name: look for look, run in enumerate(runs)}
  for number, group in enumerate(grouped):
    figures.add(
      f'{_metric(group)} by number of labels',
      'Mean over draws of the labelled images; bands and bars are 95 % '
      'intervals. The colour is the run, the mark the protocol.',
      f'runs_{number}',
      lambda draw, theme, group=group: draw.curves_of_runs(
        group, theme, looks=[looks[run.name] for run in group]
      ),
    )
  return figures.made
