"""Levels are truncated, but not for rounding's sake."""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment.corruptions import levels, matrices


def test_truncating_takes_the_level_below():
  image = jnp.array([-0.5, 0.0, 0.9, 1.001, 7.99, 254.998, 255.7, 400]) / 255
  expected = [0, 0, 0, 1, 7, 254, 255, 255]
  np.testing.assert_array_equal(levels.truncate(image), expected)


def test_a_level_less_rounding_is_that_level():
  every = np.arange(256)
  image = jnp.asarray(every, jnp.float32) / 255
  np.testing.assert_array_equal(levels.truncate(image * (1 - 2e-7)), every)
  np.testing.assert_array_equal(levels.nearest(image * (1 - 1e-4)), every)
  np.testing.assert_array_equal(levels.nearest(image + 1e-4), every)


def test_a_flat_image_stays_as_it_is_under_a_blur():
  blur = jax.jit(jax.vmap(lambda image: matrices.smooth(image, 0.8)))
  every = np.arange(256)[:, None, None, None] * np.ones((1, 9, 9, 1), int)
  blurred = blur(levels.to_image(jnp.asarray(every), jnp.float32))
  np.testing.assert_array_equal(levels.truncate(blurred), every)
