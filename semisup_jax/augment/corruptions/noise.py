"""Noise of a sensor: Gaussian, Poisson, dead and hot values, speckle.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1]. Each value of each pixel has a noise of its own.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from semisup_jax.augment import filters
from semisup_jax.augment.corruptions import draws, levels, severities

_GAUSSIAN_STD = (0.04, 0.06, 0.08, 0.09, 0.10)
_SHOT_PHOTONS = (500, 250, 100, 75, 50)
_IMPULSE_AMOUNT = (0.01, 0.02, 0.03, 0.05, 0.07)
_SPECKLE_STD = (0.06, 0.1, 0.12, 0.16, 0.2)


def gaussian_noise(
  key: jax.Array, image: jax.Array, severity: int
) -> jax.Array:
  """Adds Gaussian noise, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  std = severities.pick(_GAUSSIAN_STD, severity)
  noise = draws.normal(key, image.shape, image.dtype)
  return filters.add_noise(image, std * noise)


def speckle(image: jax.Array, noise: jax.Array) -> jax.Array:
  """Adds noise in proportion to the image.

  Args:
    image: Float [H, W, C] in [0, 1].
    noise: Float [H, W, C].

  Returns:
    Float [H, W, C], clipped to [0, 1].
  """
  return filters.add_noise(image, image * noise)


def speckle_noise(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Adds noise in proportion, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  std = severities.pick(_SPECKLE_STD, severity)
  noise = draws.normal(key, image.shape, image.dtype)
  return speckle(image, std * noise)


@functools.cache
def _poisson_table(photons: int) -> np.ndarray:
  """The distribution functions of the photons at each of the 256 levels.

  Returns:
    float32 [256, K]: at [l, k] the probability of at most k photons where
    `photons * l / 255` are expected. K is a power of 2, beyond which float32
    knows no more: eight standard deviations above the brightest level.
  """
  most = photons + 8 * photons**0.5 + 16
  counts = np.arange(2 ** int(np.ceil(np.log2(most))))
  expected = photons * np.arange(256)[:, None] / 255
  return scipy.special.pdtr(counts, expected).astype(np.float32)


def count_photons(
  image: jax.Array, uniform: jax.Array, photons: int
) -> jax.Array:
  """Draws from a Poisson distribution at each value, by inverting it.

  The inverse is looked up by bisection: at most ten reads, whereas rejection
  runs until the last value of the batch is accepted.

  Args:
    image: Float [H, W, C] of values k / 255.
    uniform: What is inverted, float [H, W, C] in [0, 1).
    photons: Expected where the image is 1, static.

  Returns:
    int32 [H, W, C], the least number k with P(at most k) > `uniform`.
  """
  table = _poisson_table(photons)
  size = table.shape[1]
  flat = jnp.asarray(table.ravel())
  start = levels.nearest(image) * size
  count = jnp.zeros(image.shape, jnp.int32)
  step = size // 2
  while step:
    reached = flat.at[start + count + step - 1].get(mode='promise_in_bounds')
    count = count + jnp.where(reached <= uniform, step, 0)
    step //= 2
  return count


def shot_noise(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Counts photons, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  photons = severities.pick(_SHOT_PHOTONS, severity)
  uniform = draws.uniform(key, image.shape, jnp.float32)
  counts = count_photons(image, uniform, photons)
  return jnp.clip(counts.astype(image.dtype) / photons, 0, 1)


def salt_and_pepper(
  image: jax.Array, uniform: jax.Array, amount: float
) -> jax.Array:
  """Replaces some values by 0 and equally many by 1.

  Args:
    image: Float [H, W, C] in [0, 1].
    uniform: Decides, float [H, W, C] in [0, 1): the lower half of `amount`
      becomes 0, the upper half 1.
    amount: The probability of either, in [0, 1], static.

  Returns:
    Float [H, W, C] in [0, 1].
  """
  replaced = jnp.where(uniform < amount / 2, 0.0, 1.0)
  return jnp.where(uniform < amount, replaced.astype(image.dtype), image)


def impulse_noise(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Sets values to 0 or 1, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  amount = severities.pick(_IMPULSE_AMOUNT, severity)
  uniform = draws.uniform(key, image.shape, image.dtype)
  return salt_and_pepper(image, uniform, amount)
