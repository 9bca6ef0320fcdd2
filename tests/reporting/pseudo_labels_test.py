import io

import numpy as np
import pytest
import rich.console

from semisup_jax import metrics
from semisup_jax.reporting import pseudo_labels
from semisup_jax.reporting import results as reporting


def row(threshold, kept, precision, n=1028, used=False):
  made = {'threshold': threshold, 'kept': kept, 'n': n, 'yield': kept / n}
  return made | {'precision': precision} | ({'used': True} if used else {})


EVERYTHING = row(0, 1028, 0.91)


def said(*rows):
  return pseudo_labels.sentences({'pseudo_labels': list(rows)})


def test_the_used_threshold_is_compared_with_none():
  other = row(0.99, 600, 0.99)
  assert said(EVERYTHING, other, row(0.95, 812, 0.963, used=True)) == [
    'At the threshold of 0.95, 812 of 1,028 unlabelled images (79.0 %) get a '
    'pseudo-label, of which 96.3 % are right; without a threshold 91.0 % would '
    'be.'
  ]


def test_without_a_row_that_keeps_all_nothing_is_said_of_it():
  assert said(row(0.95, 812, 0.963, used=True)) == [
    'At the threshold of 0.95, 812 of 1,028 unlabelled images (79.0 %) get a '
    'pseudo-label, of which 96.3 % are right.'
  ]


def test_a_threshold_that_keeps_all_is_compared_with_nothing():
  assert said(EVERYTHING, row(0.1, 1028, 0.91, used=True)) == [
    'At the threshold of 0.1, 1,028 of 1,028 unlabelled images (100.0 %) get a '
    'pseudo-label, of which 91.0 % are right.'
  ]


@pytest.mark.parametrize('used', [True, False])
def test_no_threshold_is_said_to_be_none(used):
  assert said({**EVERYTHING, 'used': used}, row(0.9, 900, 0.95)) == [
    'Without a threshold all 1,028 unlabelled images get a pseudo-label, of '
    'which 91.0 % are right.'
  ]


def test_none_kept_is_said_to_be_none():
  assert said(EVERYTHING, row(0.999, 0, None, used=True)) == [
    'At the threshold of 0.999, none of 1,028 unlabelled images gets a '
    'pseudo-label; without a threshold 91.0 % would be right.'
  ]


def test_one_kept_is_in_the_singular():
  (sentence,) = said(EVERYTHING, row(0.999, 1, 1.0, used=True))
  assert '1 of 1,028 unlabelled images (0.1 %) gets a pseudo-label' in sentence


@pytest.mark.parametrize('tables', [{}, {'pseudo_labels': []}, {'other': 3}])
def test_nothing_is_said_of_what_is_not_there(tables):
  assert pseudo_labels.sentences(tables) == []
  assert said(row(0.9, 900, 0.95)) == []


def test_the_calibration_error_is_that_of_the_metric():
  generator = np.random.default_rng(0)
  probabilities = generator.dirichlet(np.full(4, 0.3), size=300)
  truth = generator.integers(4, size=300)
  found = metrics.reliability_bins(probabilities, truth, bins=15)
  bins = [
    {'count': int(count), 'confidence': confidence, 'accuracy': accuracy}
    for count, confidence, accuracy in zip(*found[1:], strict=True)
  ]
  assert any(one['count'] == 0 for one in bins)
  error = metrics.expected_calibration_error(probabilities, truth, bins=15)
  assert pseudo_labels.sentences({'pseudo_labels_reliability': bins}) == [
    f'Confidence and accuracy differ by {100 * error:.1f} points on average '
    '(expected calibration error, 15 bins).'
  ]


def test_the_terminal_says_it_too(results):
  results['tables']['pseudo_labels'] = [row(0.95, 812, 0.963, used=True)]
  console = rich.console.Console(file=io.StringIO(), width=200)
  reporting.print_summary(results, console)
  assert '812 of 1,028 unlabelled images' in console.file.getvalue()
