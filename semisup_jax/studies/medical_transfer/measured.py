"""The rows of the study: what was judged, draw by draw of labelled images."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from semisup_jax import metrics
from semisup_jax.reporting import wording
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]

FULL = 'fine_tune'  # The mode that the others are compared with.


class Judged(NamedTuple):
  """An encoder and a way to use it.

  Attributes:
    arm: What the encoder has learned by.
    protocol: Of the point's rows.
    on: What it is judged on: the target, or its own source.
  """

  arm: str
  protocol: str
  on: str = 'target'


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them.

  A number is of one seed and one draw of labelled images. With the same seed a
  draw is the same images for every encoder and every mode, so that differences
  are paired over both.

  Attributes:
    rows: Of the points, as in rows.jsonl.
    main: The arm with which all modes are run.
    metric: By which modes and encoders are compared.
  """

  def __init__(self, rows: Sequence[Row], main: str, metric: str):
    super().__init__(rows)
    self.main = main
    self.metric = metric

  @functools.cached_property
  def arms(self) -> list[str]:
    """Those that are there, in the order in which they first appear."""
    return list(dict.fromkeys(row['factors']['arm'] for row in self.rows))

  @property
  def modes(self) -> list[Judged]:
    """All ways in which the encoder of the main arm was used."""
    return self.ways(self.main)

  def ways(self, arm: str, on: str = 'target') -> list[Judged]:
    """All ways in which an encoder was used, on the target or the source."""
    known = dict.fromkeys(judged for judged, _, _ in self._values)
    return [judged for judged in known if (judged.arm, judged.on) == (arm, on)]

  @property
  def shared(self) -> list[str]:
    """The protocols in which all encoders were used."""
    return [
      mode.protocol
      for mode in self.modes
      if all(Judged(arm, mode.protocol) in self.ways(arm) for arm in self.arms)
    ]

  @property
  def ks(self) -> list[int]:
    """Labels a class of the target, ascending."""
    return self.ks_of('target')

  def ks_of(self, on: str) -> list[int]:
    """Labels a class on the target or the source, ascending."""
    found = {k for judged, k, _ in self._values if judged.on == on}
    return wording.ordered(found)

  def measures(self, wanted: Sequence[str]) -> list[str]:
    """Those of some metrics that rows have."""
    known = {metric for _, _, metric in self._values}
    return [metric for metric in wanted if metric in known]

  @functools.cached_property
  def _values(
    self,
  ) -> dict[tuple[Judged, int, str], dict[tuple[int, int], float]]:
    """Numbers by seed and draw, of each judged, number of labels and metric."""
    found: dict[Any, dict[tuple[int, int], float]] = {}
    for row in self.rows:
      factors = row['factors']
      for one in (*row['rows'], *row['tables'].get('metrics', ())):
        judged = Judged(factors['arm'], one['protocol'], factors['on'])
        place = judged, one['labels_per_class'], one['metric']
        own = found.setdefault(place, {})
        for draw, value in enumerate(one['values']):
          if wording.known(value):
            own[factors['seed'], draw] = value
    return found

  def value(
    self, judged: Judged, k: int, metric: str | None = None
  ) -> dict[str, Any] | None:
    """Mean and spread over seeds and draws; None where there is no number."""
    values = self._of(judged, k, metric)
    if not values:
      return None
    numbers = list(values.values())
    mean, std = metrics.mean_and_std(numbers)
    low, high = metrics.student_t_interval(numbers)
    spread = {'mean': mean, 'std': std, 'low': low, 'high': high}
    return self._row(values, k, metric) | spread

  def curve(
    self, judged: Judged, metric: str | None = None
  ) -> list[dict[str, Any]]:
    """The same by labels a class, ascending."""
    found = (self.value(judged, k, metric) for k in self.ks_of(judged.on))
    return [row for row in found if row]

  def difference(
    self, a: Judged, b: Judged, k: int, metric: str | None = None
  ) -> dict[str, Any] | None:
    """Of a minus b, paired by seed and draw; None where they share none."""
    first, second = (self._of(judged, k, metric) for judged in (a, b))
    units = [unit for unit in first if unit in second]
    if not units:
      return None
    pair = ([own[unit] for unit in units] for own in (first, second))
    gap = metrics.paired_difference(*pair)
    values = {unit: first[unit] - second[unit] for unit in units}
    return self._row(values, k, metric) | gap._asdict()

  def differences(
    self, a: Judged, b: Judged, metric: str | None = None
  ) -> list[dict[str, Any]]:
    """The same by labels a class, ascending."""
    found = (self.difference(a, b, k, metric) for k in self.ks_of(a.on))
    return [row for row in found if row]

  def _of(self, judged, k, metric) -> dict[tuple[int, int], float]:
    return self._values.get((judged, k, metric or self.metric), {})

  def _row(self, values, k, metric) -> dict[str, Any]:
    return {
      'labels_per_class': k,
      'metric': metric or self.metric,
      'n': len(values),
      'over': 'draw',
      'units': list(values),
      'values': list(values.values()),
    }

  @functools.cached_property
  def majority(self) -> float | None:
    """The share of the largest class of what is judged on; None where an image
    has several labels."""
    for row in self.rows:
      recall = row['tables'].get('per_class_recall')
      if recall and row['factors']['on'] == 'target':
        counts = {one['class']: one['n'] for one in recall}
        return max(counts.values()) / sum(counts.values())
    return None

  def table(self, arm: str, name: str) -> list[Row]:
    """The rows of a table of an arm's points on the target, over all seeds."""
    return [
      one
      for row in self.rows
      if (row['factors']['arm'], row['factors']['on']) == (arm, 'target')
      for one in row['tables'].get(name, ())
    ]


def is_told_apart(difference: Row) -> bool:
  """Whether an interval excludes 0, and every seed is on the same side.

  Draws share the encoder of their seed. Where one encoder prefers one mode and
  another the other, an interval over all draws is too sure.

  Args:
    difference: From `Measured.difference`.
  """
  if difference['low'] is None or difference['low'] <= 0 <= difference['high']:
    return False
  by_seed: dict[int, list[float]] = {}
  for (seed, _), value in zip(
    difference['units'], difference['values'], strict=True
  ):
    by_seed.setdefault(seed, []).append(value)
  return len({np.sign(np.mean(own)) for own in by_seed.values()}) == 1
