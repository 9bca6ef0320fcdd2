"""What the pages of all studies ask of their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import wording

Row = Mapping[str, Any]


class MeasuredRows:
  """Rows, and what is asked of them.

  Attributes:
    rows: Of the points, as in rows.jsonl.
  """

  def __init__(self, rows: Sequence[Row]):
    self.rows = list(rows)

  @property
  def seeds(self) -> set[Any]:
    """Of all points."""
    return {row['factors']['seed'] for row in self.rows}

  @property
  def effort(self) -> str:
    """`10 runs, 2 h 5 min in all, on AMD EPYC, 2 cores`."""
    seconds = sum(row['seconds'] or 0 for row in self.rows)
    return (
      f'{len(self.rows)} runs, {wording.duration(seconds)} in all, on '
      f'{self.listed("hardware")}'
    )

  @property
  def spread(self) -> str:
    """`n = 3 seeds; intervals are ...`, for the head of a page."""
    count = len(self.seeds)
    if count < 2:
      return 'of one seed, so that there are no intervals'
    return (
      f"n = {count} seeds; intervals are Student's t over them, and "
      'differences are paired'
    )

  @property
  def bands(self) -> str:
    """What the bands of a figure are."""
    if len(self.seeds) < 2:
      return 'One seed has no intervals.'
    return 'Bands are 95 % intervals over seeds.'

  def listed(self, field: str) -> str:
    """What the points have in a field, each once."""
    return wording.listed(
      dict.fromkeys(str(row.get(field)) for row in self.rows)
    )
