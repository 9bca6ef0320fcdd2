"""How often a classifier is right, and on which classes.

All on the host, in float64, over a whole evaluation set. Values are fractions
in [0, 1], not percentages. `mask`, [batch] of bool or 0 / 1, is true for the
rows that count (None: all); rows it leaves out may hold anything. A ValueError
says which shape, label or score does not fit, or that no row is kept.
"""

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from semisup_jax.metrics.examples import (
  kept_classes,
  kept_examples,
  kept_rows,
)


def confusion_matrix(
  labels: ArrayLike,
  predictions: ArrayLike,
  num_classes: int,
  mask: ArrayLike | None = None,
) -> np.ndarray:
  """Counts examples by true and by predicted class, as scikit-learn does.

  Args:
    labels: True classes, integers [batch] in [0, num_classes).
    predictions: Predicted classes, integers [batch] in [0, num_classes).
    num_classes: How many classes there are, seen or not.
    mask: Which rows count, [batch].

  Returns:
    int64 [num_classes, num_classes]: rows are true, columns predicted classes.

  Raises:
    ValueError: As the module says.
  """
  keep = kept_rows(len(np.asarray(labels)), mask)
  true = kept_classes(labels, keep, num_classes, 'labels')
  predicted = kept_classes(predictions, keep, num_classes, 'predictions')
  cells = np.bincount(true * num_classes + predicted, minlength=num_classes**2)
  return cells.reshape(num_classes, num_classes)


def top_k_accuracy(
  logits: ArrayLike, labels: ArrayLike, k: int, mask: ArrayLike | None = None
) -> float:
  """The fraction of examples whose class is among the k highest logits.

  Of equal logits the lower class index ranks first, as in `argmax`, so that
  top-1 is the accuracy of the argmax. (Counting ties as right would give a
  collapsed classifier 100 %.)

  Args:
    logits: Class scores, float [batch, classes]; any increasing function of
      them gives the same value.
    labels: True classes, integers [batch].
    k: How many guesses, in [1, classes].
    mask: Which rows count, [batch].

  Raises:
    ValueError: As the module says, or if k is out of range.
  """
  logits, labels = kept_examples(logits, labels, mask)
  num_classes = logits.shape[1]
  if not 1 <= k <= num_classes:
    raise ValueError(f'k needs to be in [1, {num_classes}]; got {k}')
  own = np.take_along_axis(logits, labels[:, None], axis=1)
  earlier = np.arange(num_classes) < labels[:, None]
  ahead = (logits > own) | ((logits == own) & earlier)
  return float(np.mean(ahead.sum(axis=1) < k))


def per_class_recall(confusion: ArrayLike) -> np.ndarray:
  """The fraction of each class's examples that are recognised.

  Args:
    confusion: Counts, [classes, classes], as `confusion_matrix` returns them.

  Returns:
    float64 [classes]; NaN for a class without examples.
  """
  confusion = np.asarray(confusion, np.float64)
  examples = confusion.sum(axis=1)
  recall = np.full(len(confusion), np.nan)
  return np.divide(np.diag(confusion), examples, out=recall, where=examples > 0)


def balanced_accuracy(confusion: ArrayLike) -> float:
  """The mean recall of the classes that have examples, as scikit-learn's.

  Args:
    confusion: Counts, [classes, classes], as `confusion_matrix` returns them.

  Raises:
    ValueError: If the counts are all 0.
  """
  _check_not_empty(confusion)
  return float(np.nanmean(per_class_recall(confusion)))


def macro_f1(confusion: ArrayLike) -> float:
  """The mean F1 of the classes that occur, as scikit-learn's.

  A class occurs if it has an example or was predicted; one that has but one
  of the two has the F1 0. That is `f1_score(average='macro', zero_division=0)`.

  Args:
    confusion: Counts, [classes, classes], as `confusion_matrix` returns them.

  Raises:
    ValueError: If the counts are all 0.
  """
  _check_not_empty(confusion)
  confusion = np.asarray(confusion, np.float64)
  # Examples plus predictions: 2 TP + FP + FN, the denominator of F1.
  occurrences = confusion.sum(axis=0) + confusion.sum(axis=1)
  occurs = occurrences > 0
  return float(np.mean(2 * np.diag(confusion)[occurs] / occurrences[occurs]))


def weighted_f1(confusion: ArrayLike) -> float:
  """The mean F1 of the classes by their examples, as scikit-learn's.

  That is `f1_score(average='weighted', zero_division=0)`.

  Args:
    confusion: Counts, [classes, classes], as `confusion_matrix` returns them.

  Raises:
    ValueError: If the counts are all 0.
  """
  _check_not_empty(confusion)
  confusion = np.asarray(confusion, np.float64)
  examples = confusion.sum(axis=1)
  f1 = 2 * np.diag(confusion) / np.maximum(confusion.sum(axis=0) + examples, 1)
  return float(np.average(f1, weights=examples))


def negative_log_likelihood(
  logits: ArrayLike, labels: ArrayLike, mask: ArrayLike | None = None
) -> float:
  """The mean of -log softmax(logits) at the true class, in nats.

  Args:
    logits: Unnormalised class scores, float [batch, classes]; `log` of
      probabilities will do.
    labels: True classes, integers [batch].
    mask: Which rows count, [batch].

  Raises:
    ValueError: As the module says.
  """
  logits, labels = kept_examples(logits, labels, mask)
  log_p = scipy.special.log_softmax(logits, axis=1)
  return float(-np.mean(np.take_along_axis(log_p, labels[:, None], axis=1)))


def _check_not_empty(confusion: ArrayLike) -> None:
  if not np.any(confusion):
    raise ValueError('no example to measure: the confusion matrix is all 0')
