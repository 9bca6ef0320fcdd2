"""How many images a pseudo-label would be given, and how many of them rightly.

An image is kept, and its pseudo-label is the argmax, where its highest
probability is at least the threshold. The truth is looked at here alone:
training does not see it, and rows whose truth is unknown are left out before.

`probabilities` are float [N >= 1, K], rows that sum to 1 within 1e-3: softmax
outputs, not logits. `truth` are integers [N] in [0, K). A ValueError says which
shape, probability, label or threshold does not fit. The tables are rows of
plain numbers, as results.json holds them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from semisup_jax.metrics.classification import confusion_matrix
from semisup_jax.metrics.examples import check_probabilities, kept_examples

Row = dict[str, Any]


def by_threshold(
  probabilities: ArrayLike, truth: ArrayLike, thresholds: Iterable[float]
) -> list[Row]:
  """What each threshold would keep: the price of precision, in images.

  Args:
    probabilities: Of the classes, float [N, K].
    truth: True classes, integers [N].
    thresholds: Least probabilities, 0 to keep every image; in this order.

  Returns:
    A row a threshold: `threshold`; `kept`, a count; `n`, the count of all;
    `yield`, kept / n; `precision`, the fraction of the kept that are right,
    None if none is kept. At threshold 0 precision is the accuracy.

  Raises:
    ValueError: As the module says.
  """
  confidence, right = _judged(probabilities, truth)
  rows = []
  for threshold in thresholds:
    keep = confidence >= _checked(threshold)
    kept, n = int(keep.sum()), len(keep)
    rows.append(
      {
        'threshold': float(threshold),
        'kept': kept,
        'n': n,
        'yield': kept / n,
        'precision': _share(right[keep].sum(), kept),
      }
    )
  return rows


def by_class(
  probabilities: ArrayLike,
  truth: ArrayLike,
  threshold: float,
  class_names: Sequence[str],
) -> list[Row]:
  """What one threshold keeps of each class, and how rightly.

  Args:
    probabilities: Of the classes, float [N, K].
    truth: True classes, integers [N].
    threshold: The least probability.
    class_names: K of them.

  Returns:
    A row a class: `class`, its name; `n`, images truly of it; `predicted`, kept
    images labelled as it; `precision`, the fraction of those that are right,
    None if there are none; `recall`, kept and right / n, None if n is 0.

  Raises:
    ValueError: As the module says, or if there are not K names.
  """
  confusion = kept_confusion(probabilities, truth, threshold)
  if len(class_names) != len(confusion):
    raise ValueError(
      f'{len(confusion)} classes need as many names; got {len(class_names)}'
    )
  images = np.bincount(np.asarray(truth), minlength=len(confusion))
  predicted, right = confusion.sum(axis=0), np.diag(confusion)
  return [
    {
      'class': str(name),
      'n': int(images[k]),
      'predicted': int(predicted[k]),
      'precision': _share(right[k], predicted[k]),
      'recall': _share(right[k], images[k]),
    }
    for k, name in enumerate(class_names)
  ]


def kept_confusion(
  probabilities: ArrayLike, truth: ArrayLike, threshold: float
) -> np.ndarray:
  """Counts the kept images by true class and by pseudo-label.

  Args:
    probabilities: Of the classes, float [N, K].
    truth: True classes, integers [N].
    threshold: The least probability.

  Returns:
    int64 [K, K]: rows are true classes, columns pseudo-labels; all 0 if none is
    kept.

  Raises:
    ValueError: As the module says.
  """
  confidence, _ = _judged(probabilities, truth)
  labels = np.argmax(probabilities, axis=1)
  num_classes = np.shape(probabilities)[1]
  keep = confidence >= _checked(threshold)
  if not keep.any():
    return np.zeros((num_classes, num_classes), np.int64)
  return confusion_matrix(truth, labels, num_classes, keep)


def _judged(
  probabilities: ArrayLike, truth: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Of every image its confidence, float64 [N], and whether it is right."""
  probabilities, truth = kept_examples(probabilities, truth, None)
  check_probabilities(probabilities)
  return probabilities.max(axis=1), probabilities.argmax(axis=1) == truth


def _checked(threshold: float) -> float:
  if not threshold >= 0:  # NaN too, which would silently keep nothing.
    raise ValueError(f'a threshold needs to be at least 0; got {threshold}')
  return threshold


def _share(part: int, whole: int) -> float | None:
  return float(part / whole) if whole else None
