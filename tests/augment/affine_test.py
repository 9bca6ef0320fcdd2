"""Affine maps against scipy and exact special cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from semisup_jax.augment import affine
from semisup_jax.types import InputError


def _scipy_affine(image, rotation, scale, shear, translation, fill):
  """The forward matrix in (row, column), inverted, given to scipy."""
  angle, slant = np.deg2rad(rotation), np.tan(np.deg2rad(shear))
  turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
  inverse = np.linalg.inv(scale * np.array(turn) @ [[1, 0], [-slant, 1]])
  size = np.array(image.shape[:2])
  center = (size - 1) / 2
  offset = center - inverse @ (center + size * translation)
  planes = [
    scipy.ndimage.affine_transform(
      plane, inverse, offset, order=1, mode='grid-constant', cval=fill
    )
    for plane in np.moveaxis(image.astype(np.float64), -1, 0)
  ]
  return np.stack(planes, axis=-1)


@pytest.mark.parametrize(
  ('rotation', 'scale', 'shear', 'translation'),
  [
    (0.0, 1.0, 0.0, (0.0, 0.0)),
    (27.0, 1.0, 0.0, (0.0, 0.0)),
    (0.0, 0.6, 0.0, (0.0, 0.0)),
    (0.0, 1.7, 0.0, (0.0, 0.0)),
    (0.0, 1.0, 20.0, (0.0, 0.0)),
    (0.0, 1.0, 0.0, (0.13, -0.21)),
    (-140.0, 0.8, -12.0, (-0.1, 0.05)),
    (10.0, 1.2, 5.0, (3.0, 0.0)),  # Moved out of the picture.
  ],
)
@pytest.mark.parametrize('fill', [0.0, 0.7])
def test_affine_is_scipys(
  make_image, rotation, scale, shear, translation, fill
):
  image = make_image(11, 16, 3)
  transform = jax.jit(affine.affine, static_argnames='fill')
  ours = transform(image, rotation, scale, shear, translation, fill=fill)
  expected = _scipy_affine(image, rotation, scale, shear, translation, fill)
  np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_a_quarter_turn_is_clockwise(make_image):
  image = make_image(6, 6, 1)
  ours = affine.affine(jnp.array(image), 90.0, 1.0, 0.0, (0.0, 0.0))
  np.testing.assert_allclose(ours, np.rot90(image, -1), atol=1e-5)


def test_translation_is_down_and_right_in_fractions_of_the_sides(make_image):
  image = make_image(4, 8, 1)
  ours = affine.affine(jnp.array(image), 0.0, 1.0, 0.0, (0.25, 0.25))
  expected = np.zeros_like(image)
  expected[1:, 2:] = image[:3, :6]
  np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_shear_moves_rows_below_the_centre_to_the_left():
  image = np.zeros((5, 9, 1), np.float32)
  image[:, 4] = 1.0
  ours = affine.affine(jnp.array(image), 0.0, 1.0, 45.0, (0.0, 0.0))
  column = np.argmax(ours[..., 0], axis=1)
  np.testing.assert_array_equal(column, [6, 5, 4, 3, 2])


def test_random_affine_without_amounts_is_the_identity(make_image):
  image = jnp.array(make_image(7, 9, 3))
  ours = affine.random_affine(jax.random.key(0), image, 0, (1, 1), 0, 0)
  np.testing.assert_allclose(ours, image, atol=1e-5)


def test_random_affine_stays_within_each_amount(monkeypatch):
  drawn = []

  def record(image, rotation, scale, shear, translation, *, fill):
    drawn.append((rotation, scale, shear, *translation))
    return image

  monkeypatch.setattr(affine, 'affine', record)

  def amounts(key):
    image = jnp.zeros((4, 4, 1))
    affine.random_affine(key, image, 30.0, (0.5, 2.0), 10.0, 0.25)
    return jnp.stack(drawn.pop())

  keys = jax.random.split(jax.random.key(0), 500)
  drawn_amounts = np.asarray(jax.vmap(amounts)(keys))
  low = np.array([-30, 0.5, -10, -0.25, -0.25])
  high = np.array([30, 2, 10, 0.25, 0.25])
  assert np.all(drawn_amounts >= low)
  assert np.all(drawn_amounts <= high)
  # 500 uniform draws come within a twentieth of both ends, independently.
  assert np.all(drawn_amounts.min(0) < low + 0.05 * (high - low))
  assert np.all(drawn_amounts.max(0) > high - 0.05 * (high - low))
  correlation = np.corrcoef(drawn_amounts.T) - np.eye(5)
  assert np.abs(correlation).max() < 0.2


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    ((-1, (1, 1), 0, 0), 'rotation'),
    ((181, (1, 1), 0, 0), 'rotation'),
    ((0, (0, 1), 0, 0), 'scale'),
    ((0, (2, 1), 0, 0), 'scale'),
    ((0, 1.5, 0, 0), 'scale'),
    ((0, (1, 1), 90, 0), 'shear'),
    ((0, (1, 1), 0, 1.5), 'translation'),
    ((0, (1, 1), 0, float('nan')), 'translation'),
  ],
)
def test_random_affine_refuses_bad_amounts(args, message):
  with pytest.raises(InputError, match=message):
    affine.random_affine(jax.random.key(0), jnp.zeros((8, 8, 1)), *args)
