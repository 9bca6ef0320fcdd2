"""Images with edges, smooth parts and extreme values, and many draws."""

import jax
import numpy as np
import pytest
import scipy.ndimage


@pytest.fixture(scope='session')
def make_pixels():
  """`(height, width, channels, seed=0) -> uint8 [H, W, C]`, smooth noise."""

  def make(height, width, channels, seed=0):
    noise = np.random.default_rng(seed).random((height, width, channels))
    smooth = scipy.ndimage.gaussian_filter(noise, 1.2, axes=(0, 1))
    low, high = smooth.min(), smooth.max()
    # Some of it black, some white.
    stretched = 1.3 * (smooth - low) / (high - low) - 0.15
    return np.round(255 * np.clip(stretched, 0, 1)).astype(np.uint8)

  return make


@pytest.fixture(scope='session')
def make_levels(make_pixels):
  """As `make_pixels`, float32 [H, W, C] of values k / 255."""

  def make(height, width, channels, seed=0):
    pixels = make_pixels(height, width, channels, seed)
    return pixels.astype(np.float32) / 255

  return make


@pytest.fixture(scope='session')
def draw():
  """`(count, op, image, severity) -> [count, H, W, C]`, each with its own key.

  One after the other: under vmap the slices of a shift would be gathers, which
  take longer to compile.
  """

  def draw(count, op, image, severity):
    keys = jax.random.split(jax.random.key(0), count)
    many = jax.jit(
      lambda keys: jax.lax.map(lambda key: op(key, image, severity), keys)
    )
    return np.asarray(many(keys), np.float64)

  return draw
