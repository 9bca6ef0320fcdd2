"""Where to say yes: a threshold on a probability, and what each would give.

Of two classes the second is the positive one.
"""

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from semisup_jax.metrics.examples import kept_examples, labelled_examples


def positive_probability(logits: ArrayLike) -> np.ndarray:
  """The softmax of the second of two classes.

  Args:
    logits: Float [batch, 2].

  Returns:
    float64 [batch], in [0, 1].
  """
  logits = np.asarray(logits, np.float64)
  return scipy.special.expit(logits[:, 1] - logits[:, 0])


def best_threshold(logits: ArrayLike, labels: ArrayLike) -> float:
  """The threshold at which the balanced accuracy is highest.

  That is where Youden's J = sensitivity + specificity - 1 is (Youden 1950,
  https://doi.org/10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).
  Choose it on images that are not tested on.

  Args:
    logits: Float [batch, 2], finite.
    labels: 0 or 1 [batch].

  Returns:
    Midway between two probabilities that occur, or one half; of equally good
    ones the nearest to one half, which it also is where only one class occurs.
    An image is positive whose probability is at least this.

  Raises:
    ValueError: If shapes or labels do not fit or there are not two classes.
  """
  logits, labels = kept_examples(logits, labels, None)
  if logits.shape[1] != 2:
    raise ValueError(f'a threshold needs two classes; got {logits.shape[1]}')
  said = positive_probability(logits)
  levels = np.unique(said)
  candidates = np.append(0.5, (levels[1:] + levels[:-1]) / 2)
  negative, positive = (np.sort(said[labels == label]) for label in (0, 1))
  if not (len(negative) and len(positive)):
    return 0.5
  missed = np.searchsorted(positive, candidates) / len(positive)
  spared = np.searchsorted(negative, candidates) / len(negative)
  quality = spared - missed
  best = candidates[quality >= quality.max() - 1e-12]
  return float(best[np.abs(best - 0.5).argmin()])


def roc_curve(
  scores: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """False-positive and true-positive rate as the threshold falls.

  Args:
    scores: Float [batch].
    labels: 0 or 1 [batch], both among them.

  Returns:
    Both float64 [thresholds + 1], from (0, 0) to (1, 1): scikit-learn's
    `roc_curve(drop_intermediate=False)`.

  Raises:
    ValueError: If shapes or labels do not fit, or one class alone occurs.
  """
  true, false = _passed(scores, labels)
  return false / false[-1], true / true[-1]


def precision_recall_curve(
  scores: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Precision and recall as the threshold falls.

  Args:
    scores: Float [batch].
    labels: 0 or 1 [batch], both among them.

  Returns:
    Both float64 [thresholds + 1], from (1, 0) on, recall ascending:
    scikit-learn's `precision_recall_curve`, reversed.

  Raises:
    ValueError: If shapes or labels do not fit, or one class alone occurs.
  """
  true, false = _passed(scores, labels)
  precision = np.append(1.0, true[1:] / (true + false)[1:])
  return precision, true / true[-1]


def _passed(
  scores: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """How many of both classes pass each threshold, the highest first."""
  columns = (np.asarray(x)[:, None] for x in (scores, labels))
  scores, labels = (x[:, 0] for x in labelled_examples(*columns))
  if labels.all() or not labels.any():
    raise ValueError('a curve needs images of both classes; got one alone')
  order = np.argsort(-scores, kind='stable')
  # Of equal scores the last one, where all of them have passed.
  ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
  true = np.append(0, np.cumsum(labels[order])[ends])
  return true, np.append(0, ends + 1) - true
