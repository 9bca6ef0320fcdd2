"""No classifier's macro-F1 is above the bound, and some reach it."""

import itertools

import numpy as np
import pytest

from semisup_jax import metrics


def ways(total, parts):
  """All ways to divide a number of images among predicted classes."""
  if parts == 1:
    yield (total,)
    return
  for first in range(total + 1):
    for rest in ways(total - first, parts - 1):
      yield (first, *rest)


def best_by_accuracy(num_classes, images):
  """The largest macro-F1 of every confusion matrix there is, by accuracy."""
  best = {}
  rows = list(ways(images, num_classes))
  for matrix in itertools.product(rows, repeat=num_classes):
    confusion = np.array(matrix)
    accuracy = np.trace(confusion) / confusion.sum()
    f1 = metrics.macro_f1(confusion)
    best[accuracy] = max(best.get(accuracy, 0), f1)
  return best


@pytest.mark.parametrize(('num_classes', 'images'), [(2, 8), (3, 4)])
def test_no_confusion_matrix_is_above_the_bound_and_the_best_are_near(
  num_classes, images
):
  best = best_by_accuracy(num_classes, images)
  assert len(best) == num_classes * images + 1
  for accuracy, found in best.items():
    bound = metrics.largest_macro_f1(accuracy, num_classes)
    assert found <= bound + 1e-9
    assert bound - found < 0.02  # Four images divide only so finely.


def test_errors_that_go_to_one_class_reach_it():
  accuracy = 0.592
  bound = metrics.largest_macro_f1(accuracy, 10)
  best = 0
  for right in range(0, 1000, 10):  # Of the sink, of 1,000 images.
    for second in range(0, 1000, 10):
      others = (10_000 * accuracy - right - second) / 8
      if not 0 <= others <= 1000:
        continue
      confusion = np.diag([others] * 8 + [second, right])
      confusion[:8, 9] = 1000 - others
      confusion[8, 9] = 1000 - second
      confusion[9, 8] = 1000 - right
      best = max(best, metrics.macro_f1(confusion))
  assert best <= bound + 1e-9
  assert bound - best < 1e-4


def test_random_classifiers_stay_below():
  random = np.random.default_rng(0)
  for _ in range(300):
    rows = random.dirichlet(random.uniform(0.05, 2, 10), size=10)
    rows += random.uniform(0, 3) * np.eye(10)
    confusion = rows / rows.sum(axis=1, keepdims=True)
    bound = metrics.largest_macro_f1(np.trace(confusion) / 10, 10)
    assert metrics.macro_f1(confusion) <= bound + 1e-9


def test_the_published_numbers_cannot_be_of_a_balanced_test():
  # Accuracy and "F1" of the published supervised and pseudo-label models.
  assert metrics.largest_macro_f1(0.592, 10) == pytest.approx(0.6866, abs=1e-4)
  assert metrics.largest_macro_f1(0.592, 10) < 0.7142
  assert metrics.largest_macro_f1(0.6322, 10) < 0.7395
  assert metrics.largest_macro_f1(0.3721, 10) > 0.3955


@pytest.mark.parametrize('num_classes', [2, 3, 10])
def test_the_ends_and_the_looser_bound(num_classes):
  assert metrics.largest_macro_f1(1, num_classes) == pytest.approx(1)
  assert metrics.largest_macro_f1(0, num_classes) == 0
  for a in (0.2, 0.5, 0.9):
    assert metrics.largest_macro_f1(a, num_classes) < 2 * a / (1 + a)


@pytest.mark.parametrize(
  ('accuracy', 'num_classes', 'message'),
  [(1.1, 10, 'accuracy'), (-0.1, 10, 'accuracy'), (0.5, 1, 'num_classes')],
)
def test_arguments_out_of_range_are_named(accuracy, num_classes, message):
  with pytest.raises(ValueError, match=message):
    metrics.largest_macro_f1(accuracy, num_classes)
