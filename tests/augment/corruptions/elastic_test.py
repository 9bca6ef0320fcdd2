"""Bending against scipy's interpolation and three points of an affine map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from semisup_jax.augment.corruptions import elastic

_ELASTIC = [
  (0.0, 0.0, 0.08),
  (0.05, 0.2, 0.07),
  (0.08, 0.06, 0.06),
  (0.1, 0.04, 0.05),
  (0.1, 0.03, 0.03),
]


_sample = jax.jit(elastic.sample, static_argnames='fold')
_move_corners = jax.jit(elastic.move_corners)
_bend = jax.jit(elastic.elastic_transform, static_argnums=2)


def _scipy_read(image, rows, columns, mode):
  channels = [
    scipy.ndimage.map_coordinates(
      image[..., c].astype(np.float64), (rows, columns), order=1, mode=mode
    )
    for c in range(image.shape[-1])
  ]
  return np.stack(channels, axis=-1)


@pytest.mark.parametrize(
  ('fold', 'mode'),
  [(elastic.mirror, 'mirror'), (elastic.mirror_twice, 'reflect')],
)
def test_reading_beyond_the_border_is_scipys(make_levels, fold, mode):
  image = make_levels(9, 12, 3)
  rng = np.random.default_rng(0)
  rows, columns = rng.uniform(-14, 25, (2, 20, 30))
  ours = _sample(
    jnp.asarray(image),
    jnp.asarray(rows, jnp.float32),
    jnp.asarray(columns, jnp.float32),
    fold=fold,
  )
  expected = _scipy_read(image, rows, columns, mode)
  np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize(('height', 'width'), [(32, 32), (17, 26)])
def test_three_corners_move_and_the_rest_follows(make_levels, height, width):
  image = make_levels(height, width, 3)
  reach = 0.08 * min(height, width)
  moves = np.random.default_rng(3).uniform(-reach, reach, (3, 2))
  side, x, y = min(height, width) // 3, width // 2, height // 2
  corners = [[x + side, y + side], [x + side, y - side], [x - side, y - side]]
  moved = np.column_stack([corners + moves, np.ones(3)])
  # From where a corner has moved back to where it was.
  back = np.linalg.solve(moved, np.array(corners, np.float64))
  rows, columns = np.mgrid[:height, :width]
  here = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
  source = here @ back
  expected = _scipy_read(image, source[..., 1], source[..., 0], 'mirror')
  ours = _move_corners(jnp.asarray(image), jnp.asarray(moves))
  np.testing.assert_allclose(ours, expected, atol=2e-5)
  assert np.abs(expected - image).max() > 0.1


def test_corners_that_stay_change_nothing(make_levels):
  image = jnp.asarray(make_levels(12, 15, 3))
  ours = _move_corners(image, jnp.zeros((3, 2)))
  np.testing.assert_allclose(ours, image, atol=1e-5)


@pytest.mark.parametrize(
  ('amount', 'sigma'), [(1.6, 6.4), (2.56, 1.92), (3.2, 0.96)]
)
def test_displacements_are_smooth_and_read_as_scipy_does(
  make_levels, amount, sigma
):
  image = make_levels(20, 27, 3)
  noise = np.random.default_rng(0).uniform(-1, 1, (2, 20, 27))
  field = [
    amount
    * scipy.ndimage.gaussian_filter(part, sigma, mode='reflect', truncate=3)
    for part in noise
  ]
  displacements = jax.jit(elastic.displacements, static_argnums=(1, 2))
  ours = displacements(jnp.asarray(noise, jnp.float32), amount, sigma)
  np.testing.assert_allclose(ours, field, atol=1e-5)
  rows, columns = np.mgrid[:20, :27]
  expected = _scipy_read(image, rows + field[0], columns + field[1], 'reflect')
  bent = jax.jit(elastic.stretch)(jnp.asarray(image), *ours)
  np.testing.assert_allclose(bent, expected, atol=2e-5)


@pytest.mark.parametrize(('severity', 'constants'), [*enumerate(_ELASTIC, 1)])
def test_a_ramp_tells_how_far_pixels_move(draw, severity, constants):
  # In the middle of a ramp a value says which column it comes from.
  amount, sigma, reach = (24 * constant for constant in constants)
  ramp = jnp.broadcast_to(jnp.arange(24.0)[:, None] / 23, (24, 24, 1))
  drawn = draw(300, elastic.elastic_transform, ramp, severity)[..., 0]
  moved = 23 * drawn[:, 12, 12] - 12
  # The middle is half way between the first corner and the third, which each
  # move uniformly; smoothed noise adds what the squared kernel leaves of it.
  variance = reach**2 / 6
  if amount:
    tap = np.zeros((24, 24))
    tap[12, 12] = 1
    kernel = scipy.ndimage.gaussian_filter(
      tap, sigma, mode='reflect', truncate=3
    )
    variance += amount**2 / 3 * np.sum(kernel**2)
  assert abs(moved.mean()) < 4 * np.sqrt(variance / 300)
  assert abs(moved.std() / np.sqrt(variance) - 1) < 0.25
  assert len(np.unique(moved)) > 290


def test_severity_1_has_no_field_of_displacements(make_levels):
  # An affine map of a ramp is a ramp.
  ramp = jnp.arange(32.0)[:, None, None] * jnp.ones((32, 32, 1)) / 31
  bent = _bend(jax.random.key(1), ramp, 1)
  inner = np.asarray(bent)[10:22, 10:22, 0]
  np.testing.assert_allclose(np.diff(inner, 2, axis=0), 0, atol=1e-5)
  np.testing.assert_allclose(np.diff(inner, 2, axis=1), 0, atol=1e-5)
  other = np.asarray(_bend(jax.random.key(1), ramp, 3))
  assert np.abs(np.diff(other[10:22, 10:22, 0], 2, axis=0)).max() > 1e-3
