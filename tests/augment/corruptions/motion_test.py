"""Motion blur, pixel by pixel and by where a spot goes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.augment.corruptions import motion

_smear = jax.jit(motion.smear, static_argnames=('radius', 'sigma'))


def _slow_smear(image, angle, radius, sigma):
  height, width, _ = image.shape
  taps = 2 * math.ceil(radius) + 1
  kernel = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(taps)]
  sin, cos = math.sin(math.radians(angle)), math.cos(math.radians(angle))
  result = np.zeros(image.shape)
  for y, x in np.ndindex(height, width):
    for i, weight in enumerate(kernel):
      row = y + math.ceil(i * sin - 0.5)
      column = x + math.ceil(i * cos - 0.5)
      row, column = np.clip((row, column), 0, (height - 1, width - 1))
      result[y, x] += weight / sum(kernel) * image[row, column]
  return result


@pytest.mark.parametrize(
  ('radius', 'sigma', 'angle'),
  [
    (6, 1.0, 17.0),
    (6, 2.0, -44.0),
    (9, 2.5, 44.9),
    (8, 3.0, -61.0),
    (14, 12.0, -130.0),
    (10, 4.0, 0.0),
    (10, 4.0, 100.0),
  ],
)
def test_smearing_averages_along_a_ray(make_levels, radius, sigma, angle):
  image = make_levels(12, 19, 3)
  ours = _smear(
    jnp.asarray(image), jnp.float32(angle), radius=radius, sigma=sigma
  )
  expected = _slow_smear(image.astype(np.float64), angle, radius, sigma)
  # Rounded to 16 bits.
  np.testing.assert_allclose(ours, expected, atol=0.51 / 65535 + 1e-6)
  steps = 65535 * np.asarray(ours, np.float64)
  np.testing.assert_allclose(steps, np.round(steps), atol=0.01)


def test_what_is_to_the_right_comes_in_and_white_stays_white():
  spot = jnp.zeros((9, 30, 1)).at[4, 20].set(1.0)
  moved = _smear(spot, jnp.float32(0), radius=6, sigma=8.0)
  np.testing.assert_array_equal(
    np.argwhere(moved)[:, :2], [(4, column) for column in range(8, 21)]
  )
  np.testing.assert_allclose(np.sum(moved), 1, atol=1e-3)
  white = _smear(jnp.ones((9, 9, 3)), jnp.float32(30), radius=6, sigma=2)
  assert np.all(white == 1)


def test_motion_blur_goes_up_to_45_degrees_either_way(draw):
  spot = jnp.zeros((41, 41, 1)).at[20, 20].set(1.0)
  moved = draw(400, motion.motion_blur, spot, 5)[..., 0]
  # The spot is read from a pixel whose ray meets it.
  down = 20 - moved.sum(2) @ np.arange(41)
  right = 20 - moved.sum(1) @ np.arange(41)
  angle = np.rad2deg(np.arctan2(down, right))
  # Points of a ray are rounded, which turns it by some degrees.
  assert -50 < angle.min() < -42
  assert 42 < angle.max() < 50
  for side in (angle > 10, angle < -10):
    assert abs(np.mean(side) - 35 / 90) < 0.1


@pytest.mark.parametrize(
  ('severity', 'radius', 'sigma'),
  [(1, 6, 1.0), (2, 6, 1.5), (3, 6, 2.0), (4, 8, 2.0), (5, 9, 2.5)],
)
def test_motion_blur_has_the_kernel_of_its_severity(severity, radius, sigma):
  spot = jnp.zeros((61, 61, 1)).at[30, 30].set(1.0)
  blur = jax.jit(motion.motion_blur, static_argnums=2)
  blurred = blur(jax.random.key(0), spot, severity)
  kernel = np.exp(-0.5 * np.square(np.arange(2 * radius + 1) / sigma))
  kernel = np.round(65535 * kernel / kernel.sum())
  found = np.sort(65535 * np.ravel(blurred))[::-1][: len(kernel)]
  np.testing.assert_allclose(found, kernel, atol=1.1)
