"""The numbers that every evaluation of a classifier reports."""

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from semisup_jax.metrics.calibration import expected_calibration_error
from semisup_jax.metrics.classification import (
  balanced_accuracy,
  confusion_matrix,
  macro_f1,
  negative_log_likelihood,
  top_k_accuracy,
  weighted_f1,
)
from semisup_jax.metrics.examples import kept_examples
from semisup_jax.metrics.resampling import at_threshold, two_class

ECE_BINS = 15  # Guo et al. 2017; a number with other bins is another number.


def classification_metrics(
  logits: ArrayLike,
  labels: ArrayLike,
  mask: ArrayLike | None = None,
  *,
  threshold: float | None = None,
) -> dict[str, float]:
  """Measures a classifier on a whole evaluation set.

  Args:
    logits: Unnormalised class scores, float [batch, classes].
    labels: True classes, integers [batch] in [0, classes).
    mask: Which rows count, bool or 0 / 1 [batch]; None for all. Rows left out
      (what pads a batch) may hold anything.
    threshold: Of two classes, the least probability of the second at which an
      image is said to be of it, chosen on other images; None for none.

  Returns:
    Floats by name: `top1`, `top5` (only with more than 5 classes; with fewer
    it would always be 1), `macro_f1`, `weighted_f1` and `balanced_accuracy`,
    all fractions in [0, 1]; `nll`, nats; `ece`, the expected calibration error
    in 15 bins. Of two classes, the second of which is positive, also `roc_auc`,
    `average_precision`, `sensitivity`, `specificity` and `f1`, NaN where the
    class that they are of has no example; and, with a `threshold`,
    `<name>_at_threshold` of the last three and of `balanced_accuracy`.

  Raises:
    ValueError: If shapes or labels do not fit, a logit is not finite or no row
      is kept.
  """
  logits, labels = kept_examples(logits, labels, mask)
  num_classes = logits.shape[1]
  confusion = confusion_matrix(labels, np.argmax(logits, axis=1), num_classes)
  probabilities = scipy.special.softmax(logits, axis=1)
  metrics = {'top1': top_k_accuracy(logits, labels, 1)}
  if num_classes > 5:
    metrics['top5'] = top_k_accuracy(logits, labels, 5)
  metrics |= {
    'macro_f1': macro_f1(confusion),
    'weighted_f1': weighted_f1(confusion),
    'balanced_accuracy': balanced_accuracy(confusion),
    'nll': negative_log_likelihood(logits, labels),
    'ece': expected_calibration_error(probabilities, labels, bins=ECE_BINS),
  }
  if num_classes == 2:
    of_all = np.ones((1, len(labels)), int)
    more = two_class(logits, labels)(of_all)
    if threshold is not None:
      more |= at_threshold(logits, labels, threshold)(of_all)
    # What is there already keeps its place, and its bits.
    metrics |= {n: float(v[0]) for n, v in more.items() if n not in metrics}
  return metrics
