"""The rows of the study, by method."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import statistics
from semisup_jax.studies.measured import MeasuredRows

Row = Mapping[str, Any]

FLOORS = ('raw_pixels', 'random_encoder')
# The method that classifiers are compared with.
BASELINE = 'supervised'
# How an encoder is judged.
PROBES = ('linear_probe', 'knn')
# Where a run tests several models: the one that the method is judged by.
JUDGED = {'self_training': 'student'}


class Measured(MeasuredRows):
  """The rows of this study, and what is asked of them."""

  @functools.cached_property
  def encoders(self) -> list[str]:
    """Methods whose encoders are probed, floors too, in the sweep's order."""
    return [m for m in self._methods if self._is_probed(m)]

  @functools.cached_property
  def classifiers(self) -> list[str]:
    """Methods that learn a classifier from few labels."""
    return [m for m in self._methods if not self._is_probed(m)]

  @functools.cached_property
  def label_counts(self) -> list[Any]:
    """Labels a class, ascending."""
    return wording.ordered(
      result['labels_per_class'] for row in self.rows for result in row['rows']
    )

  @property
  def middle(self) -> Any:
    """The number of labels at which methods are compared in words."""
    return self.label_counts[len(self.label_counts) // 2]

  def of(self, method: str) -> list[Row]:
    """The points of a method."""
    return [row for row in self.rows if row['factors']['method'] == method]

  def of_encoders(self, protocol: str) -> list[dict[str, Any]]:
    """Means over seeds, by method and labels a class; floors are marked."""
    return [
      {**row, 'floor': row['method'] in FLOORS}
      for row in self._means(self.encoders, {'protocol': protocol})
    ]

  def of_classifiers(self) -> list[dict[str, Any]]:
    """Means over seeds, by method and labels a class."""
    return [
      row
      for method in self.classifiers
      for row in self._means([method], own(method))
    ]

  def differences(self, a: Row, b: Row) -> list[dict[str, Any]]:
    """Paired by seed, by labels a class; none where one is not there."""
    if not (self.of(a['method']) and self.of(b['method'])):
      return []
    return statistics.paired(self.rows, a, b)

  def gain(self, encoder: str, other: str) -> dict[str, Any] | None:
    """What one probe has over another, with the middle number of labels."""
    a, b = ({'method': m, 'protocol': 'linear_probe'} for m in (encoder, other))
    for difference in self.differences(a, b):
      if difference['labels_per_class'] == self.middle:
        return difference
    return None

  def seconds(self, method: str) -> str:
    """The median time of a run, `73 s`."""
    known = [row['seconds'] for row in self.of(method) if row['seconds']]
    return f'{np.median(known):.0f} s' if known else '-'

  @property
  def _methods(self) -> list[str]:
    return list(dict.fromkeys(row['factors']['method'] for row in self.rows))

  def _is_probed(self, method: str) -> bool:
    first = self.of(method)[0]
    return any(result['protocol'] in PROBES for result in first['rows'])

  def _means(self, methods, fields) -> list[dict[str, Any]]:
    rows = [row for row in self.rows if row['factors']['method'] in methods]
    return [
      mean
      for mean in statistics.summarize(rows, by=('method',))
      if mean['metric'] == 'top1'
      and all(mean[name] == value for name, value in fields.items())
    ]


def own(method: str) -> dict[str, str]:
  """What selects the classifier that a method is judged by."""
  judged = {'protocol': JUDGED[method]} if method in JUDGED else {}
  return {'method': method, **judged}
