"""Rows ranked and paired: what the tables and the sentences both rest on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from semisup_jax.reporting import wording

Row = Mapping[str, Any]


class Gap(NamedTuple):
  """A paired difference of two protocols and its 95 % interval, if known."""

  mean: float
  low: float | None
  high: float | None

  @property
  def has_interval(self) -> bool:
    """Whether both ends of the interval are known."""
    return wording.known(self.low) and wording.known(self.high)

  @property
  def excludes_zero(self) -> bool:
    """Whether the interval is known and lies on one side of 0."""
    return self.has_interval and (self.low > 0 or self.high < 0)

  @property
  def verdict(self) -> str:
    """`higher`, `lower`, `not distinguishable`, or `no interval`."""
    if not self.has_interval:
      return 'no interval'
    if not self.excludes_zero:
      return 'not distinguishable'
    return 'higher' if self.low > 0 else 'lower'


def comparable(rows: Iterable[Row]) -> list[Row]:
  """The rows that have a mean, of the first such row's metric."""
  rows = [row for row in rows if wording.known(row['mean'])]
  return [row for row in rows if row['metric'] == rows[0]['metric']]


def columns(rows: Iterable[Row]) -> dict[float | str, list[Row]]:
  """Comparable rows by their number of labels, from few to all."""
  rows = comparable(rows)
  ks = wording.ordered(row['labels_per_class'] for row in rows)
  return {k: [r for r in rows if r['labels_per_class'] == k] for k in ks}


def in_order(protocols: Iterable[str]) -> list[str]:
  """Each protocol once: the known ones first, then others as they come."""
  seen = list(dict.fromkeys(protocols))
  known = [protocol for protocol in wording.PROTOCOLS if protocol in seen]
  return known + [protocol for protocol in seen if protocol not in known]


def ranked(rows: Sequence[Row]) -> list[Row]:
  """Rows of one metric, the best mean first."""
  sign = 1 if rows and rows[0]['metric'] in wording.LOWER_IS_BETTER else -1
  return sorted(rows, key=lambda row: sign * row['mean'])


def leaders(rows: Sequence[Row]) -> list[Row]:
  """The rows whose mean is the best one; more than one in a tie."""
  order = ranked(rows)
  return [row for row in order if abs(row['mean'] - order[0]['mean']) < 1e-9]


def difference(
  differences: Iterable[Row], protocol: str, baseline: str, k: float | str
) -> Gap | None:
  """The paired difference `protocol` minus `baseline` at `k` labels a class.

  A pair that is stored the other way round is turned.

  Args:
    differences: The rows of `tables['differences']`.
    protocol: What is compared.
    baseline: What it is compared with.
    k: Labels a class, or 'all'.

  Returns:
    The difference, or None where none was computed.
  """
  for row in differences:
    if row['labels_per_class'] != k or not wording.known(row['mean']):
      continue
    gap = Gap(row['mean'], row.get('low'), row.get('high'))
    if (row['protocol'], row['baseline']) == (protocol, baseline):
      return gap
    if (row['baseline'], row['protocol']) == (protocol, baseline):
      low, high = (-gap.high, -gap.low) if gap.has_interval else (None, None)
      return Gap(-gap.mean, low, high)
  return None
