"""What pseudo-labels are worth, where the truth of the images is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from semisup_jax import metrics
from semisup_jax.experiments.ingredients import Ingredients

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
BINS = 15


def of_classifier(
  ingredients: Ingredients,
  logits_of: Callable[[np.ndarray, np.ndarray], np.ndarray],
  *,
  threshold: float | None,
) -> dict[str, Any]:
  """Audits a classifier's pseudo-labels of the unlabelled images.

  Images that are labelled as well do not count: their labels were learned.

  Args:
    ingredients: The images, with the truth that no training saw.
    logits_of: Images, and which of them, to logits [N, K].
    threshold: The least confidence that was used; None where none was.

  Returns:
    Tables for results.json: `pseudo_labels`, by threshold, of which one row is
    `used`; `pseudo_labels_by_class` and `pseudo_labels_confusion`, of those
    that are kept at it; `pseudo_labels_reliability` and its mean, the expected
    calibration error. None of them where every unlabelled image is labelled.
  """
  splits = ingredients.splits
  rows = splits.without_label
  rows = rows[splits.train.labels[rows] >= 0]
  if not len(rows):
    return {}
  logits = logits_of(splits.train.images, rows)
  return tables(
    scipy.special.softmax(logits.astype(np.float64), axis=-1),
    splits.train.labels[rows],
    threshold=threshold,
    class_names=splits.train.class_names,
  )


def tables(
  probabilities: np.ndarray,
  truth: np.ndarray,
  *,
  threshold: float | None,
  class_names: tuple[str, ...],
) -> dict[str, Any]:
  """See `of_classifier`; probabilities [N, K], truth [N]."""
  used = threshold or 0.0
  by_threshold = [
    {**row, 'used': row['threshold'] == used}
    for row in metrics.by_threshold(
      probabilities, truth, sorted({*THRESHOLDS, used})
    )
  ]
  bins = metrics.reliability_bins(probabilities, truth, bins=BINS)
  return {
    'pseudo_labels': by_threshold,
    'pseudo_labels_by_class': metrics.by_class(
      probabilities, truth, used, class_names
    ),
    'pseudo_labels_confusion': metrics.kept_confusion(
      probabilities, truth, used
    ),
    'pseudo_labels_reliability': [
      {'low': low, 'high': high, 'count': n, 'confidence': c, 'accuracy': a}
      for low, high, n, c, a in zip(
        bins.edges[:-1],
        bins.edges[1:],
        bins.count,
        bins.confidence,
        bins.accuracy,
        strict=True,
      )
    ],
    'pseudo_labels_ece': metrics.expected_calibration_error(
      probabilities, truth, bins=BINS
    ),
  }
