"""The rows of the study: classifiers under shift, and what SimCLR adds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import batch_norm
from semisup_jax.studies import statistics
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]

MOMENTUM = 0.9  # Of all points but those that vary it.
METRICS = ('top1', 'ece', 'nll')
TRAINSETS = ('trainset1', 'trainset2')
_PLACE = ('arm', 'momentum', 'shift', 'severity', 'order', 'batch_size')


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them."""

  def of_seeds(self, has: Callable[[Row], bool]) -> 'Measured':
    """The rows of those seeds of which some row `has` something.

    What is measured of some seeds only is compared on these.
    """
    seeds = {row['factors']['seed'] for row in self.rows if has(row)}
    return Measured([r for r in self.rows if r['factors']['seed'] in seeds])

  @functools.cached_property
  def trainsets(self) -> list[str]:
    """Arms whose classifiers were tested under shift."""
    found = {row['factors']['arm'] for row in self.rows if _under_shift(row)}
    return [arm for arm in TRAINSETS if arm in found]

  @functools.cached_property
  def under_shift(self) -> list[dict[str, Any]]:
    """Means over seeds, by all that a test under shift is of; all metrics."""
    return statistics.summarize(self._observed, by=(*_PLACE, 'mode', 'amount'))

  @functools.cached_property
  def _observed(self) -> list[Row]:
    """The points with their rows under shift as `statistics` reads rows."""
    return [
      {
        **row,
        'tables': {},
        'rows': [
          {
            **{k: v for k, v in one.items() if k not in (*METRICS, 'n')},
            'protocol': 'batch_norm',
            'labels_per_class': None,
            'metric': metric,
            'mean': one[metric],
          }
          for one in _under_shift(row)
          for metric in METRICS
        ],
      }
      for row in self.rows
      if _under_shift(row)
    ]

  @property
  def shifts(self) -> list[str]:
    """Of the whole test set, as they come in the config."""
    own = [row for row in self.under_shift if row['severity'] is None]
    return batch_norm.unique(own, 'shift')

  @property
  def shift(self) -> str | None:
    """The one of which most is said: a change of look, and normalised."""
    looks = [s for s in self.shifts if s not in batch_norm.SHIFTS]
    return looks[0] if looks else None

  @property
  def batch_sizes(self) -> list[int]:
    """Ascending, of the shifts of the whole test set."""
    own = [row for row in self.under_shift if row['severity'] is None]
    return sorted(batch_norm.unique(own, 'batch_size'))

  def of(self, arm: str, **fields: Any) -> list[dict[str, Any]]:
    """Means over seeds, of shifts of the whole set, in the order iid.

    Args:
      arm: The training set.
      **fields: What else is asked for; the metric is top1 and the momentum the
        usual one where they are not named.
    """
    wanted = {
      'arm': arm,
      'severity': None,
      'metric': 'top1',
      'momentum': MOMENTUM,
      **fields,
    }
    return [
      row
      for row in self.under_shift
      if row['order'] in (None, fields.get('order', 'iid'))
      and all(row[k] == v for k, v in wanted.items() if k != 'order')
    ]

  def one(self, arm: str, mode: str, **fields: Any) -> dict[str, Any] | None:
    """The one row of a mode; None where it was not measured."""
    found = self.of(arm, mode=mode, **fields)
    return found[0] if found else None

  def corruptions(self, arm: str, metric: str = 'top1') -> list[dict[str, Any]]:
    """Means over seeds, by corruption, severity and mode."""
    return [
      row
      for row in self.under_shift
      if row['severity'] is not None
      and (row['arm'], row['metric']) == (arm, metric)
    ]

  def accuracy(self) -> list[dict[str, Any]]:
    """Top-1 on the whole reported part, by arm and protocol."""
    usual = [r for r in self.rows if r['factors']['momentum'] == MOMENTUM]
    return [
      row
      for row in statistics.summarize(usual, by=('arm',))
      if row['metric'] == 'top1'
    ]

  def gain(self, a: Row, b: Row) -> dict[str, Any] | None:
    """The paired difference of two of `accuracy`'s rows."""
    usual = [r for r in self.rows if r['factors']['momentum'] == MOMENTUM]
    arms = {row['factors']['arm'] for row in usual}
    if not {a['arm'], b['arm']} <= arms:
      return None
    return statistics.paired(usual, a, b, by=())[0]

  def reliability(self, arm: str) -> list[Row]:
    """Bins of the first seed's classifier."""
    for row in self.rows:
      factors = row['factors']
      if (factors['arm'], factors['momentum']) == (arm, MOMENTUM):
        return row['tables'].get('batch_norm_reliability', [])
    return []

  def changed(self) -> tuple[int, int]:
    """Source predictions that differ with the test batch, and of how many."""
    rows = [
      one
      for row in self.rows
      for one in row['tables'].get('batch_norm_invariance', ())
    ]
    return sum(r['changed'] for r in rows), sum(r['n'] for r in rows)

  def images(self) -> int:
    """How many test images a number under shift is of."""
    return max(
      (one['n'] for row in self.rows for one in _under_shift(row)), default=0
    )


def is_sorted(row: Row) -> bool:
  """Whether a point was tested on images sorted by class."""
  return any(one['order'] == 'sorted' for one in _under_shift(row))


def varies_momentum(row: Row) -> bool:
  """Whether a point is of another momentum than the usual one."""
  return row['factors']['momentum'] != MOMENTUM


def _under_shift(row: Row) -> Sequence[Row]:
  return row['tables'].get('batch_norm', ())
