"""Several labels an image: the numbers are scikit-learn's, where it has any."""

import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from semisup_jax import metrics


def random_case(seed=0, batch=60):
  """Scores of two digits, so that many are equal, and rare labels too."""
  random = np.random.default_rng(seed)
  labels = (random.uniform(size=(batch, 4)) < [0.5, 0.3, 0.1, 0.9]).astype(int)
  labels[:2] = [[0] * 4, [1] * 4]
  scores = np.round(random.normal(size=labels.shape) + 0.7 * labels, 1)
  return scores, labels


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('decimals', [0, 1, 8])
def test_values_are_those_of_scikit_learn(seed, decimals):
  scores, labels = random_case(seed)
  scores = np.round(scores, decimals)
  theirs = {
    'roc_auc': sklearn.metrics.roc_auc_score(labels, scores, average=None),
    'average_precision': sklearn.metrics.average_precision_score(
      labels, scores, average=None
    ),
    'f1': sklearn.metrics.f1_score(labels, scores > 0, average=None),
  }
  ours = metrics.by_label(scores, labels)
  assert list(ours) == list(theirs)
  for name, values in theirs.items():
    np.testing.assert_allclose(ours[name], values, rtol=1e-12, err_msg=name)
  means = metrics.multi_label_metrics(scores, labels)
  expected = {name: values.mean() for name, values in theirs.items()}
  expected['macro_f1'] = expected.pop('f1')
  assert means == pytest.approx(expected)
  assert next(iter(means)) == metrics.SEVERAL_LABELS.primary
  assert metrics.SEVERAL_LABELS.score(scores, labels) == means['roc_auc']


def test_any_increasing_function_of_the_scores_is_as_good():
  scores, labels = random_case()
  for metric in (metrics.roc_auc, metrics.average_precision):
    ours = metric(np.exp(scores), labels)
    np.testing.assert_array_equal(ours, metric(scores, labels))


def test_scores_that_say_nothing_and_those_that_say_all():
  _, labels = random_case()
  nothing = metrics.by_label(np.zeros(labels.shape), labels)
  np.testing.assert_array_equal(nothing['roc_auc'], 0.5)
  np.testing.assert_allclose(nothing['average_precision'], labels.mean(axis=0))
  assert set(metrics.multi_label_metrics(labels - 0.5, labels).values()) == {1}
  np.testing.assert_array_equal(metrics.roc_auc(-labels, labels), 0)


def test_a_label_that_cannot_be_measured_is_left_out_of_the_means():
  scores, labels = random_case()
  labels[:, 0], labels[:, 1] = 0, 1
  found = metrics.by_label(scores, labels)
  known = {name: ~np.isnan(values) for name, values in found.items()}
  assert known['roc_auc'].tolist() == [False, False, True, True]
  assert known['average_precision'].tolist() == [False, True, True, True]
  assert known['f1'].tolist() == [False, True, True, True]
  means = metrics.multi_label_metrics(scores, labels)
  assert means['roc_auc'] == found['roc_auc'][2:].mean()
  assert means['macro_f1'] == found['f1'][1:].mean()
  assert np.isnan(
    metrics.multi_label_metrics(scores[:1], labels[:1])['roc_auc']
  )


def test_the_cross_entropy_is_scikit_learns_log_loss():
  scores, labels = random_case()
  p = scipy.special.expit(scores)
  ours = metrics.binary_cross_entropy(scores, labels)
  theirs = sklearn.metrics.log_loss(labels.ravel(), p.ravel())
  assert ours == pytest.approx(theirs)
  certain = np.array([[1e4, -1e4]])
  assert metrics.binary_cross_entropy(certain, [[0, 1]]) == 1e4


def test_the_temperature_is_the_best_of_all():
  scores, labels = random_case()
  best = metrics.fit_sigmoid_temperature(3 * scores, labels)
  losses = {
    t: metrics.binary_cross_entropy(3 * scores / t, labels)
    for t in (best, 0.98 * best, 1.02 * best)
  }
  assert min(losses, key=losses.get) == best
  assert best == pytest.approx(
    3 * metrics.fit_sigmoid_temperature(scores, labels)
  )
  assert metrics.fit_sigmoid_temperature(labels - 0.5, labels) == 0.05
  assert metrics.fit_sigmoid_temperature(0.5 - labels, labels) == 20
  assert metrics.fit_sigmoid_temperature(0 * scores, labels) == 1


@pytest.mark.parametrize(
  ('scores', 'labels', 'message'),
  [
    (np.zeros((3, 2)), np.zeros((3, 3)), r'got \(3, 2\) and \(3, 3\)'),
    (np.zeros(3), np.zeros(3), r'got \(3,\) and \(3,\)'),
    (np.zeros((0, 2)), np.zeros((0, 2)), 'batch >= 1'),
    (np.full((3, 2), np.nan), np.zeros((3, 2)), 'need to be finite'),
    (np.zeros((3, 2)), np.full((3, 2), -1), 'need to be 0 or 1; got -1 to -1'),
  ],
)
def test_what_does_not_fit_is_said(scores, labels, message):
  for metric in (metrics.roc_auc, metrics.fit_sigmoid_temperature):
    with pytest.raises(ValueError, match=message):
      metric(scores, labels)
