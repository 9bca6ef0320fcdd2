"""The rows of the study: what was trained, and by what it is judged."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from semisup_jax.studies import statistics
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]


class Judged(NamedTuple):
  """One of the models that a point tests.

  Attributes:
    arm: Of the point.
    protocol: Of the point's rows.
    name: Within a sentence.
  """

  arm: str
  protocol: str
  name: str


SUPERVISED = Judged('supervised', 'supervised', 'labels alone')
LONGER = Judged('longer', 'supervised', 'labels alone, trained longer')
PSEUDO_LABELS = Judged('pseudo_labels', 'student', 'pseudo-labelling')
FIXMATCH = Judged('fixmatch', 'fixmatch', 'FixMatch')
PROBE = Judged(
  'barlow_twins', 'linear_probe', 'Barlow Twins, a linear classifier on it'
)
KNN = Judged('barlow_twins', 'knn', 'Barlow Twins, kNN')
FINE_TUNED = Judged('barlow_twins', 'teacher', 'Barlow Twins, fine-tuned')
TAUGHT = Judged(
  'barlow_twins', 'student', 'pseudo-labelling by Barlow Twins, fine-tuned'
)
ALL = (
  *(SUPERVISED, LONGER, PSEUDO_LABELS, FIXMATCH),
  *(PROBE, KNN, FINE_TUNED, TAUGHT),
)


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them."""

  @functools.cached_property
  def labels(self) -> list[int]:
    """Numbers of labels, the main one, which is the larger, first."""
    return sorted({row['factors']['labels'] for row in self.rows}, reverse=True)

  def ratios(self, judged: Judged, labels: int) -> list[float]:
    """Of unlabelled to labelled images, ascending."""
    return sorted({row['factors']['ratio'] for row in self.of(judged, labels)})

  def of(self, judged: Judged, labels: int) -> list[Row]:
    """The points of an arm."""
    wanted = judged.arm, labels
    return [
      row
      for row in self.rows
      if (row['factors']['arm'], row['factors']['labels']) == wanted
    ]

  def at(
    self, judged: Judged, labels: int, ratio: float | None = None
  ) -> list[Row]:
    """The points of an arm at a ratio; at the largest, if none is given."""
    if ratio is None:
      ratio = self.largest(judged, labels)
    return [
      row for row in self.of(judged, labels) if row['factors']['ratio'] == ratio
    ]

  def audited(
    self, judged: Judged, labels: int, ratio: float | None = None
  ) -> list[Row]:
    """What the threshold in use kept, one row a point."""
    return [
      one
      for row in self.at(judged, labels, ratio)
      for one in row['tables'].get('pseudo_labels', ())
      if one['used']
    ]

  def largest(self, judged: Judged, labels: int) -> float | None:
    """The ratio at which a model is shown among the others."""
    ratios = self.ratios(judged, labels)
    return ratios[-1] if ratios else None

  def value(
    self,
    judged: Judged,
    labels: int,
    ratio: float | None = None,
    metric: str = 'top1',
  ) -> dict[str, Any] | None:
    """Mean and spread over seeds; at the largest ratio, if none is given."""
    if ratio is None:
      ratio = self.largest(judged, labels)
    wanted = (judged.arm, judged.protocol, labels, ratio, metric)
    fields = ('arm', 'protocol', 'labels', 'ratio', 'metric')
    for row in self._means:
      if tuple(row[field] for field in fields) == wanted:
        return row
    return None

  def difference(
    self,
    a: Judged,
    b: Judged,
    labels: int,
    ratio: float | None = None,
    metric: str = 'top1',
  ) -> dict[str, Any] | None:
    """Of a, at a ratio, minus b, at its largest, paired by seed."""
    sides = []
    for judged, at in ((a, ratio), (b, None)):
      at = self.largest(judged, labels) if at is None else at
      if self.value(judged, labels, at, metric) is None:
        return None
      sides.append(
        {
          'arm': judged.arm,
          'protocol': judged.protocol,
          'labels': labels,
          'ratio': at,
        }
      )
    found = statistics.paired(self.rows, *sides, by=(), metric=metric)
    return found[0] if found else None

  @functools.cached_property
  def _means(self) -> list[dict[str, Any]]:
    return statistics.summarize(self.rows, by=('arm', 'labels', 'ratio'))
