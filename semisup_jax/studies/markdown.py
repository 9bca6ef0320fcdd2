"""Tables as GitHub shows them: text in, text out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.reporting import wording

Row = Mapping[str, Any]


def escape(text: Any) -> str:
  """Text for a cell: pipes are escaped, a line end becomes a space."""
  text = re.sub(r'\s+', ' ', str(text)).strip()
  return text.replace('\\', '\\\\').replace('|', '\\|')


def table(head: Sequence[Any], body: Iterable[Sequence[Any]]) -> str:
  """A table, the first column at the left, the others at the right.

  Args:
    head: The names of the columns.
    body: Rows of cells, as many as there are columns.

  Raises:
    ValueError: If a row has more or fewer cells than there are columns.
  """
  body = [list(row) for row in body]
  for row in body:
    if len(row) != len(head):
      raise ValueError(f'{len(head)} columns, but a row of {len(row)}: {row}')
  rule = ['---', *['---:'] * (len(head) - 1)]
  lines = [[escape(c) for c in head], rule]
  lines += [[escape(c) for c in row] for row in body]
  return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def picture(light: str, dark: str, alt: str) -> str:
  """An image in the reader's theme: two paths beside the page, and a text."""
  return (
    f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    f'<img src="{light}" alt="{alt}"></picture>'
  )


def value(row: Row | None) -> str:
  """`95.1 ± 1.1`; without a spread where n is 1; nothing where it is None."""
  if row is None:
    return ''
  text = wording.number(row['mean'], row['metric'])
  if wording.known(row.get('std')):
    text += f' ± {wording.number(row["std"], row["metric"])}'
  return text


def share(rows: Sequence[Row], field: str, *, spread: bool = True) -> str:
  """The mean of a share over seeds, in per cent: `95.1 ± 1.1 (2 of 3)`.

  Args:
    rows: One a seed; where the field is None, its value is not known.
    field: Of the share.
    spread: Whether the standard deviation is there too.

  Returns:
    `-` where no seed has a value; of how many the mean is, where some have.
  """
  values = [100 * row[field] for row in rows if row[field] is not None]
  if not values:
    return '-'
  text = f'{np.mean(values):.1f}'
  if spread and len(values) > 1:
    text += f' ± {np.std(values, ddof=1):.1f}'
  if len(values) < len(rows):
    text += f' ({len(values)} of {len(rows)})'
  return text


def difference(row: Row | None) -> str:
  """`+6.1 (3.2 to 9.0)`; bold where the interval excludes 0."""
  if row is None:
    return ''
  metric, low, high = row['metric'], row.get('low'), row.get('high')
  text = wording.number(row['mean'], metric)
  if wording.known(row['mean']) and float(text) > 0:
    text = f'+{text}'
  if not (wording.known(low) and wording.known(high)):
    return text
  text += f' ({wording.interval(low, high, metric)})'
  return f'**{text}**' if low > 0 or high < 0 else text


def grid(
  rows: Sequence[Row],
  down: Sequence[str] = ('method',),
  across: str = 'labels_per_class',
  *,
  cell=value,
) -> str:
  """Rows laid out by their fields: `down` names lines, `across` columns.

  Args:
    rows: Of `statistics.summarize`, or of `paired` with `cell=difference`; of
      one metric.
    down: The fields that name a line.
    across: The field that names a column.
    cell: Makes a row, or None where there is none, the text of its cell.

  Raises:
    ValueError: If two rows have one place, or there are several metrics.
  """
  cells: dict[tuple, dict[Any, Row]] = {}
  for row in rows:
    line = cells.setdefault(tuple(row[field] for field in down), {})
    if line.setdefault(row[across], row) is not row:
      raise ValueError(f'two rows have one place: {line[row[across]]}, {row}')
  if len({row['metric'] for row in rows}) > 1:
    raise ValueError('a table has one metric')
  columns = wording.ordered(row[across] for row in rows)
  head = [*(_title(field) for field in down), *columns]
  head[len(down) - 1] += f' \\ {_title(across)}'
  body = [
    [
      *(_entry(field, v) for field, v in zip(down, names, strict=True)),
      *(cell(line.get(column)) for column in columns),
    ]
    for names, line in cells.items()
  ]
  return table(head, body)


def replications(rows: Iterable[Row]) -> str:
  """`n = 3 seeds`, `n = 2 to 3 seeds`."""
  rows = list(rows)
  counts = sorted({row['n'] for row in rows})
  if not counts:
    return 'n = 0'
  noun = rows[0].get('over', 'seed') + ('' if counts == [1] else 's')
  ends = dict.fromkeys((counts[0], counts[-1]))
  return f'n = {" to ".join(map(str, ends))} {noun}'


def _title(field: str) -> str:
  names = {'labels_per_class': 'labels a class'}
  return names.get(field, field.replace('_', ' '))


def _entry(field: str, value: Any) -> str:
  known = {'method': wording.method, 'protocol': wording.protocol}
  return known.get(field, str)(value)
