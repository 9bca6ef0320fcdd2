"""What is measured, as tables for a person and numbers for a program."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.racing import Result


@dataclasses.dataclass(frozen=True)
class Table:
  """One table of a section.

  Attributes:
    title: What was measured.
    columns: Their heads; the first column is left-justified.
    rows: Cells as they are shown.
    note: How to read it.
    measured: What the cells are of: for each row its name, `seconds` of every
      turn, `bytes` and `facts`.
  """

  title: str
  columns: Sequence[str]
  rows: Sequence[Sequence[str]]
  note: str = ''
  measured: Sequence[dict[str, Any]] = ()

  def markdown(self) -> str:
    """The title, the note and the table."""
    lines = [
      self.columns,
      ['---'] + ['---:'] * (len(self.columns) - 1),
      *self.rows,
    ]
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    note = f'{self.note}\n\n' if self.note else ''
    return f'### {self.title}\n\n{note}{table}\n'


def measured(results: dict[str, Result]) -> list[dict[str, Any]]:
  """For `Table.measured`."""
  return [
    {
      'name': name,
      'seconds': [float(f'{s:.5g}') for s in result.seconds],
      'bytes': result.bytes,
      'resident': result.resident,
      'facts': dict(result.facts),
    }
    for name, result in results.items()
  ]


def spread(values: Iterable[float]) -> str:
  """`12 (11 to 15)`: median, least and most, three digits each."""
  values = sorted(values)
  middle, least, most = map(
    _digits, (statistics.median(values), values[0], values[-1])
  )
  return f'{middle} ({least} to {most})'


def _digits(value: float) -> str:
  """Three digits that count, or all of those before the point."""
  if value == 0 or abs(value) >= 100:
    return f'{value:,.0f}'
  return f'{value:.{2 - math.floor(math.log10(abs(value)))}f}'


def ratios(results: dict[str, Result], name: str, to: str) -> str:
  """How many times faster than `to` a form is, in each pair of turns."""
  pairs = zip(results[to].seconds, results[name].seconds, strict=True)
  return spread(b / a for b, a in pairs)


def megabytes(size: int) -> str:
  """In MB, 10**6 bytes."""
  return f'{size / 1e6:,.0f}'
