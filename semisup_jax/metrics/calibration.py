"""Whether a classifier is right as often as it says, and what makes it so.

Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 2: examples are put
into bins of equal width by the probability of their predicted class, the
interval of bin m of M being ((m - 1) / M, m / M].
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import ArrayLike

from semisup_jax.metrics.examples import (
  check_probabilities,
  kept_examples,
  labelled_examples,
)

# What `fit_temperature` chooses from.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


class ReliabilityBins(NamedTuple):
  """What a reliability diagram shows, bin by bin.

  Attributes:
    edges: float64 [bins + 1], from 0 to 1; the upper edge belongs to the bin.
    count: int64 [bins], how many examples fell into it.
    confidence: float64 [bins], their mean top-1 probability; NaN if there are
      none.
    accuracy: float64 [bins], the fraction of them that is right; NaN if there
      are none.
  """

  edges: np.ndarray
  count: np.ndarray
  confidence: np.ndarray
  accuracy: np.ndarray


def reliability_bins(
  probabilities: ArrayLike,
  labels: ArrayLike,
  *,
  bins: int,
  mask: ArrayLike | None = None,
) -> ReliabilityBins:
  """Sorts examples into bins by the confidence of their prediction.

  Args:
    probabilities: Of the classes, float [batch, classes], in [0, 1], rows that
      sum to 1 within 1e-3: softmax outputs, not logits. The predicted class is
      the argmax.
    labels: True classes, integers [batch].
    bins: How many bins, at least 1; 15 in the paper.
    mask: Which rows count, bool or 0 / 1 [batch]; None for all.

  Returns:
    The bins, empty ones too.

  Raises:
    ValueError: If shapes or labels do not fit, no row is kept, rows are no
      probabilities or bins is less than 1.
  """
  if bins < 1:
    raise ValueError(f'bins needs to be at least 1; got {bins}')
  probabilities, labels = kept_examples(probabilities, labels, mask)
  check_probabilities(probabilities)
  edges = np.linspace(0, 1, bins + 1)
  top = probabilities.max(axis=1)
  right = probabilities.argmax(axis=1) == labels
  bin_of = np.searchsorted(edges[1:-1], top, side='left')
  count = np.bincount(bin_of, minlength=bins)
  return ReliabilityBins(
    edges=edges,
    count=count,
    confidence=_mean_of_bins(bin_of, top, count),
    accuracy=_mean_of_bins(bin_of, right, count),
  )


def expected_calibration_error(
  probabilities: ArrayLike,
  labels: ArrayLike,
  *,
  bins: int,
  mask: ArrayLike | None = None,
) -> float:
  """The mean distance between confidence and accuracy, weighted by bin counts.

  It depends on the number of bins and, with few examples in a bin, errs
  upwards: report both beside it.

  Args:
    probabilities: Of the classes, float [batch, classes], rows that sum to 1:
      softmax outputs, not logits.
    labels: True classes, integers [batch].
    bins: How many bins of equal width, at least 1; 15 in the paper.
    mask: Which rows count, bool or 0 / 1 [batch]; None for all.

  Returns:
    Guo et al.'s ECE (Eq. 3), in [0, 1].

  Raises:
    ValueError: As `reliability_bins` does.
  """
  found = reliability_bins(probabilities, labels, bins=bins, mask=mask)
  distance = np.abs(found.accuracy - found.confidence)
  return float(np.nansum(found.count * distance) / found.count.sum())


def fit_temperature(
  logits: ArrayLike,
  labels: ArrayLike,
  *,
  doubt: float = 0.0,
  mask: ArrayLike | None = None,
) -> float:
  """The T whose softmax(logits / T) has the least negative log-likelihood.

  Temperature scaling, Guo et al. 2017, https://arxiv.org/abs/1706.04599,
  section 4.2. The likelihood is convex in 1 / T, and its slope is the mean
  logit that a prediction expects less that of the target. No T changes which
  class is predicted.

  With `doubt` a label counts as its class with the probability 1 - doubt, and
  as each of the others with an even share of it: Platt 1999, "Probabilistic
  outputs for support vector machines", section 2.2, takes 1 / (n + 2) for n
  examples of a class, the posterior under a uniform prior. Then a few examples
  that are all right do not make a classifier sure of everything.

  Args:
    logits: Class scores, float [batch, classes], of examples that the
      classifier was not fitted to.
    labels: True classes, integers [batch].
    doubt: In [0, 1).
    mask: Which rows count, bool or 0 / 1 [batch]; None for all.

  Returns:
    T, in [0.05, 20]. Where the least likelihood lies beyond, it is that border:
    0.05 where every prediction is right and nothing is in doubt (there is no
    best T then), and 20 where the logits mislead. 1 where the logits of each
    example are all the same, so that T changes nothing.

  Raises:
    ValueError: If shapes or labels do not fit, no row is kept, a logit is not
      finite, or `doubt` is out of its range.
  """
  _check_doubt(doubt)
  logits, labels = kept_examples(logits, labels, mask)
  logits = logits - logits.max(axis=1, keepdims=True)
  true = np.take_along_axis(logits, labels[:, None], axis=1).mean()
  others = (logits.sum(axis=1).mean() - true) / max(1, logits.shape[1] - 1)
  target = (1 - doubt) * true + doubt * others

  def slope(inverse: float) -> float:
    probabilities = scipy.special.softmax(inverse * logits, axis=1)
    return (probabilities * logits).sum(axis=1).mean() - target

  return _best_temperature(slope) if logits.any() else 1.0


def fit_sigmoid_temperature(
  logits: ArrayLike, labels: ArrayLike, *, doubt: float = 0.0
) -> float:
  """The T whose sigmoid(logits / T) has the least cross-entropy.

  As `fit_temperature`, of several labels an image: one T for all of them, by
  which no probability changes to the other side of one half.

  Args:
    logits: One a label, float [batch, labels], of examples that the classifier
      was not fitted to.
    labels: 0 or 1, integers [batch, labels].
    doubt: In [0, 1): a yes counts as no with this probability, and a no as yes.

  Returns:
    T, in [0.05, 20]; see `fit_temperature`.

  Raises:
    ValueError: If shapes or labels do not fit, a logit is not finite, or
      `doubt` is out of its range.
  """
  _check_doubt(doubt)
  logits, labels = labelled_examples(logits, labels)
  true = (((1 - doubt) * labels + doubt * (1 - labels)) * logits).mean()

  def slope(inverse: float) -> float:
    return (scipy.special.expit(inverse * logits) * logits).mean() - true

  return _best_temperature(slope) if logits.any() else 1.0


def _check_doubt(doubt: float) -> None:
  if not 0 <= doubt < 1:
    raise ValueError(f'doubt needs to be in [0, 1); got {doubt}')


def _best_temperature(slope: Callable[[float], float]) -> float:
  """Where a function, convex in 1 / T, is least; `slope` is its derivative."""
  low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
  if slope(high) <= 0:
    return LOWEST_TEMPERATURE
  if slope(low) >= 0:
    return HIGHEST_TEMPERATURE
  return 1 / scipy.optimize.brentq(slope, low, high)


def _mean_of_bins(
  bin_of: np.ndarray, values: np.ndarray, count: np.ndarray
) -> np.ndarray:
  """Means [batch] values by bin, float64 [bins]; NaN where a bin is empty."""
  total = np.bincount(bin_of, weights=values, minlength=len(count))
  means = np.full(len(count), np.nan)
  return np.divide(total, count, out=means, where=count > 0)
