"""By what a classifier is judged, and how its logits are read.

Labels say themselves which it is: one class an image, integers [batch], or any
number of labels, 0 or 1 [batch, labels].
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from semisup_jax.metrics.calibration import (
  fit_sigmoid_temperature,
  fit_temperature,
)
from semisup_jax.metrics.classification import (
  negative_log_likelihood,
  top_k_accuracy,
)
from semisup_jax.metrics.multi_label import (
  binary_cross_entropy,
  multi_label_metrics,
  roc_auc,
)
from semisup_jax.metrics.summary import classification_metrics


class Scoring(NamedTuple):
  """What is measured of logits, float [batch, classes or labels].

  Attributes:
    primary: The name of the metric that is reported first, and that chooses on
      validation; more of it is better.
    score: `(logits, labels) -> float`, that metric alone.
    metrics: `(logits, labels) -> {name: float}`, all of them, it first.
    loss: `(logits, labels) -> float` in nats, which breaks ties.
    probabilities: `logits -> probabilities`, of the same shape.
    fit_temperature: `(logits, labels, doubt=) -> T`.
  """

  primary: str
  score: Callable[[ArrayLike, ArrayLike], float]
  metrics: Callable[[ArrayLike, ArrayLike], dict[str, float]]
  loss: Callable[[ArrayLike, ArrayLike], float]
  probabilities: Callable[[ArrayLike], np.ndarray]
  fit_temperature: Callable[..., float]


ONE_CLASS = Scoring(
  primary='top1',
  score=partial(top_k_accuracy, k=1),
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
  score=lambda logits, labels: float(np.nanmean(roc_auc(logits, labels))),
  metrics=multi_label_metrics,
  loss=binary_cross_entropy,
  probabilities=scipy.special.expit,
  fit_temperature=fit_sigmoid_temperature,
)


def scoring_of(labels: np.ndarray) -> Scoring:
  """The scoring that labels ask for: by class, [N], or by label, [N, K]."""
  return SEVERAL_LABELS if labels.ndim == 2 else ONE_CLASS
