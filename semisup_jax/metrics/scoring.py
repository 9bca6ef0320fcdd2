"""By what a classifier is judged, and how its logits are read.

Labels say themselves which it is: one class an image, integers [batch], or any
number of labels, 0 or 1 [batch, labels].
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from semisup_jax.metrics.calibration import (
  fit_sigmoid_temperature,
  fit_temperature,
)
from semisup_jax.metrics.classification import (
  balanced_accuracy,
  confusion_matrix,
  macro_f1,
  negative_log_likelihood,
  top_k_accuracy,
)
from semisup_jax.metrics.multi_label import (
  average_precision,
  binary_cross_entropy,
  f1_by_label,
  multi_label_metrics,
  roc_auc,
  two_class_roc_auc,
)
from semisup_jax.metrics.summary import classification_metrics
from semisup_jax.types import InputError, lookup


class Scoring(NamedTuple):
  """What is measured of logits, float [batch, classes or labels].

  Attributes:
    primary: The name of the metric that is reported first, and that chooses on
      validation; more of it is better.
    selection: What else may choose on validation, by name: `(logits, labels)
      -> float`; it is among them. More is better but of `LOWER_IS_BETTER`.
    metrics: `(logits, labels) -> {name: float}`, all of them; of one class an
      image it takes a `threshold` as well, see `classification_metrics`.
    loss: `(logits, labels) -> float` in nats, which breaks ties.
    probabilities: `logits -> probabilities`, of the same shape.
    fit_temperature: `(logits, labels, doubt=) -> T`.
  """

  primary: str
  selection: Mapping[str, Callable[[ArrayLike, ArrayLike], float]]
  metrics: Callable[..., dict[str, float]]
  loss: Callable[[ArrayLike, ArrayLike], float]
  probabilities: Callable[[ArrayLike], np.ndarray]
  fit_temperature: Callable[..., float]

  def chosen_by(self, select_by: str | None) -> tuple[str, ...]:
    """The metrics that a field `select_by` names, as 'top1' or 'top1,nll'.

    None is the primary one.

    Raises:
      InputError: If one is not in `selection`, or is named twice.
    """
    named = tuple((select_by or self.primary).split(','))
    for name in named:
      lookup(self.selection, name, 'select_by')
    if len(set(named)) < len(named):
      raise InputError(f'select_by={select_by} names a metric twice')
    return named

  def score(self, logits: ArrayLike, labels: ArrayLike) -> float:
    """The primary metric alone."""
    return self.selection[self.primary](logits, labels)


LOWER_IS_BETTER = frozenset({'nll'})


def selection_values(
  measured: Mapping[str, float], select_by: Sequence[str]
) -> np.ndarray:
  """The metrics that choose, larger being better, float32 [metrics].

  In the precision that a state keeps: an equal value must not seem worse.
  """
  sign = [-1 if name in LOWER_IS_BETTER else 1 for name in select_by]
  return np.float32(sign) * np.float32([measured[name] for name in select_by])


def mean_ranks(values: ArrayLike) -> np.ndarray:
  """Of each look the mean over the metrics of its rank, the best being the
  highest.

  Args:
    values: float [looks, metrics], larger being better.

  Returns:
    float64 [looks]; ties share their mean rank, and a NaN makes all NaN.
  """
  return scipy.stats.rankdata(values, axis=0).mean(axis=1)


def _of_confusion(measure: Callable) -> Callable:
  def of_logits(logits, labels):
    logits = np.asarray(logits)
    predictions = logits.argmax(axis=1)
    return measure(confusion_matrix(labels, predictions, logits.shape[1]))

  return of_logits


def _mean_over_labels(measure: Callable, logits, labels) -> float:
  return float(np.nanmean(measure(logits, labels)))


ONE_CLASS = Scoring(
  primary='top1',
  selection=MappingProxyType(
    {
      'top1': partial(top_k_accuracy, k=1),
      'balanced_accuracy': _of_confusion(balanced_accuracy),
      'macro_f1': _of_confusion(macro_f1),
      'nll': negative_log_likelihood,
      'roc_auc': two_class_roc_auc,
    }
  ),
  metrics=classification_metrics,
  loss=negative_log_likelihood,
  probabilities=partial(scipy.special.softmax, axis=-1),
  fit_temperature=fit_temperature,
)
# Macro ROC-AUC is what chest X-rays are reported by (Wang et al. 2017,
# https://arxiv.org/abs/1705.02315; MedMNIST): it needs no threshold, and does
# not depend on how rare a label is.
SEVERAL_LABELS = Scoring(
  primary='roc_auc',
  selection=MappingProxyType(
    {
      'roc_auc': partial(_mean_over_labels, roc_auc),
      'average_precision': partial(_mean_over_labels, average_precision),
      'macro_f1': lambda logits, labels: _mean_over_labels(
        f1_by_label, np.asarray(logits) > 0, labels
      ),
      'nll': binary_cross_entropy,
    }
  ),
  metrics=multi_label_metrics,
  loss=binary_cross_entropy,
  probabilities=scipy.special.expit,
  fit_temperature=fit_sigmoid_temperature,
)


def scoring_of(labels: np.ndarray) -> Scoring:
  """The scoring that labels ask for: by class, [N], or by label, [N, K]."""
  return SEVERAL_LABELS if labels.ndim == 2 else ONE_CLASS
