"""The page's tables, as HTML; every text is escaped here."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import comparison, results, wording

Row = Mapping[str, Any]

# Columns of `every_number` that stand at the right.
_RIGHT = (False, False, True, True, True, True, True, False, False)


# The columns of `by_label`.
_OF_LABELS = {
  'roc_auc': 'ROC-AUC',
  'average_precision': 'average precision',
  'f1': 'F1, %',
}


def escape(text: object) -> str:
  """Text as HTML, for an element or a quoted attribute."""
  return html.escape(str(text), quote=True)


def prose(sentence: str) -> str:
  """One of our sentences as HTML: a number keeps its sign and unit."""
  text = re.sub(r'(?<![\w.])-(?=\d)', '&minus;', escape(sentence))
  return re.sub(r' (?=%|±)|(?<=±) |(?<=n =) |(?<=n) (?==)', '&nbsp;', text)


def main_table(
  rows: Sequence[Row], name: Callable[[Any], str] = wording.protocol
) -> str:
  """Protocol x labels a class, `mean ± std`, the best of a column marked.

  Args:
    rows: As in results.json.
    name: What a row's `protocol` is called.
  """
  grid = results.results_table(rows)
  head = [_head('labels a class')]
  head += [_head_with_n(k, grid.draws(k)) for k in grid.ks]
  body = []
  for protocol in grid.protocols:
    cells = ''.join(_cell(grid, protocol, k) for k in grid.ks)
    body.append(_line(escape(name(protocol)), cells))
  return _table(head, body, 'wide', label=wording.metric(grid.metric))


def metric_tables(
  rows: Iterable[Row], name: Callable[[Any], str] = wording.protocol
) -> str:
  """One main table for each metric."""
  by_metric: dict[str, list[Row]] = {}
  for row in rows:
    by_metric.setdefault(row['metric'], []).append(row)
  parts = []
  for metric, group in by_metric.items():
    better = 'lower' if metric in wording.LOWER_IS_BETTER else 'higher'
    title = wording.metric_with_unit(metric)
    parts.append(
      f'<div><h3>{escape(title)}</h3><p class="hint">{better} is better</p>'
      f'{main_table(group, name)}</div>'
    )
  return f'<div class="tables">{"".join(parts)}</div>'


def differences(
  rows: Iterable[Row],
  metric: str,
  name: Callable[[Any], str] = wording.protocol,
) -> str:
  """Differences: a pair a row, each pair once, by labels a class.

  Args:
    rows: `protocol`, `baseline`, `labels_per_class`, `mean` of the first minus
      the second, its interval from `low` to `high`, and `n`.
    metric: What is compared.
    name: What a `protocol` or a `baseline` is called.
  """
  rows = [row for row in rows if wording.known(row['mean'])]
  ks = wording.ordered(row['labels_per_class'] for row in rows)
  pairs: dict[tuple[str, str], bool] = {}
  for row in sorted(rows, key=lambda row: row['baseline'] != wording.BASELINE):
    pair = row['protocol'], row['baseline']
    if pair[::-1] not in pairs:
      pairs[pair] = True
  head = [_head('labels a class')]
  for k in ks:
    counts = {row.get('n') for row in rows if row['labels_per_class'] == k}
    head.append(_head_with_n(k, counts - {None}))
  body = []
  for protocol, baseline in pairs:
    pair = escape(name(protocol))
    pair += f' <span class="nowrap">vs {escape(name(baseline))}</span>'
    gaps = [comparison.difference(rows, protocol, baseline, k) for k in ks]
    cells = ''.join(_gap_cell(gap, metric) for gap in gaps)
    body.append(_line(pair, cells))
  return _table(head, body, 'wide', label='Differences')


def recall(rows: Iterable[Row]) -> str:
  """Recall by class, the weakest first."""
  known = [row for row in rows if wording.known(row['recall'])]
  lines = [
    (escape(row['class']), wording.number(row['recall'], 'top1'), row['n'])
    for row in sorted(known, key=lambda row: row['recall'])
  ]
  head = ('class', 'recall, %', 'n')
  table = named(head, lines, 'wide small', label='Recall by class')
  return f'<div class="columns">{table}</div>'


def by_label(rows: Sequence[Row]) -> str:
  """The metrics of each label, `mean ± std`, the least ROC-AUC first.

  Args:
    rows: As in `tables.per_label` of results.json, of one protocol and number
      of labels.
  """
  order = sorted(
    rows, key=lambda row: (not wording.known(row['roc_auc']), row['roc_auc'])
  )
  lines = [
    (
      escape(row['class']),
      *(_mean_and_std(row, name) for name in _OF_LABELS),
      f'{row["positive"]:,} of {row["n"]:,}',
    )
    for row in order
  ]
  head = ['label', *_OF_LABELS.values(), 'images that have it']
  table = named(head, lines, 'wide', label='By label')
  protocol = wording.protocol(rows[0]['protocol'])
  k, draws = wording.count(rows[0]['labels_per_class']), rows[0]['draws']
  return (
    f'{table}\n<p class="hint">{escape(protocol)}, labels a class: '
    f'{escape(k)}; mean ± standard deviation over n = {draws} draw(s). F1 is '
    'at a probability of one half, and depends on it; average precision of '
    'scores that say nothing is the share of images that have the label.</p>'
  )


def _mean_and_std(row: Row, name: str) -> str:
  text = wording.number(row[name], name)
  if wording.known(row[f'{name}_std']):
    text += f' ± {wording.number(row[f"{name}_std"], name)}'
  return text


def every_number(
  rows: Iterable[Row], name: Callable[[Any], str] = wording.protocol
) -> str:
  """All rows as they are in results.json, with intervals and single values."""
  body = []
  for row in rows:
    metric = row['metric']
    low, high = row.get('low'), row.get('high')
    between = wording.known(low) and wording.known(high)
    values = [wording.number(v, metric) for v in row.get('values') or ()]
    texts = [
      wording.metric_with_unit(metric),
      name(row['protocol']),
      wording.count(row['labels_per_class']),
      wording.number(row['mean'], metric),
      wording.number(row.get('std'), metric),
      row['n'],
      wording.interval(low, high, metric) if between else '-',
      row.get('interval') or '-',
      ', '.join(values) or '-',
    ]
    body.append(f'<tr>{"".join(map(_data, texts, _RIGHT))}</tr>')
  names = ['metric', 'protocol', 'labels', 'mean', 'std', 'n', '95 % interval']
  names += ['which interval', 'single values']
  return _table(
    [*map(_head, names, _RIGHT)], body, 'rows', label='Every number'
  )


def config(values: Mapping[str, Any]) -> str:
  """A nested config, one field a line by its dotted name."""
  return texts(('field', 'value'), flat(values).items(), 'code', label='Config')


def folded(title: str, body: str) -> str:
  """What is shown only when asked for."""
  return f'<details>\n<summary>{escape(title)}</summary>\n{body}\n</details>\n'


def named(
  head: Sequence[str], lines: Iterable[Sequence[Any]], style: str, *, label: str
) -> str:
  """A table of numbers, one named line each.

  Args:
    head: The names of the columns.
    lines: The name, as HTML, and the numbers, as text.
    style: The table's class in the stylesheet.
    label: What the table is, for who cannot see it.
  """
  body = [
    _line(name, ''.join(_data(number, True) for number in numbers))
    for name, *numbers in lines
  ]
  heads = [_head(text, i > 0) for i, text in enumerate(head)]
  return _table(heads, body, style, label=label)


def texts(
  head: Sequence[str], lines: Iterable[Sequence[Any]], style: str, *, label: str
) -> str:
  """A table of texts, one named line each.

  Args:
    head: The names of the columns.
    lines: The name and the other cells, as text.
    style: The table's class in the stylesheet.
    label: What the table is, for who cannot see it.
  """
  body = [
    _line(escape(name), ''.join(map(_data, cells))) for name, *cells in lines
  ]
  return _table([*map(_head, head)], body, style, label=label)


def flat(values: Mapping[str, Any], prefix: str = '') -> dict[str, str]:
  """A nested config as dotted names of its fields to their values, in words."""
  fields = {}
  for name, value in values.items():
    if isinstance(value, Mapping) and value:
      fields |= flat(value, f'{prefix}{name}.')
    else:
      fields[f'{prefix}{name}'] = repr(value)
  return fields


def _line(name: str, cells: str) -> str:
  """A row of a table; both are HTML."""
  return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _head(text: object, right: bool = False) -> str:
  style = ' class="number"' if right else ''
  return f'<th scope="col"{style}>{escape(text)}</th>'


def _head_with_n(k: float | str, counts: Iterable[int]) -> str:
  draws = '/'.join(str(n) for n in sorted(counts))
  n = f'<span class="n">n&nbsp;=&nbsp;{draws}</span>' if draws else ''
  return f'<th scope="col" class="number">{escape(wording.count(k))}{n}</th>'


def _data(text: object, right: bool = False) -> str:
  style = ' class="number"' if right else ''
  return f'<td{style}>{escape(text)}</td>'


def _cell(grid: results.Grid, protocol: str, k: float | str) -> str:
  row = grid.cells.get((protocol, k))
  if row is None:
    return '<td class="number"></td>'
  spreads = any(
    wording.known(other.get('std'))
    for (_, at), other in grid.cells.items()
    if at == k
  )
  best = protocol in grid.best[k]
  text = wording.number(row['mean'], grid.metric)
  text = f'<strong>{text}</strong>' if best else text
  text += f'<span class="mark">{"*" if best else ""}</span>'
  if wording.known(row.get('std')):
    std = wording.number(row['std'], grid.metric)
    text += f'<span class="spread">±&nbsp;{std}</span>'
  elif spreads:
    text += '<span class="spread"></span>'
  return f'<td class="number">{text}</td>'


def _gap_cell(gap: comparison.Gap | None, metric: str) -> str:
  """The difference, and its interval below; a dagger where that excludes 0."""
  if gap is None:
    return '<td class="number"></td>'
  text = wording.number(gap.mean, metric)
  text = prose(f'+{text}' if float(text) > 0 else text)
  text = f'<strong>{text}</strong>' if gap.excludes_zero else text
  mark = '&dagger;' if gap.excludes_zero else ''
  below = 'no interval'
  if gap.has_interval:
    below = prose(wording.interval(gap.low, gap.high, metric))
  return (
    f'<td class="number">{text}<span class="mark">{mark}</span>'
    f'<span class="interval">{below}</span></td>'
  )


def _table(
  head: Sequence[str], body: Sequence[str], style: str, *, label: str
) -> str:
  """A table that scrolls by itself, by touch, mouse or keyboard."""
  return (
    f'<div class="scroll" role="region" tabindex="0" '
    f'aria-label="{escape(label)}"><table class="{style}">\n'
    f'<thead><tr>{"".join(head)}</tr></thead>\n<tbody>\n'
    + '\n'.join(body)
    + '\n</tbody></table></div>'
  )
