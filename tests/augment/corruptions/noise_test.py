"""What noise is drawn, against scipy's distributions and slow loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from semisup_jax.augment.corruptions import noise

_SHAPE = (48, 56, 3)


def _flat(level):
  return jnp.full(_SHAPE, level / 255, jnp.float32)


def _draw(corruption, level, severity):
  drawn = jax.jit(corruption, static_argnums=2)
  result = drawn(jax.random.key(severity), _flat(level), severity)
  return np.asarray(result, np.float64)


def _has_std(values, std):
  return abs(values.std() / std - 1) < 4 / np.sqrt(2 * values.size)


def _are_independent(values):
  """Neither a channel nor a neighbour tells anything of a value."""
  channels = np.corrcoef(values.reshape(-1, 3).T) - np.eye(3)
  neighbours = np.corrcoef(values[1:].ravel(), values[:-1].ravel())[0, 1]
  return max(np.abs(channels).max(), abs(neighbours)) < 0.08


@pytest.mark.parametrize(
  ('severity', 'std'), [*enumerate([0.04, 0.06, 0.08, 0.09, 0.10], 1)]
)
def test_gaussian_noise_has_the_std_of_its_severity(severity, std):
  added = _draw(noise.gaussian_noise, 128, severity) - 128 / 255
  assert scipy.stats.kstest(added.ravel() / std, 'norm').pvalue > 1e-3
  assert _has_std(added, std)
  assert _are_independent(added)


@pytest.mark.parametrize(
  ('severity', 'std'), [*enumerate([0.06, 0.1, 0.12, 0.16, 0.2], 1)]
)
@pytest.mark.parametrize('level', [51, 102])
def test_speckle_noise_is_in_proportion_to_the_image(severity, std, level):
  ratio = _draw(noise.speckle_noise, level, severity) / (level / 255)
  assert scipy.stats.kstest((ratio.ravel() - 1) / std, 'norm').pvalue > 1e-3
  assert _has_std(ratio, std)
  assert _are_independent(ratio)


def test_gaussian_noise_and_speckle_are_clipped():
  white = _draw(noise.gaussian_noise, 255, 5)
  assert white.max() == 1
  assert abs(np.mean(white == 1) - 0.5) < 0.05
  assert np.all(_draw(noise.speckle_noise, 0, 5) == 0)


@pytest.mark.parametrize('photons', [500, 250, 100, 75, 50])
def test_photons_are_the_inverse_of_scipys_poisson(photons):
  rng = np.random.default_rng(photons)
  levels = np.arange(256).repeat(40).reshape(256, 40, 1)
  uniform = rng.random(levels.shape, np.float32)
  uniform[:, :2] = np.array([0, 1 - 2**-24])[:, None]
  image = jnp.asarray(levels, jnp.float32) / 255
  count = np.asarray(noise.count_photons(image, jnp.asarray(uniform), photons))
  poisson = scipy.stats.poisson(photons * levels / 255)
  # The table is float32, so a uniform within its rounding goes either way.
  assert np.all(poisson.cdf(count) >= uniform - 1e-6)
  assert np.all((poisson.cdf(count - 1) <= uniform + 1e-6) | (count == 0))
  assert np.all(count[0] == 0)


@pytest.mark.parametrize(
  ('severity', 'photons'), [*enumerate([500, 250, 100, 75, 50], 1)]
)
def test_shot_noise_counts_photons(severity, photons):
  result = _draw(noise.shot_noise, 100, severity)
  counts = result * photons
  np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)
  expected = photons * 100 / 255
  spread = np.sqrt(expected / counts.size)
  assert abs(counts.mean() - expected) < 4 * spread
  assert abs(counts.var() / expected - 1) < 4 * np.sqrt(2 / counts.size)
  assert _are_independent(counts)
  assert _draw(noise.shot_noise, 255, severity).max() == 1


def test_salt_and_pepper_by_hand():
  image = jnp.full((1, 5, 1), 0.4)
  uniform = jnp.array([0.0, 0.049, 0.05, 0.099, 0.1]).reshape(1, 5, 1)
  result = noise.salt_and_pepper(image, uniform, 0.1)
  np.testing.assert_allclose(np.ravel(result), [0, 0, 1, 1, 0.4])


@pytest.mark.parametrize(
  ('severity', 'amount'), [*enumerate([0.01, 0.02, 0.03, 0.05, 0.07], 1)]
)
def test_impulse_noise_flips_single_values(severity, amount):
  result = _draw(noise.impulse_noise, 100, severity)
  for replaced in (0, 1):
    share = np.mean(result == replaced)
    spread = np.sqrt(amount / 2 / result.size)
    assert abs(share - amount / 2) < 4 * spread
  np.testing.assert_allclose(np.unique(result), [0, 100 / 255, 1], rtol=1e-6)
  # Of its own in each channel: hardly a pixel has two values replaced.
  flipped = np.sum((result == 0) | (result == 1), axis=-1)
  assert 0 < np.sum(flipped > 1) + 1 < 0.2 * np.sum(flipped > 0)
