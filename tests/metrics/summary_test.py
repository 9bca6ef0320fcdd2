import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from semisup_jax import metrics

KEYS = ['top1', 'macro_f1', 'weighted_f1', 'balanced_accuracy', 'nll', 'ece']
OF_TWO = ['sensitivity', 'specificity', 'f1', 'roc_auc', 'average_precision']


def random_case(classes, batch=90):
  generator = np.random.default_rng(classes)
  labels = generator.integers(classes, size=batch)
  logits = generator.normal(size=(batch, classes)) + np.eye(classes)[labels]
  return logits, labels


@pytest.mark.parametrize(('classes', 'has_top5'), [(2, 0), (5, 0), (6, 1)])
def test_top5_is_there_where_it_says_something(classes, has_top5):
  found = metrics.classification_metrics(*random_case(classes))
  of_two = OF_TWO if classes == 2 else []
  assert set(found) == {*KEYS, *of_two, *(['top5'] if has_top5 else [])}
  assert all(type(value) is float for value in found.values())


def test_values_are_those_of_scikit_learn():
  logits, labels = random_case(8)
  found = metrics.classification_metrics(logits, labels)
  predictions = np.argmax(logits, axis=1)
  probabilities = scipy.special.softmax(logits, axis=1)
  expected = {
    'top1': sklearn.metrics.accuracy_score(labels, predictions),
    'top5': sklearn.metrics.top_k_accuracy_score(labels, logits, k=5),
    'macro_f1': sklearn.metrics.f1_score(labels, predictions, average='macro'),
    'weighted_f1': sklearn.metrics.f1_score(
      labels, predictions, average='weighted'
    ),
    'balanced_accuracy': sklearn.metrics.balanced_accuracy_score(
      labels, predictions
    ),
    'nll': sklearn.metrics.log_loss(labels, probabilities),
    'ece': metrics.expected_calibration_error(probabilities, labels, bins=15),
  }
  assert found == pytest.approx(expected)


def test_padding_changes_nothing():
  logits, labels = random_case(6)
  padded = metrics.classification_metrics(
    np.concatenate([logits, np.full((5, 6), np.nan)]),
    np.concatenate([labels, np.full(5, -1)]),
    np.arange(95) < 90,
  )
  assert padded == metrics.classification_metrics(logits, labels)


def test_a_perfect_classifier():
  labels = np.arange(12) % 6
  found = metrics.classification_metrics(100 * np.eye(6)[labels], labels)
  shares = ['top1', 'top5', 'macro_f1', 'weighted_f1', 'balanced_accuracy']
  ones = dict.fromkeys(shares, 1.0)
  assert found == pytest.approx(ones | {'nll': 0, 'ece': 0}, abs=1e-12)
