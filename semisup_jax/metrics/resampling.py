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
AT_THRESHOLD = ('balanced_accuracy', 'sensitivity', 'specificity', 'f1')


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
    return _macro(questions(logits, logits > 0, labels))
  logits, labels = kept_examples(logits, labels, None)
  if logits.shape[1] != 2:
    return None
  measures = [two_class(logits, labels)]
  if threshold is not None:
    measures.append(at_threshold(logits, labels, threshold))
  return lambda counts: {k: v for m in measures for k, v in m(counts).items()}


def two_class(logits: np.ndarray, labels: np.ndarray) -> Measure:
  """Of two classes, the second of which is positive, what `questions` gives.

  Args:
    logits: Float [batch, 2]; the class that is predicted is the argmax.
    labels: 0 or 1 [batch].
  """
  score = logits[:, 1:] - logits[:, :1]
  return _single(questions(score, score > 0, labels[:, None] == 1))


def at_threshold(
  logits: np.ndarray, labels: np.ndarray, threshold: float
) -> Measure:
  """`<name>_at_threshold` of each of `AT_THRESHOLD`; see `two_class`."""
  said = positive_probability(logits)[:, None]
  measure = _single(
    questions(said, said >= threshold, labels[:, None] == 1, ranked=False)
  )
  return lambda counts: {
    f'{name}_at_threshold': measure(counts)[name] for name in AT_THRESHOLD
  }


def questions(
  scores: np.ndarray,
  predictions: np.ndarray,
  labels: np.ndarray,
  *,
  ranked: bool = True,
) -> Measure:
  """The metrics of yes-or-no questions, each by itself.

  Args:
    scores: Float [batch, labels].
    predictions: Whether it is said to be so, bool [batch, labels].
    labels: Whether it is so, bool [batch, labels].
    ranked: Whether those that need no threshold are among them.

  Returns:
    [draws, labels] by name: `sensitivity` (recall), `specificity`,
    `balanced_accuracy` (their mean), `f1`, and `roc_auc` and
    `average_precision` as `multi_label` defines them.
  """
  ranks = [_ranking(*x) for x in zip(scores.T, labels.T, strict=True)]
  cells = np.stack([predictions & labels, predictions, labels]).astype(np.int32)

  def measure(counts):
    # Not a product of matrices, whose threads wait for one another.
    true, predicted, positive = np.einsum('rn,cnk->crk', counts, cells)
    negative = counts.sum(axis=1, keepdims=True) - positive
    sensitivity = _share(true, positive)
    specificity = _share(negative - (predicted - true), negative)
    values = {
      'sensitivity': sensitivity,
      'specificity': specificity,
      'balanced_accuracy': (sensitivity + specificity) / 2,
      'f1': np.where(
        positive > 0, 2 * true / np.maximum(predicted + positive, 1), np.nan
      ),
    }
    if ranked:
      areas = np.array([rank(counts) for rank in ranks])
      values |= {'roc_auc': areas[:, 0].T, 'average_precision': areas[:, 1].T}
    return values

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
    n = every[:, -1:] - p
    without = every - with_label
    beaten = (without[:, first] + without[:, last]) / 2
    precision = (p - with_label[:, first]) / np.maximum(
      every[:, -1:] - every[:, first], 1
    )
    weight = drawn[:, own]
    auc = _share((weight * beaten).sum(axis=1), (p * n)[:, 0])
    return auc, _share((weight * precision).sum(axis=1), p[:, 0])

  return measure


def _below(counts: np.ndarray) -> np.ndarray:
  """How many were drawn before each place, [draws, batch + 1]."""
  below = np.zeros((len(counts), counts.shape[1] + 1), np.int64)
  np.cumsum(counts, axis=1, out=below[:, 1:])
  return below


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
  """part / whole; NaN where that is 0."""
  empty = np.full(np.shape(part), np.nan)
  return np.divide(part, whole, out=empty, where=whole > 0)


def _single(measure: Measure) -> Measure:
  """Of one question, [draws]."""
  return lambda counts: {k: v[:, 0] for k, v in measure(counts).items()}


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
