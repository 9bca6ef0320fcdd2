import re

import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from semisup_jax import metrics


def random_case(seed, batch=60, classes=7):
  """Labels lack class 2; predictions lack classes 2 and 4."""
  generator = np.random.default_rng(seed)
  labels = generator.choice([0, 1, 3, 4, 5, 6][: classes - 1], size=batch)
  logits = generator.normal(size=(batch, classes))
  logits[np.arange(batch), labels] += 1
  logits[:, [2, 4]] -= 10
  mask = generator.random(batch) < 0.7
  return logits, labels, mask


def spoilt(logits, labels, mask):
  """What the mask leaves out, made useless."""
  logits, labels = logits.copy(), labels.copy()
  logits[~mask] = np.nan
  labels[~mask] = -1
  return logits, labels


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('masked', [False, True])
class TestEqualsScikitLearn:
  def case(self, seed, masked):
    logits, labels, mask = random_case(seed)
    if not masked:
      return logits, labels, None, logits, labels
    return *spoilt(logits, labels, mask), mask, logits[mask], labels[mask]

  def confusions(self, seed, masked):
    logits, labels, mask, kept_logits, kept_labels = self.case(seed, masked)
    predictions = np.argmax(logits, axis=1)
    ours = metrics.confusion_matrix(labels, predictions, 7, mask)
    return ours, kept_labels, np.argmax(kept_logits, axis=1)

  def test_confusion_matrix(self, seed, masked):
    ours, labels, predictions = self.confusions(seed, masked)
    theirs = sklearn.metrics.confusion_matrix(
      labels, predictions, labels=range(7)
    )
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == np.int64

  def test_weighted_f1(self, seed, masked):
    ours, labels, predictions = self.confusions(seed, masked)
    theirs = sklearn.metrics.f1_score(
      labels, predictions, average='weighted', zero_division=0
    )
    np.testing.assert_allclose(metrics.weighted_f1(ours), theirs)

  def test_per_class_recall(self, seed, masked):
    ours, labels, predictions = self.confusions(seed, masked)
    theirs = sklearn.metrics.recall_score(
      labels, predictions, labels=range(7), average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(metrics.per_class_recall(ours), theirs)
    assert np.isnan(theirs[2])

  @pytest.mark.filterwarnings('ignore:y_pred contains classes')
  def test_balanced_accuracy(self, seed, masked):
    ours, labels, predictions = self.confusions(seed, masked)
    theirs = sklearn.metrics.balanced_accuracy_score(labels, predictions)
    np.testing.assert_allclose(metrics.balanced_accuracy(ours), theirs)

  def test_macro_f1(self, seed, masked):
    ours, labels, predictions = self.confusions(seed, masked)
    theirs = sklearn.metrics.f1_score(
      labels, predictions, average='macro', zero_division=0
    )
    np.testing.assert_allclose(metrics.macro_f1(ours), theirs)

  @pytest.mark.parametrize('k', [1, 2, 5, 7])
  def test_top_k_accuracy(self, seed, masked, k):
    logits, labels, mask, kept_logits, kept_labels = self.case(seed, masked)
    theirs = np.mean(
      [
        label in np.argsort(-row)[:k]
        for row, label in zip(kept_logits, kept_labels, strict=True)
      ]
    )
    ours = metrics.top_k_accuracy(logits, labels, k, mask)
    np.testing.assert_allclose(ours, theirs)
    if k < 7:
      theirs = sklearn.metrics.top_k_accuracy_score(
        kept_labels, kept_logits, k=k, labels=range(7)
      )
      np.testing.assert_allclose(ours, theirs)

  def test_negative_log_likelihood(self, seed, masked):
    logits, labels, mask, kept_logits, kept_labels = self.case(seed, masked)
    theirs = sklearn.metrics.log_loss(
      kept_labels,
      scipy.special.softmax(kept_logits, axis=1),
      labels=range(7),
    )
    ours = metrics.negative_log_likelihood(logits, labels, mask)
    np.testing.assert_allclose(ours, theirs)


def test_a_class_that_is_only_predicted_lowers_macro_f1():
  confusion = metrics.confusion_matrix([0, 0, 1, 1], [0, 0, 1, 2], 4)
  np.testing.assert_allclose(metrics.macro_f1(confusion), (1 + 2 / 3 + 0) / 3)
  np.testing.assert_allclose(metrics.balanced_accuracy(confusion), 0.75)


def test_of_equal_logits_the_lower_class_ranks_first():
  logits = np.zeros((4, 4))
  labels = np.arange(4)
  found = [metrics.top_k_accuracy(logits, labels, k) for k in (1, 2, 3, 4)]
  assert found == [0.25, 0.5, 0.75, 1.0]


def test_top_1_is_the_accuracy_of_the_argmax_with_ties_too():
  generator = np.random.default_rng(0)
  logits = generator.integers(3, size=(200, 5)).astype(float)
  labels = generator.integers(5, size=200)
  accuracy = np.mean(np.argmax(logits, axis=1) == labels)
  assert metrics.top_k_accuracy(logits, labels, 1) == accuracy


def test_negative_log_likelihood_of_huge_logits_is_finite():
  logits = np.array([[1e5, 0.0], [0.0, 1e5]], np.float32)
  assert metrics.negative_log_likelihood(logits, [0, 1]) == 0
  assert metrics.negative_log_likelihood(logits, [1, 1]) == 5e4


LOGITS = np.zeros((4, 3))
LABELS = np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
  ('logits', 'labels', 'mask', 'message'),
  [
    (LOGITS[0], LABELS, None, 'got (3,)'),
    (LOGITS, LABELS[:3], None, 'labels need the shape (4,); got (3,)'),
    (LOGITS, LABELS + 0.5, None, 'integers; got float64'),
    (LOGITS, LABELS + 1, None, 'in [0, 3); got 1 to 3'),
    (LOGITS, LABELS - 1, None, 'in [0, 3); got -1 to 1'),
    (LOGITS, LABELS, np.ones(3), 'mask needs the shape (4,); got (3,)'),
    (LOGITS, LABELS, np.zeros(4), 'none of 4 is kept'),
    (LOGITS[:0], LABELS[:0], None, 'none of 0 is kept'),
    (np.full((4, 3), np.nan), LABELS, None, '4 of 4 rows are not'),
  ],
)
def test_what_does_not_fit_is_refused(logits, labels, mask, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    metrics.top_k_accuracy(logits, labels, 1, mask)
  with pytest.raises(ValueError, match=re.escape(message)):
    metrics.classification_metrics(logits, labels, mask)


@pytest.mark.parametrize('k', [0, 4])
def test_k_out_of_range_is_refused(k):
  with pytest.raises(ValueError, match=re.escape(f'[1, 3]; got {k}')):
    metrics.top_k_accuracy(LOGITS, LABELS, k)


def test_predictions_out_of_range_are_refused():
  with pytest.raises(ValueError, match='predictions need to be in'):
    metrics.confusion_matrix(LABELS, LABELS + 1, 3)


@pytest.mark.parametrize(
  'measure', [metrics.balanced_accuracy, metrics.macro_f1]
)
def test_an_empty_confusion_matrix_is_refused(measure):
  with pytest.raises(ValueError, match='all 0'):
    measure(np.zeros((3, 3), int))
