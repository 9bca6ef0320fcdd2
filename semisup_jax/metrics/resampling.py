"""Metrics of a test set whose images were drawn so and so often.

What the bootstrap asks a thousand times: scores are sorted once, and a draw is
how often it has each image. `counts` are integers [draws, batch], and
`np.ones((1, batch), int)` is the test set itself. Where a draw has no image
that a metric needs, as one with the label, the value is NaN.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from semisup_jax.metrics.examples import kept_examples, labelled_examples
from semisup_jax.metrics.thresholds import positive_probability

# `counts` to values by name, float64 [draws] or [draws, labels].
Measure = Callable[[np.ndarray], dict[str, np.ndarray]]


def by_counts(
  logits: ArrayLike, labels: ArrayLike, threshold: float | None = None
) -> Measure | None:
  """The metrics that are no means over images, and have an interval over them.

  Args:
    logits: Float [batch, classes], or [batch, labels].
    labels: True classes, integers [batch], or 0 and 1 [batch, labels].
    threshold: The least probability of the second of two classes at which an
      image is said to be of it; None for what has no threshold.

  Returns:
    Of several labels `roc_auc`, `average_precision` and `macro_f1`, means over
    the labels; of two classes those of `two_class`, and of `at_threshold`; of
    more classes None.

  Raises:
    ValueError: If shapes or labels do not fit.
  """
  if np.ndim(labels) == 2:
    logits, labels = labelled_examples(logits, labels)
    return _macro(_both(decided(logits > 0, labels), ranked(logits, labels)))
  logits, labels = kept_examples(logits, labels, None)
  if logits.shape[1] != 2:
    return None
  measure = two_class(logits, labels)
  if threshold is None:
    return measure
  return _both(measure, at_threshold(logits, labels, threshold))


def two_class(logits: np.ndarray, labels: np.ndarray) -> Measure:
  """What `decided` and `ranked` give of the second of two classes.

  Args:
    logits: Float [batch, 2]; the class that is predicted is the argmax.
    labels: 0 or 1 [batch].

  Returns:
    Values of [draws].
  """
  score, positive = logits[:, 1:] - logits[:, :1], labels[:, None] == 1
  measure = _both(decided(score > 0, positive), ranked(score, positive))
  return lambda counts: {k: v[:, 0] for k, v in measure(counts).items()}


def at_threshold(
  logits: np.ndarray, labels: np.ndarray, threshold: float
) -> Measure:
  """What `decided` gives where a probability of at least `threshold` is a yes,
  each as `<name>_at_threshold`; see `two_class`."""
  said = positive_probability(logits)[:, None] >= threshold
  measure = decided(said, labels[:, None] == 1)
  return lambda counts: {
    f'{name}_at_threshold': values[:, 0]
    for name, values in measure(counts).items()
  }


def decided(predictions: np.ndarray, labels: np.ndarray) -> Measure:
  """The metrics of yes-or-no answers, each question by itself.

  Args:
    predictions: Whether it is said to be so, bool [batch, labels].
    labels: Whether it is so, bool [batch, labels].

  Returns:
    [draws, labels] by name: `sensitivity` (recall), `specificity`,
    `balanced_accuracy` (their mean) and `f1`.
  """
  cells = np.stack([predictions & labels, predictions, labels]).astype(np.int32)

  def measure(counts):
    # Not a product of matrices, whose threads wait for one another.
    true, predicted, positive = np.einsum('rn,cnk->crk', counts, cells)
    negative = counts.sum(axis=1, keepdims=True) - positive
    sensitivity = _share(true, positive)
    specificity = _share(negative - (predicted - true), negative)
    f1 = 2 * true / np.maximum(predicted + positive, 1)
    return {
      'sensitivity': sensitivity,
      'specificity': specificity,
      'balanced_accuracy': (sensitivity + specificity) / 2,
      'f1': np.where(positive > 0, f1, np.nan),
    }

  return measure


def ranked(scores: np.ndarray, labels: np.ndarray) -> Measure:
  """The metrics of scores, which need no threshold.

  Args:
    scores: Float [batch, labels].
    labels: Whether it is so, bool [batch, labels].

  Returns:
    [draws, labels] by name: `roc_auc` and `average_precision`, as `multi_label`
    defines them.
  """
  of_labels = [_ranking(*x) for x in zip(scores.T, labels.T, strict=True)]

  def measure(counts):
    areas = np.array([areas_of(counts) for areas_of in of_labels])
    return {'roc_auc': areas[:, 0].T, 'average_precision': areas[:, 1].T}

  return measure


def _ranking(scores: np.ndarray, labels: np.ndarray) -> Callable:
  """`counts` to ROC-AUC and average precision, [2, draws]; both are sums over
  the positive images."""
  order = np.argsort(scores, kind='stable')
  ascending, positive = scores[order], labels[order].astype(np.int32)
  own = np.flatnonzero(positive)
  # Images of equal scores pass a threshold together.
  first = np.searchsorted(ascending, ascending[own], 'left')
  last = np.searchsorted(ascending, ascending[own], 'right')

  def measure(counts):
    drawn = counts[:, order]
    every, with_label = _below(drawn), _below(drawn * positive)
    p = with_label[:, -1:]
    pairs = p * (every[:, -1:] - p).astype(np.float64)
    without = every - with_label
    beaten = (without[:, first] + without[:, last]) / 2
    precision = (p - with_label[:, first]) / np.maximum(
      every[:, -1:] - every[:, first], 1
    )
    weight = drawn[:, own]
    auc = _share((weight * beaten).sum(axis=1), pairs[:, 0])
    return auc, _share((weight * precision).sum(axis=1), p[:, 0])

  return measure


def _below(counts: np.ndarray) -> np.ndarray:
  """How many were drawn before each place, [draws, batch + 1]."""
  below = np.zeros((len(counts), counts.shape[1] + 1), np.int32)
  np.cumsum(counts, axis=1, out=below[:, 1:])
  return below


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
  """part / whole; NaN where that is 0."""
  empty = np.full(np.shape(part), np.nan)
  return np.divide(part, whole, out=empty, where=whole > 0)


def _both(first: Measure, second: Measure) -> Measure:
  return lambda counts: first(counts) | second(counts)


def _macro(measure: Measure) -> Measure:
  """Means over the labels that can be measured, [draws]."""
  names = {
    'roc_auc': 'roc_auc',
    'average_precision': 'average_precision',
    'macro_f1': 'f1',
  }

  def mean(values):
    known = ~np.isnan(values)
    return _share(np.where(known, values, 0).sum(axis=1), known.sum(axis=1))

  def macro(counts):
    values = measure(counts)
    return {name: mean(values[own]) for name, own in names.items()}

  return macro
