"""What is reported of a classifier, and how sure one can be of it.

Over a whole evaluation set metrics are computed once, on the host, in NumPy
and float64.
"""

from semisup_jax.metrics.calibration import (
  ReliabilityBins,
  expected_calibration_error,
  fit_temperature,
  reliability_bins,
)
from semisup_jax.metrics.classification import (
  balanced_accuracy,
  confusion_matrix,
  macro_f1,
  negative_log_likelihood,
  per_class_recall,
  top_k_accuracy,
  weighted_f1,
)
from semisup_jax.metrics.f1_bound import largest_macro_f1
from semisup_jax.metrics.intervals import (
  PairedDifference,
  bootstrap_interval,
  mean_and_std,
  paired_difference,
  student_t_interval,
  welch_interval,
)
from semisup_jax.metrics.pseudo_labels import (
  by_class,
  by_threshold,
  kept_confusion,
)
from semisup_jax.metrics.representation import feature_std, rank_me
from semisup_jax.metrics.selection import LOWER_IS_BETTER, SELECTION, roc_auc
from semisup_jax.metrics.summary import ECE_BINS, classification_metrics

__all__ = [
  'ECE_BINS',
  'LOWER_IS_BETTER',
  'SELECTION',
  'PairedDifference',
  'ReliabilityBins',
  'balanced_accuracy',
  'bootstrap_interval',
  'by_class',
  'by_threshold',
  'classification_metrics',
  'confusion_matrix',
  'expected_calibration_error',
  'feature_std',
  'fit_temperature',
  'kept_confusion',
  'largest_macro_f1',
  'macro_f1',
  'mean_and_std',
  'negative_log_likelihood',
  'paired_difference',
  'per_class_recall',
  'rank_me',
  'reliability_bins',
  'roc_auc',
  'student_t_interval',
  'top_k_accuracy',
  'weighted_f1',
  'welch_interval',
]
