import numpy as np
import pytest
import scipy.optimize
import scipy.special

from semisup_jax import metrics
from semisup_jax.metrics import calibration


def random_case(seed, batch=80, classes=4):
  generator = np.random.default_rng(seed)
  logits = 2 * generator.normal(size=(batch, classes))
  labels = generator.integers(classes, size=batch)
  mask = generator.random(batch) < 0.6
  return scipy.special.softmax(logits, axis=1), labels, mask


def slow_calibration_error(probabilities, labels, bins):
  total = 0.0
  for m in range(1, bins + 1):
    inside = [
      (max(row), np.argmax(row) == label)
      for row, label in zip(probabilities, labels, strict=True)
      if (m - 1) / bins < max(row) <= m / bins
    ]
    if inside:
      confidence, accuracy = np.mean(inside, axis=0)
      total += len(inside) / len(labels) * abs(accuracy - confidence)
  return total


@pytest.mark.parametrize('bins', [1, 2, 10, 15])
@pytest.mark.parametrize('seed', range(3))
def test_equals_a_slow_loop(seed, bins):
  probabilities, labels, mask = random_case(seed)
  np.testing.assert_allclose(
    metrics.expected_calibration_error(probabilities, labels, bins=bins),
    slow_calibration_error(probabilities, labels, bins),
  )
  expected = slow_calibration_error(probabilities[mask], labels[mask], bins)
  probabilities[~mask], labels[~mask] = np.nan, -1
  ours = metrics.expected_calibration_error(
    probabilities, labels, bins=bins, mask=mask
  )
  np.testing.assert_allclose(ours, expected)


def two_classes(confidence, right, wrong):
  """Predictions of class 0 at one confidence, some of them wrong."""
  probabilities = np.tile([confidence, 1 - confidence], (right + wrong, 1))
  return probabilities, np.repeat([0, 1], [right, wrong])


@pytest.mark.parametrize('tenths', [6, 7, 8, 9, 10])
def test_right_as_often_as_it_says_has_no_error(tenths):
  case = two_classes(tenths / 10, tenths, 10 - tenths)
  error = metrics.expected_calibration_error(*case, bins=15)
  np.testing.assert_allclose(error, 0, atol=1e-12)


@pytest.mark.parametrize('right', [0, 2, 10])
def test_certain_of_everything_errs_by_the_error_rate(right):
  case = two_classes(1.0, right, 10 - right)
  error = metrics.expected_calibration_error(*case, bins=15)
  np.testing.assert_allclose(error, 1 - right / 10)


def test_bins_hold_what_a_diagram_shows():
  probabilities = np.array([[0.6, 0.4], [0.7, 0.3], [0.05, 0.95], [0.5, 0.5]])
  found = metrics.reliability_bins(probabilities, [0, 1, 1, 1], bins=4)
  np.testing.assert_allclose(found.edges, [0, 0.25, 0.5, 0.75, 1])
  np.testing.assert_array_equal(found.count, [0, 1, 2, 1])
  np.testing.assert_allclose(found.confidence, [np.nan, 0.5, 0.65, 0.95])
  np.testing.assert_allclose(found.accuracy, [np.nan, 0, 0.5, 1])


def test_rounding_above_one_stays_in_the_last_bin():
  probabilities = np.array([[1.0000001, 0.0]])
  found = metrics.reliability_bins(probabilities, [0], bins=3)
  np.testing.assert_array_equal(found.count, [0, 0, 1])


@pytest.mark.parametrize('scores', [[[3.0, -1.0]], [[0.9, 0.9]], [[1.5, -0.5]]])
def test_logits_are_refused(scores):
  with pytest.raises(ValueError, match='softmax the logits first'):
    metrics.expected_calibration_error(scores, [0], bins=15)


def test_no_bins_are_refused():
  with pytest.raises(ValueError, match='bins needs to be at least 1; got 0'):
    metrics.reliability_bins([[0.5, 0.5]], [0], bins=0)


def scattered(seed, scale):
  """Logits that say something of the labels, and how much is `scale`."""
  generator = np.random.default_rng(seed)
  labels = generator.integers(5, size=200)
  logits = generator.normal(size=(200, 5)) + 1.5 * np.eye(5)[labels]
  mask = generator.random(200) < 0.7
  return scale * logits, labels, mask


@pytest.mark.parametrize('scale', [0.2, 1.0, 7.0])
@pytest.mark.parametrize('seed', range(3))
def test_the_temperature_is_where_a_plain_minimizer_finds_it(seed, scale):
  logits, labels, mask = scattered(seed, scale)

  def loss(log_t, rows=slice(None)):
    scaled = logits[rows] / np.exp(log_t)
    return metrics.negative_log_likelihood(scaled, labels[rows])

  for options, more in (({}, ()), ({'mask': mask}, (mask,))):
    found = scipy.optimize.minimize_scalar(
      loss, bounds=(-3, 3), args=more, method='bounded', options={'xatol': 1e-9}
    )
    ours = metrics.fit_temperature(logits, labels, **options)
    np.testing.assert_allclose(ours, np.exp(found.x), rtol=1e-5)


@pytest.mark.parametrize('share', [0.6, 0.75, 0.9])
@pytest.mark.parametrize('said', [0.55, 0.99])
def test_the_temperature_makes_two_classes_right_as_often_as_they_say(
  said, share
):
  """In closed form: logit(said) / T = logit(share)."""
  logits = np.tile([scipy.special.logit(said), 0.0], (100, 1))
  labels = np.repeat([0, 1], [round(100 * share), round(100 * (1 - share))])
  expected = scipy.special.logit(said) / scipy.special.logit(share)
  ours = metrics.fit_temperature(logits, labels)
  np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize('doubt', [0.01, 1 / 12])
def test_with_doubt_few_that_are_all_right_make_nobody_sure(doubt):
  """In closed form: logit(said) / T = logit(1 - doubt)."""
  logits = np.array([[3.0, 0.0], [0.0, 3.0]])
  ours = metrics.fit_temperature(logits, [0, 1], doubt=doubt)
  np.testing.assert_allclose(ours, 3 / scipy.special.logit(1 - doubt))
  # Of four classes, whose wrong ones share the doubt.
  logits = np.tile([4.0, 0, 0, 0], (5, 1))
  ours = metrics.fit_temperature(logits, np.zeros(5, int), doubt=doubt)
  said = scipy.special.softmax(logits / ours, axis=1)
  np.testing.assert_allclose(said[0, 0], 1 - doubt)


def test_a_temperature_beyond_the_borders_is_the_border():
  logits = np.array([[2.0, 0.0], [0.0, 3.0]])
  right, wrong = [0, 1], [1, 0]
  low, high = calibration.LOWEST_TEMPERATURE, calibration.HIGHEST_TEMPERATURE
  assert metrics.fit_temperature(logits, right) == low
  assert metrics.fit_temperature(logits, wrong) == high
  assert metrics.fit_temperature(1e6 * logits, right) == low
  assert metrics.fit_temperature(np.full((3, 2), 7.0), [0, 1, 1]) == 1
