"""One self-contained report.html: no script, no network, one file."""

import base64
import os
import pathlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import (
  audit_section,
  findings,
  shift_section,
  stylesheet,
  tables,
  wording,
)
from semisup_jax.reporting.results import Grid, results_table

# A title, a caption, and the theme's name to the PNG that shows it.
FigureFiles = tuple[str, str, Mapping[str, str | os.PathLike]]

escape, prose = tables.escape, tables.prose


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
    _figures(figures[1:]),
    _more_numbers(results),
    _how(results, config),
    _notes(results.get('notes', ())),
  ]
  text = _DOCUMENT.format(
    title=escape(title), css=stylesheet.CSS, body='\n'.join(filter(None, parts))
  )
  pathlib.Path(path).write_text(text, encoding='utf-8')


_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _title(results: Mapping[str, Any]) -> str:
  method = wording.method(str(results.get('method') or 'this method'))
  return f'Few labels: {method} on {results.get("dataset", "unnamed data")}'


def _header(title: str, results: Mapping[str, Any]) -> str:
  facts = [f'{results.get("split", "test")} split']
  if results.get('seed') is not None:
    facts.append(f'seed {results["seed"]}')
  facts.append(str(results.get('run', {}).get('date') or ''))
  line = ' · '.join(fact for fact in facts if fact)
  return (
    f'<header>\n<h1>{escape(title)}</h1>\n<p class="meta">{escape(line)}</p>\n'
    f'<p class="lead">{prose(findings.headline(results))}</p>\n</header>'
  )


def _overview(
  results: Mapping[str, Any], figures: Sequence[FigureFiles]
) -> str:
  """The table, the first figure, the differences, and all that in words."""
  rows = results.get('rows', ())
  grid = results_table(rows)
  if not grid.cells:
    return ''.join(_figure(*figure) for figure in figures)
  unit = wording.unit(grid.metric).replace(' ', ', ')
  name = wording.metric(grid.metric)
  parts = [
    f'<section>\n<h2>{escape(name + unit)}</h2>\n{tables.main_table(rows)}\n'
    f'<p class="hint">{escape(_legend(grid, results))}</p>\n</section>',
    *(_figure(*figure) for figure in figures),
  ]
  pairs = results.get('tables', {}).get('differences')
  if pairs:
    points = ', points' if grid.metric in wording.PERCENT else ''
    parts.append(
      f'<section class="differences">\n<h2>Paired differences{points}</h2>\n'
      f'{tables.differences(pairs, grid.metric)}\n'
      '<p class="hint">Over the same draws, with the 95&nbsp;% interval. '
      '&dagger;&nbsp;the interval excludes 0.</p>\n</section>'
    )
  parts.append(_words(results))
  wide = ' beside' if len(grid.ks) <= 5 else ''
  return f'<div class="overview{wide}">\n{"".join(parts)}\n</div>'


def _legend(grid: Grid, results: Mapping[str, Any]) -> str:
  text = f'Mean ± standard deviation on the {results.get("split", "test")} '
  kinds = {wording.repeats(r.get('interval')) for r in grid.cells.values()}
  text += f'split, over n {wording.listed(sorted(kinds))}'
  text += ' of the labelled images.' if kinds == {'draws'} else '.'
  if any(grid.best.values()):
    text += ' *\N{NO-BREAK SPACE}best mean of its column.'
  if any(row['n'] == 1 for row in grid.cells.values()):
    text += ' A single fit has no spread; its interval is in Every number.'
  return text


def _words(results: Mapping[str, Any]) -> str:
  found = findings.sentences(results)
  if not found:
    return ''
  items = '\n'.join(f'<li>{prose(sentence)}</li>' for sentence in found)
  scope = findings.scope(results)
  scope = f'\n<p class="hint">{prose(scope)}</p>' if scope else ''
  return (
    '<section class="words">\n<h2>In words</h2>\n'
    f'<ul class="plain">\n{items}\n</ul>{scope}\n</section>'
  )


def _figures(figures: Sequence[FigureFiles]) -> str:
  if not figures:
    return ''
  parts = '\n'.join(_figure(*figure) for figure in figures)
  return (
    '<section>\n<h2>A closer look</h2>\n'
    f'<div class="figures">\n{parts}\n</div>\n</section>'
  )


def _figure(
  title: str, caption: str, files: Mapping[str, str | os.PathLike]
) -> str:
  # Two images and the stylesheet, not <picture>: Chromium does not choose
  # its source anew for print, and would put the dark one on paper.
  pictures = [_image(files['light'], title, 'light' if 'dark' in files else '')]
  if 'dark' in files:
    pictures.append(_image(files['dark'], title, 'dark'))
  return (
    f'<figure>\n{"".join(pictures)}'
    f'<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption>\n'
    '</figure>\n'
  )


def _image(path: str | os.PathLike, title: str, style: str) -> str:
  png = pathlib.Path(path).read_bytes()
  width, height = struct.unpack('>II', png[16:24])  # The PNG's IHDR.
  return (
    f'<img class="{style}" src="{_data_uri(png)}" width="{width}" '
    f'height="{height}" alt="{escape(title)}">\n'
  )


def _data_uri(png: bytes) -> str:
  return f'data:image/png;base64,{base64.b64encode(png).decode()}'


def _more_numbers(results: Mapping[str, Any]) -> str:
  extra = results.get('tables', {})
  parts = []
  if extra.get('metrics'):
    parts.append(
      tables.folded('Other metrics', tables.metric_tables(extra['metrics']))
    )
  if extra.get('source'):
    on_source = [row for row in extra['source'] if row['metric'] == 'top1']
    parts.append(
      tables.folded(
        'Accuracy on what was learned from, %', tables.main_table(on_source)
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


def _how(results: Mapping[str, Any], config: Mapping[str, Any] | None) -> str:
  run = results.get('run', {})
  parts = ['<section>\n<h2>How to repeat it</h2>\n']
  if run.get('command'):
    # A line breaks between arguments, not after the dashes of one.
    words = ' '.join(
      f'<span class="word">{escape(word)}</span>'
      for word in str(run['command']).split(' ')
    )
    parts.append(f'<pre><code>{words}</code></pre>\n')
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
  lines = [
    f'<dt>{name}</dt><dd>{escape(fact)}</dd>'
    for name, fact in facts.items()
    if fact
  ]
  if lines:
    parts.append('<dl class="facts">\n' + '\n'.join(lines) + '\n</dl>\n')
  if config:
    parts.append(tables.folded('Config', tables.config(config)))
  return ''.join(parts) + '</section>' if len(parts) > 1 else ''


def _notes(notes: Sequence[str]) -> str:
  if not notes:
    return ''
  items = '\n'.join(f'<li>{escape(note)}</li>' for note in notes)
  return (
    f'<section>\n<h2>Notes</h2>\n<ul class="plain">\n{items}\n</ul>\n</section>'
  )
