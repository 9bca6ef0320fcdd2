import re

import numpy as np
import pytest
import scipy.special

from semisup_jax import metrics

# Five images of three classes: confidences 0.9, 0.8, 0.8, 0.6 and 0.4.
PROBABILITIES = np.array(
  [
    [0.9, 0.1, 0.0],
    [0.1, 0.8, 0.1],
    [0.8, 0.1, 0.1],
    [0.3, 0.6, 0.1],
    [0.3, 0.4, 0.3],
  ]
)
TRUTH = np.array([0, 1, 1, 1, 2])
NAMES = ['cat', 'dog', 'owl']


def random_case(seed, batch=70, classes=4):
  generator = np.random.default_rng(seed)
  truth = generator.integers(classes - 1, size=batch)  # The last has no image.
  logits = 2 * generator.normal(size=(batch, classes))
  logits[np.arange(batch), truth] += 1.5
  return scipy.special.softmax(logits, axis=1), truth


def slow_pairs(probabilities, truth, threshold):
  """(truth, pseudo-label) of every image that is kept."""
  pairs = []
  for row, true in zip(probabilities.tolist(), truth.tolist(), strict=True):
    label = max(range(len(row)), key=row.__getitem__)
    if row[label] >= threshold:
      pairs.append((true, label))
  return pairs


def share(part, whole):
  return part / whole if whole else None


def test_a_threshold_trades_images_for_precision():
  rows = metrics.by_threshold(PROBABILITIES, TRUTH, [0.0, 0.6, 0.85, 1.01])
  assert rows == [
    {'threshold': 0.0, 'kept': 5, 'n': 5, 'yield': 1.0, 'precision': 0.6},
    {'threshold': 0.6, 'kept': 4, 'n': 5, 'yield': 0.8, 'precision': 0.75},
    {'threshold': 0.85, 'kept': 1, 'n': 5, 'yield': 0.2, 'precision': 1.0},
    {'threshold': 1.01, 'kept': 0, 'n': 5, 'yield': 0.0, 'precision': None},
  ]


def test_classes_differ_in_what_is_kept():
  assert metrics.by_class(PROBABILITIES, TRUTH, 0.6, NAMES) == [
    {'class': 'cat', 'n': 1, 'predicted': 2, 'precision': 0.5, 'recall': 1.0},
    {'class': 'dog', 'n': 3, 'predicted': 2, 'precision': 1.0, 'recall': 2 / 3},
    {'class': 'owl', 'n': 1, 'predicted': 0, 'precision': None, 'recall': 0.0},
  ]


def test_the_confusion_counts_what_is_kept():
  found = metrics.kept_confusion(PROBABILITIES, TRUTH, 0.6)
  np.testing.assert_array_equal(found, [[1, 0, 0], [1, 2, 0], [0, 0, 0]])


@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize('seed', range(3))
class TestEqualsASlowLoop:
  def test_by_threshold(self, seed, threshold):
    probabilities, truth = random_case(seed)
    pairs = slow_pairs(probabilities, truth, threshold)
    (row,) = metrics.by_threshold(probabilities, truth, [threshold])
    right = sum(true == label for true, label in pairs)
    assert (row['kept'], row['n']) == (len(pairs), 70)
    assert row['precision'] == pytest.approx(share(right, len(pairs)))
    assert row['yield'] == pytest.approx(len(pairs) / 70)

  def test_by_class(self, seed, threshold):
    probabilities, truth = random_case(seed)
    pairs = slow_pairs(probabilities, truth, threshold)
    rows = metrics.by_class(probabilities, truth, threshold, list('abcd'))
    for k, row in enumerate(rows):
      right = pairs.count((k, k))
      predicted = sum(label == k for _, label in pairs)
      assert (row['class'], row['predicted']) == ('abcd'[k], predicted)
      assert row['precision'] == pytest.approx(share(right, predicted))
      assert row['recall'] == pytest.approx(share(right, row['n']))
    assert [row['n'] for row in rows] == [*np.bincount(truth), 0]
    assert rows[3]['recall'] is None

  def test_kept_confusion(self, seed, threshold):
    probabilities, truth = random_case(seed)
    pairs = slow_pairs(probabilities, truth, threshold)
    expected = [[pairs.count((i, j)) for j in range(4)] for i in range(4)]
    found = metrics.kept_confusion(probabilities, truth, threshold)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int64


@pytest.mark.parametrize('seed', range(3))
def test_threshold_zero_keeps_everything_at_the_accuracy(seed):
  probabilities, truth = random_case(seed)
  (row,) = metrics.by_threshold(probabilities, truth, [0])
  accuracy = metrics.top_k_accuracy(probabilities, truth, 1)
  assert (row['kept'], row['yield']) == (70, 1)
  assert row['precision'] == pytest.approx(accuracy)
  assert 0 < accuracy < 1
  confusion = metrics.kept_confusion(probabilities, truth, 0)
  expected = metrics.confusion_matrix(truth, probabilities.argmax(1), 4)
  np.testing.assert_array_equal(confusion, expected)


def test_a_threshold_above_one_keeps_nothing():
  certain = np.eye(3)
  (one, above) = metrics.by_threshold(certain, [0, 1, 1], [1, 1.01])
  assert (one['kept'], one['precision']) == (3, pytest.approx(2 / 3))
  assert (above['kept'], above['precision']) == (0, None)
  assert not metrics.kept_confusion(certain, [0, 1, 1], 1.01).any()
  rows = metrics.by_class(certain, [0, 1, 1], 1.01, NAMES)
  assert [row['precision'] for row in rows] == [None] * 3
  assert [row['recall'] for row in rows] == [0, 0, None]


def test_rows_hold_plain_numbers():
  rows = metrics.by_threshold(PROBABILITIES, TRUTH, np.array([0.5]))
  rows += metrics.by_class(PROBABILITIES, TRUTH, np.float64(0.5), NAMES)
  kinds = {type(value) for row in rows for value in row.values()}
  assert kinds == {int, float, str, type(None)}


@pytest.mark.parametrize(
  ('probabilities', 'truth', 'threshold', 'message'),
  [
    (PROBABILITIES, TRUTH - 1, 0.5, 'in [0, 3); got -1 to 1'),
    (PROBABILITIES, TRUTH + 1, 0.5, 'in [0, 3); got 1 to 3'),
    (PROBABILITIES, TRUTH[:4], 0.5, 'need the shape (5,); got (4,)'),
    (PROBABILITIES[:0], TRUTH[:0], 0.5, 'none of 0 is kept'),
    (5 * PROBABILITIES, TRUTH, 0.5, 'softmax the logits first'),
    (PROBABILITIES, TRUTH, -0.1, 'at least 0; got -0.1'),
    (PROBABILITIES, TRUTH, np.nan, 'at least 0; got nan'),
  ],
)
def test_what_does_not_fit_is_refused(probabilities, truth, threshold, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    metrics.by_threshold(probabilities, truth, [threshold])
  with pytest.raises(ValueError, match=re.escape(message)):
    metrics.by_class(probabilities, truth, threshold, NAMES)
  with pytest.raises(ValueError, match=re.escape(message)):
    metrics.kept_confusion(probabilities, truth, threshold)


def test_names_that_do_not_fit_are_refused():
  with pytest.raises(ValueError, match='3 classes need as many names; got 2'):
    metrics.by_class(PROBABILITIES, TRUTH, 0.5, NAMES[:2])
