"""The numbers by which validation can choose a model."""

from collections.abc import Callable

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from semisup_jax.metrics.classification import (
  balanced_accuracy,
  confusion_matrix,
  macro_f1,
  negative_log_likelihood,
  top_k_accuracy,
)
from semisup_jax.metrics.examples import kept_examples


def roc_auc(logits: ArrayLike, labels: ArrayLike) -> float:
  """The area under the ROC curve of a classifier of two classes.

  That is the chance that an example of class 1 has a higher score than one of
  class 0, ties counting half (Hanley and McNeil 1982,
  https://doi.org/10.1148/radiology.143.1.7063747), from the ranks.

  Args:
    logits: Unnormalised class scores, float [batch, 2].
    labels: True classes, integers [batch].

  Raises:
    ValueError: As the module `classification` says, or if there are not two
      classes, each with an example.
  """
  logits, labels = kept_examples(logits, labels, None)
  positives = int(labels.sum())
  negatives = len(labels) - positives
  if logits.shape[1] != 2 or not positives or not negatives:
    raise ValueError(
      'the ROC curve needs two classes, each with an example; got '
      f'{logits.shape[1]} classes, of which {len(set(labels))} have one'
    )
  ranks = scipy.stats.rankdata(logits[:, 1] - logits[:, 0])
  wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
  return float(wins / (positives * negatives))


def _of_confusion(measure: Callable) -> Callable:
  def of_logits(logits, labels):
    logits = np.asarray(logits)
    predictions = logits.argmax(axis=1)
    return measure(confusion_matrix(labels, predictions, logits.shape[1]))

  return of_logits


# By name, `(logits [batch, classes], labels [batch]) -> value`.
SELECTION: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
  'top1': lambda logits, labels: top_k_accuracy(logits, labels, 1),
  'balanced_accuracy': _of_confusion(balanced_accuracy),
  'macro_f1': _of_confusion(macro_f1),
  'nll': negative_log_likelihood,
  'roc_auc': roc_auc,
}
LOWER_IS_BETTER = frozenset({'nll'})
