"""How well each of several labels an image is told, one by one and on average.

All on the host, in float64, over a whole evaluation set. `scores` are float
[batch >= 1, labels >= 1], logits or any increasing function of them; `labels`
are 0 or 1, of the same shape. Of a label that no image has, or for ROC-AUC all
have, there is nothing to measure: its value is NaN, and a mean leaves it out.
A ValueError says which shape, label or score does not fit.
"""

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from semisup_jax.metrics.examples import kept_examples, labelled_examples


def roc_auc(scores: ArrayLike, labels: ArrayLike) -> np.ndarray:
  """The area under each label's ROC curve.

  The chance that an image with the label has a higher score than one without;
  equal scores count one half (Mann-Whitney's U, Hanley and McNeil 1982,
  https://doi.org/10.1148/radiology.143.1.7063747).

  Args:
    scores: Float [batch, labels].
    labels: 0 or 1 [batch, labels].

  Returns:
    float64 [labels], in [0, 1]; NaN for a label that all images have, or none.

  Raises:
    ValueError: As the module says.
  """
  scores, labels = labelled_examples(scores, labels)
  positive = labels.sum(axis=0)
  pairs = positive * (len(labels) - positive)
  ranks = scipy.stats.rankdata(scores, axis=0)
  ahead = (ranks * labels).sum(axis=0) - positive * (positive + 1) / 2
  return _ratio(ahead, pairs)


def two_class_roc_auc(logits: ArrayLike, labels: ArrayLike) -> float:
  """The same of a classifier of two classes, of which the second is positive.

  Args:
    logits: Float [batch, 2].
    labels: True classes, 0 or 1 [batch].

  Returns:
    In [0, 1].

  Raises:
    ValueError: If there are not two classes, each with an example.
  """
  logits, labels = kept_examples(logits, labels, None)
  if logits.shape[1] != 2 or len(set(labels.tolist())) != 2:
    raise ValueError(
      'the ROC curve needs two classes, each with an example; got '
      f'{logits.shape[1]} classes, of which {len(set(labels.tolist()))} have '
      'one'
    )
  score = logits[:, 1] - logits[:, 0]
  return float(roc_auc(score[:, None], labels[:, None])[0])


def average_precision(scores: ArrayLike, labels: ArrayLike) -> np.ndarray:
  """The mean precision at each image that has the label, by falling score.

  `sum over thresholds of (recall_n - recall_(n-1)) precision_n`, as in
  scikit-learn: not interpolated, and images of one score pass a threshold
  together. Scores that say nothing give about the share of images that have
  the label, and not one half.

  Args:
    scores: Float [batch, labels].
    labels: 0 or 1 [batch, labels].

  Returns:
    float64 [labels], in [0, 1]; NaN for a label that no image has.

  Raises:
    ValueError: As the module says.
  """
  scores, labels = labelled_examples(scores, labels)
  return np.array(
    [
      _average_precision(*column)
      for column in zip(scores.T, labels.T, strict=True)
    ]
  )


def _average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
  """See `average_precision`; both [batch]."""
  if not labels.any():
    return np.nan
  order = np.argsort(-scores, kind='stable')
  # Of equal scores the last one, where all of them have passed.
  ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
  found = np.cumsum(labels[order])[ends]
  precision = found / (ends + 1)
  return float(np.diff(found, prepend=0) @ precision / found[-1])


def f1_by_label(predictions: ArrayLike, labels: ArrayLike) -> np.ndarray:
  """The harmonic mean of each label's precision and recall.

  Args:
    predictions: 0 or 1 [batch, labels].
    labels: 0 or 1 [batch, labels].

  Returns:
    float64 [labels], in [0, 1]; NaN for a label that no image has.

  Raises:
    ValueError: As the module says.
  """
  predictions, labels = labelled_examples(predictions, labels)
  positive = labels.sum(axis=0)
  right = (predictions * labels).sum(axis=0)
  f1 = 2 * right / np.maximum(predictions.sum(axis=0) + positive, 1)
  return np.where(positive > 0, f1, np.nan)


def by_label(logits: ArrayLike, labels: ArrayLike) -> dict[str, np.ndarray]:
  """The metrics of each label: `roc_auc`, `average_precision` and `f1`.

  F1 is of a threshold of one half on the probability. Sensitivity and
  specificity at a threshold belong beside it.

  Args:
    logits: Float [batch, labels].
    labels: 0 or 1 [batch, labels].

  Returns:
    float64 [labels] by name.

  Raises:
    ValueError: As the module says.
  """
  logits, labels = labelled_examples(logits, labels)
  return {
    'roc_auc': roc_auc(logits, labels),
    'average_precision': average_precision(logits, labels),
    'f1': f1_by_label(logits > 0, labels),
  }


def multi_label_metrics(
  logits: ArrayLike, labels: ArrayLike
) -> dict[str, float]:
  """The means over the labels of what `by_label` gives (macro averages).

  Args:
    logits: Float [batch, labels].
    labels: 0 or 1 [batch, labels].

  Returns:
    Floats by name: `roc_auc`, `average_precision` and `macro_f1`, all in
    [0, 1]; NaN where no label can be measured.

  Raises:
    ValueError: As the module says.
  """
  found = by_label(logits, labels)
  found['macro_f1'] = found.pop('f1')
  return {name: _mean_of_known(values) for name, values in found.items()}


def binary_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> float:
  """The mean over images and labels of -log of the right answer's probability.

  Args:
    logits: Float [batch, labels]; a probability is the sigmoid of one.
    labels: 0 or 1 [batch, labels].

  Returns:
    Nats a label.

  Raises:
    ValueError: As the module says.
  """
  logits, labels = labelled_examples(logits, labels)
  return float(np.mean(np.logaddexp(0, logits) - logits * labels))


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  """a / b; NaN where b is 0."""
  return np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)


def _mean_of_known(values: np.ndarray) -> float:
  known = values[~np.isnan(values)]
  return float(known.mean()) if len(known) else float('nan')
