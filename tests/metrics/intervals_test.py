import numpy as np
import pytest
import scipy.stats

from semisup_jax import metrics


def draws(seed, n):
  return np.random.default_rng(seed).normal(0.8, 0.05, size=n)


@pytest.mark.parametrize('level', [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize('n', [2, 5, 30])
def test_t_interval_equals_scipy(n, level):
  values = draws(n, n)
  expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(level)
  np.testing.assert_allclose(
    metrics.student_t_interval(values, level), expected, rtol=1e-10
  )


@pytest.mark.parametrize('level', [0.9, 0.95])
@pytest.mark.parametrize('n', [2, 5, 30])
def test_paired_difference_equals_scipy(n, level):
  a, b = draws(1, n), draws(2, n)
  found = metrics.paired_difference(a, b, level)
  expected = scipy.stats.ttest_rel(a, b).confidence_interval(level)
  np.testing.assert_allclose((found.low, found.high), expected, rtol=1e-10)
  np.testing.assert_allclose(found.mean, np.mean(a - b))
  np.testing.assert_allclose(found.std, np.std(a - b, ddof=1))
  assert found.n == n


@pytest.mark.parametrize('level', [0.9, 0.95])
@pytest.mark.parametrize(('n', 'm'), [(2, 2), (5, 3), (4, 30)])
def test_welch_interval_equals_scipy(n, m, level):
  a, b = draws(1, n), 3 * draws(2, m)
  expected = scipy.stats.ttest_ind(a, b, equal_var=False)
  np.testing.assert_allclose(
    metrics.welch_interval(a, b, level),
    expected.confidence_interval(level),
    rtol=1e-10,
  )


@pytest.mark.parametrize(('right', 'n'), [(0, 7), (5, 7), (7, 7), (420, 449)])
def test_wilson_interval_equals_its_closed_form(right, n):
  z = 1.959963984540054
  p, shrunk = right / n, 1 + z**2 / n
  half = z / shrunk * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
  middle = (p + z**2 / (2 * n)) / shrunk
  np.testing.assert_allclose(
    metrics.wilson_interval(right, n),
    (middle - half, middle + half),
    atol=1e-12,
  )


@pytest.mark.parametrize(('right', 'n'), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_of_what_is_not_there_has_no_interval(right, n):
  with pytest.raises(ValueError, match=f'got {right} of {n}'):
    metrics.wilson_interval(right, n)


def test_pairs_are_surer_than_two_means():
  hardness = draws(3, 6)
  found = metrics.paired_difference(hardness + 0.01, hardness)
  assert found.low == pytest.approx(0.01)
  assert found.high == pytest.approx(0.01)


def test_mean_and_std():
  assert metrics.mean_and_std([1, 2, 3, 6]) == pytest.approx(
    (3, 14**0.5 / 3**0.5)
  )


def test_one_value_has_no_spread():
  assert metrics.mean_and_std([0.5]) == (0.5, None)
  assert metrics.student_t_interval([0.5]) == (None, None)
  assert metrics.paired_difference([0.5], [0.25]) == (0.25, None, None, 1, None)
  assert metrics.welch_interval([0.5], [0.25, 0.5]) == (None, None)
  assert metrics.welch_interval([0.25, 0.5], [0.5]) == (None, None)


def test_equal_values_have_an_interval_of_no_width():
  assert metrics.student_t_interval([0.5] * 4) == (0.5, 0.5)
  assert metrics.welch_interval([0.5] * 4, [0.25] * 2) == (0.25, 0.25)


def test_t_interval_covers_as_often_as_it_says():
  generator = np.random.default_rng(0)
  covered = [
    low <= 0 <= high
    for low, high in map(
      metrics.student_t_interval, generator.normal(size=(2000, 5))
    )
  ]
  assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize('level', [0.8, 0.95])
def test_bootstrap_of_many_examples_nears_the_normal_interval(level):
  right = np.random.default_rng(4).random(1000) < 0.7
  low, high = metrics.bootstrap_interval(
    right, level=level, resamples=2000, seed=0
  )
  half = scipy.stats.norm.ppf((1 + level) / 2) * right.std() / 1000**0.5
  assert low == pytest.approx(right.mean() - half, abs=0.1 * half)
  assert high == pytest.approx(right.mean() + half, abs=0.1 * half)


def test_bootstrap_repeats_with_its_seed():
  values = draws(5, 50)
  first, again, other = (
    metrics.bootstrap_interval(values, level=0.9, resamples=100, seed=seed)
    for seed in (0, 0, 1)
  )
  assert first == again != other


@pytest.mark.parametrize('level', [0, 1, 95])
def test_a_level_that_is_no_fraction_is_refused(level):
  message = f'level needs to be between 0 and 1; got {level}'
  with pytest.raises(ValueError, match=message):
    metrics.student_t_interval([1, 2], level)
  with pytest.raises(ValueError, match=message):
    metrics.paired_difference([1, 2], [1, 2], level)
  with pytest.raises(ValueError, match=message):
    metrics.bootstrap_interval([1, 2], level=level, resamples=10, seed=0)


def test_what_does_not_fit_is_refused():
  with pytest.raises(ValueError, match=r'values need the shape \[n >= 1\]'):
    metrics.mean_and_std([])
  with pytest.raises(ValueError, match=r'got \(2,\) and \(3,\)'):
    metrics.paired_difference([1, 2], [1, 2, 3])
  with pytest.raises(ValueError, match='at least 1; got 0'):
    metrics.bootstrap_interval([1], level=0.9, resamples=0, seed=0)
