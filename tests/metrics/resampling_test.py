"""Two classes: scikit-learn's numbers, and intervals over test images."""

import time

import numpy as np
import pytest
import sklearn.metrics

from semisup_jax import metrics


def random_case(seed, batch=80):
  """Logits of few digits, so that many scores are equal; one in four is 1."""
  random = np.random.default_rng(seed)
  labels = (random.random(batch) < 0.25).astype(int)
  labels[:2] = 0, 1
  logits = np.round(random.normal(size=(batch, 2)), 1)
  logits[:, 1] += np.round(labels - 0.5, 1)
  return logits, labels


def slow(logits, labels, predictions):
  """By scikit-learn, one test set at a time."""
  score = logits[:, 1] - logits[:, 0]
  recall = sklearn.metrics.recall_score
  return {
    'roc_auc': sklearn.metrics.roc_auc_score(labels, score),
    'average_precision': sklearn.metrics.average_precision_score(labels, score),
    'sensitivity': recall(labels, predictions),
    'specificity': recall(labels, predictions, pos_label=0),
    'balanced_accuracy': sklearn.metrics.balanced_accuracy_score(
      labels, predictions
    ),
    'f1': sklearn.metrics.f1_score(labels, predictions),
  }


@pytest.mark.parametrize('seed', range(4))
def test_values_are_those_of_scikit_learn(seed):
  logits, labels = random_case(seed)
  found = metrics.classification_metrics(logits, labels, threshold=0.3)
  expected = slow(logits, labels, logits.argmax(1))
  assert {name: found[name] for name in expected} == pytest.approx(expected)
  said = metrics.positive_probability(logits) >= 0.3
  for name, value in slow(logits, labels, said).items():
    if name not in ('roc_auc', 'average_precision'):
      assert found[f'{name}_at_threshold'] == pytest.approx(value)


@pytest.mark.parametrize('multi_label', [False, True])
def test_intervals_are_those_of_measuring_each_resample_anew(multi_label):
  logits, labels = random_case(5)
  if multi_label:
    labels = np.column_stack([labels, logits[:, 0] > 0.2]).astype(int)
  generator = np.random.default_rng(3)
  values = []
  for _ in range(60):
    rows = generator.integers(80, size=80)
    drawn = logits[rows], labels[rows]
    if multi_label:
      values.append(metrics.multi_label_metrics(*drawn))
    else:
      values.append(slow(*drawn, drawn[0].argmax(1)))
  ends = metrics.bootstrap(
    metrics.by_counts(logits, labels), 80, level=0.9, resamples=60, seed=3
  )
  assert set(ends) == set(values[0])
  for name, found in ends.items():
    expected = np.quantile([value[name] for value in values], [0.05, 0.95])
    np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)


def test_a_thousand_resamples_take_less_than_a_second():
  logits, labels = random_case(0, 600)
  start = time.process_time()
  metrics.bootstrap(
    metrics.by_counts(logits, labels, 0.5),
    600,
    level=0.95,
    resamples=1000,
    seed=0,
  )
  assert time.process_time() - start < 1


def test_a_class_without_an_example_leaves_nothing_to_measure():
  logits = np.random.default_rng(0).normal(size=(9, 2))
  found = metrics.classification_metrics(logits, np.zeros(9, int))
  missing = {name for name, value in found.items() if np.isnan(value)}
  assert missing == {'roc_auc', 'average_precision', 'sensitivity', 'f1'}
  measure = metrics.by_counts(logits, np.zeros(9, int))
  ends = metrics.bootstrap(measure, 9, level=0.9, resamples=9, seed=0)
  assert ends['roc_auc'] == (None, None)
  assert ends['specificity'][0] <= found['specificity']


def test_more_classes_have_no_such_metrics():
  assert metrics.by_counts(np.eye(3), np.arange(3)) is None


@pytest.mark.parametrize('seed', range(3))
def test_curves_are_those_of_scikit_learn(seed):
  logits, labels = random_case(seed)
  score = logits[:, 1] - logits[:, 0]
  false, true, _ = sklearn.metrics.roc_curve(
    labels, score, drop_intermediate=False
  )
  np.testing.assert_allclose(metrics.roc_curve(score, labels), (false, true))
  precision, recall, _ = sklearn.metrics.precision_recall_curve(labels, score)
  ours = metrics.precision_recall_curve(score, labels)
  np.testing.assert_allclose(ours, (precision[::-1], recall[::-1]))
  with pytest.raises(ValueError, match='both classes'):
    metrics.roc_curve(score, 0 * labels)


@pytest.mark.parametrize('seed', range(4))
def test_no_other_threshold_has_a_higher_balanced_accuracy(seed):
  logits, labels = random_case(seed)
  said = metrics.positive_probability(logits)

  def quality(threshold):
    return sklearn.metrics.balanced_accuracy_score(labels, said >= threshold)

  found = metrics.best_threshold(logits, labels)
  best = max(quality(t) for t in np.linspace(0, 1, 500))
  assert quality(found) >= best - 1e-12


def test_a_threshold_that_nothing_speaks_for_is_one_half():
  logits = np.random.default_rng(0).normal(size=(9, 2))
  assert metrics.best_threshold(logits, np.zeros(9, int)) == 0.5
  assert metrics.best_threshold(0 * logits, np.arange(9) % 2) == 0.5
  separated = np.array([[3.0, 0.0], [0.0, 1.0]])
  assert 0.05 < metrics.best_threshold(separated, [0, 1]) < 0.73
  with pytest.raises(ValueError, match='two classes; got 3'):
    metrics.best_threshold(np.eye(3), np.arange(3))
