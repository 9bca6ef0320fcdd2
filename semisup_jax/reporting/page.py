"""One self-contained report.html: no script, no network, one file."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import (
  audit_section,
  document,
  findings,
  overview,
  shift_section,
  tables,
  wording,
)
from semisup_jax.reporting.results import results_table

FigureFiles = document.FigureFiles


def write_page(
  path: str | os.PathLike,
  results: Mapping[str, Any],
  figures: Sequence[FigureFiles],
  config: Mapping[str, Any] | None = None,
) -> None:
  """Writes the report as one HTML file that needs no other.

  Args:
    path: The file.
    results: As in results.json.
    figures: The first stands beside the table, the others in a grid below. A
      theme `dark` is optional, `light` is not.
    config: The resolved config; else that of `results`, if it has one.
  """
  config = (
    config or results.get('config') or results.get('run', {}).get('config')
  )
  title = _title(results)
  parts = [
    _header(title, results),
    _overview(results, figures[:1]),
    audit_section.section(results.get('tables', {})),
    shift_section.section(results.get('tables', {})),
    _by_label(results.get('tables', {}).get('per_label', ())),
    _figures(figures[1:]),
    _more_numbers(results),
    _how(results, config),
    document.notes('Notes', results.get('notes', ())),
  ]
  document.write(path, title, parts)


def _title(results: Mapping[str, Any]) -> str:
  method = wording.method(str(results.get('method') or 'this method'))
  return f'Few labels: {method} on {results.get("dataset", "unnamed data")}'


def _header(title: str, results: Mapping[str, Any]) -> str:
  facts = [f'{results.get("split", "test")} split']
  if results.get('seed') is not None:
    facts.append(f'seed {results["seed"]}')
  facts.append(str(results.get('run', {}).get('date') or ''))
  return document.header(title, facts, findings.headline(results))


def _overview(
  results: Mapping[str, Any], figures: Sequence[FigureFiles]
) -> str:
  """The table, the first figure, the differences, and all that in words."""
  rows = results.get('rows', ())
  grid = results_table(rows)
  if not grid.cells:
    return ''.join(document.figure(*figure) for figure in figures)
  extra = results.get('tables', {})
  pairs = extra.get('differences', ())
  majority = ' '.join(map(wording.majority, extra.get('majority', ())))
  parts = [
    overview.numbers(rows, results.get('split', 'test'), more=majority),
    *(document.figure(*figure) for figure in figures),
    overview.differences(pairs, grid.metric),
    overview.words(findings.sentences(results), findings.scope(results)),
  ]
  return overview.layout(parts, columns=len(grid.ks))


def _by_label(rows: Sequence[Mapping[str, Any]]) -> str:
  """Each label of several an image; curves by threshold belong here too."""
  rows = [row for row in rows if row['shown']]
  if not rows:
    return ''
  return f'<section>\n<h2>By label</h2>\n{tables.by_label(rows)}\n</section>'


def _figures(figures: Sequence[FigureFiles]) -> str:
  if not figures:
    return ''
  parts = '\n'.join(document.figure(*figure) for figure in figures)
  return (
    '<section>\n<h2>A closer look</h2>\n'
    f'<div class="figures">\n{parts}\n</div>\n</section>'
  )


def _more_numbers(results: Mapping[str, Any]) -> str:
  extra = results.get('tables', {})
  parts = []
  if extra.get('metrics'):
    parts.append(
      tables.folded('Other metrics', tables.metric_tables(extra['metrics']))
    )
  if extra.get('source'):
    metric = extra['source'][0]['metric']
    unit = ', %' if metric in wording.PERCENT else ''
    title = f'{wording.metric_in_short(metric)} on what was learned from{unit}'
    parts.append(tables.folded(title, tables.main_table(extra['source'])))
  if extra.get('separability'):
    parts.append(
      tables.folded(
        'How far classes lie apart', _separability(extra['separability'])
      )
    )
  if extra.get('per_class_recall'):
    rows = [row for row in extra['per_class_recall'] if row['shown']]
    parts.append(tables.folded('Recall by class', tables.recall(rows)))
  rows = [*results.get('rows', ()), *extra.get('metrics', ())]
  if rows:
    parts.append(tables.folded('Every number', tables.every_number(rows)))
  if not parts:
    return ''
  return f'<section>\n<h2>More numbers</h2>\n{"".join(parts)}</section>'


def _separability(rows: Sequence[Mapping[str, Any]]) -> str:
  """Numbers beside the pictures of the embeddings."""
  lines = [
    (
      tables.escape(row['feature']),
      wording.number(row['purity'], 'top1'),
      wording.number(row['chance'], 'top1'),
      wording.number(row['silhouette'], 'silhouette'),
      row['n'],
    )
    for row in rows
  ]
  head = ('feature', 'same class among neighbours, %', 'by chance, %')
  return tables.named(
    (*head, 'silhouette', 'n'), lines, 'small', label='Separability'
  )


def _how(results: Mapping[str, Any], config: Mapping[str, Any] | None) -> str:
  run = results.get('run', {})
  parts = ['<section>\n<h2>How to repeat it</h2>\n']
  if run.get('command'):
    parts.append(document.command(run['command']))
  counts = run.get('counts') or {}
  versions = run.get('versions') or {}
  facts = {
    'Images': ', '.join(f'{n:,} {name}' for name, n in counts.items()),
    'Time': wording.duration(run['seconds']) if run.get('seconds') else '',
    'Hardware': run.get('hardware'),
    'Devices': run.get('devices'),
    'Versions': ', '.join(f'{name} {v}' for name, v in versions.items()),
    'Commit': run.get('commit') or ('not recorded' if run else ''),
    'Date': run.get('date'),
  }
  parts += filter(None, [document.facts(facts)])
  if config:
    parts.append(tables.folded('Config', tables.config(config)))
  return ''.join(parts) + '</section>' if len(parts) > 1 else ''
