"""What is reported of a classifier, and how sure one can be of it.

Over a whole evaluation set metrics are computed once, on the host, in NumPy
and float64.
"""

from semisup_jax.metrics.calibration import (
  ReliabilityBins,
  expected_calibration_error,
  fit_sigmoid_temperature,
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
  bootstrap,
  bootstrap_interval,
  mean_and_std,
  paired_difference,
  student_t_interval,
  welch_interval,
  wilson_interval,
)
from semisup_jax.metrics.multi_label import (
  average_precision,
  binary_cross_entropy,
  by_label,
  f1_by_label,
  multi_label_metrics,
  roc_auc,
  two_class_roc_auc,
)
from semisup_jax.metrics.pseudo_labels import (
  by_class,
  by_threshold,
  kept_confusion,
)
from semisup_jax.metrics.representation import (
  feature_std,
  neighbour_purity,
  rank_me,
  silhouette,
)
from semisup_jax.metrics.resampling import by_counts
from semisup_jax.metrics.scoring import (
  LOWER_IS_BETTER,
  ONE_CLASS,
  SEVERAL_LABELS,
  Scoring,
  mean_ranks,
  scoring_of,
  selection_values,
)
from semisup_jax.metrics.summary import ECE_BINS, classification_metrics
from semisup_jax.metrics.thresholds import (
  best_threshold,
  positive_probability,
  precision_recall_curve,
  roc_curve,
)

__all__ = [
  'ECE_BINS',
  'LOWER_IS_BETTER',
  'ONE_CLASS',
  'SEVERAL_LABELS',
  'PairedDifference',
  'ReliabilityBins',
  'Scoring',
  'average_precision',
  'balanced_accuracy',
  'best_threshold',
  'binary_cross_entropy',
  'bootstrap',
  'bootstrap_interval',
  'by_class',
  'by_counts',
  'by_label',
  'by_threshold',
  'classification_metrics',
  'confusion_matrix',
  'expected_calibration_error',
  'f1_by_label',
  'feature_std',
  'fit_sigmoid_temperature',
  'fit_temperature',
  'kept_confusion',
  'largest_macro_f1',
  'macro_f1',
  'mean_and_std',
  'mean_ranks',
  'multi_label_metrics',
  'negative_log_likelihood',
  'neighbour_purity',
  'paired_difference',
  'per_class_recall',
  'positive_probability',
  'precision_recall_curve',
  'rank_me',
  'reliability_bins',
  'roc_auc',
  'roc_curve',
  'scoring_of',
  'selection_values',
  'silhouette',
  'student_t_interval',
  'top_k_accuracy',
  'two_class_roc_auc',
  'weighted_f1',
  'welch_interval',
  'wilson_interval',
]
