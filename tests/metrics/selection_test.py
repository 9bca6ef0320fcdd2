"""What validation can choose by, against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics

from semisup_jax import metrics

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 2, 60)
# Rounded, so that there are ties.
LOGITS = np.round(RANDOM.normal(size=(60, 2)) + np.eye(2)[LABELS], 1)
PREDICTIONS = LOGITS.argmax(1)
ODDS = LOGITS[:, 1] - LOGITS[:, 0]
CHANCES = 1 / (1 + np.exp(-ODDS))


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('top1', sklearn.metrics.accuracy_score(LABELS, PREDICTIONS)),
    (
      'balanced_accuracy',
      sklearn.metrics.balanced_accuracy_score(LABELS, PREDICTIONS),
    ),
    (
      'macro_f1',
      sklearn.metrics.f1_score(LABELS, PREDICTIONS, average='macro'),
    ),
    ('nll', sklearn.metrics.log_loss(LABELS, CHANCES)),
    ('roc_auc', sklearn.metrics.roc_auc_score(LABELS, ODDS)),
  ],
)
def test_each_is_scikit_learns(name, expected):
  measure = metrics.ONE_CLASS.selection[name]
  assert measure(LOGITS, LABELS) == pytest.approx(expected)


@pytest.mark.parametrize(
  ('logits', 'labels'), [(LOGITS, 0 * LABELS), (np.eye(3), np.arange(3))]
)
def test_the_roc_curve_needs_two_classes(logits, labels):
  with pytest.raises(ValueError, match='needs two classes'):
    metrics.two_class_roc_auc(logits, labels)
