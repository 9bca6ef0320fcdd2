"""Crops and flips against Pillow and NumPy, and what is drawn for them."""

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest
import scipy.stats

from semisup_jax.augment import geometry
from semisup_jax.types import InputError


def _pillow_crop(image, top, left, height, width, size):
  box = (left, top, left + width, top + height)
  planes = [
    PIL.Image.fromarray(plane).resize(
      size[::-1], PIL.Image.Resampling.BILINEAR, box=box
    )
    for plane in np.moveaxis(image, -1, 0)
  ]
  return np.stack([np.asarray(plane) for plane in planes], axis=-1)


@pytest.mark.parametrize(
  ('box', 'size'),
  [
    ((0.0, 0.0, 20.0, 14.0), (20, 14)),  # The whole image, unchanged.
    ((3.0, 2.0, 8.0, 7.0), (20, 14)),
    ((1.3, 4.7, 11.9, 5.2), (20, 14)),
    ((16.6, 0.4, 3.4, 13.6), (20, 14)),  # Touches an edge.
    ((0.5, 0.5, 19.0, 13.0), (7, 5)),  # Shrinks, so it is antialiased.
    ((2.0, 1.0, 17.5, 3.0), (6, 9)),  # Shrinks one side, grows the other.
  ],
)
@pytest.mark.parametrize('channels', [1, 3])
def test_resized_crop_is_pillows(make_image, box, size, channels):
  image = make_image(20, 14, channels)
  crop = jax.jit(geometry.resized_crop, static_argnames='size')
  ours = crop(image, *box, size=size)
  np.testing.assert_allclose(ours, _pillow_crop(image, *box, size), atol=3e-6)


def _boxes(draw, height, width, count, scale, ratio):
  """Reads the boxes off crops of an image that shows its own coordinates."""
  rows, columns = np.meshgrid(
    np.arange(height) + 0.5, np.arange(width) + 0.5, indexing='ij'
  )
  ramp = jnp.array(np.stack([rows, columns], -1), jnp.float32)
  crops = draw(count, geometry.random_resized_crop, ramp, *scale, ratio=ratio)
  i, j = height // 2, width // 2  # Interpolation is exact away from the rim.
  box_h = (crops[:, i, j, 0] - crops[:, i - 1, j, 0]) * height
  box_w = (crops[:, i, j, 1] - crops[:, i, j - 1, 1]) * width
  top = crops[:, i, j, 0] - (i + 0.5) / height * box_h
  left = crops[:, i, j, 1] - (j + 0.5) / width * box_w
  return top, left, box_h, box_w


@pytest.mark.parametrize(('height', 'width'), [(32, 32), (24, 40), (40, 16)])
def test_random_boxes_have_the_area_and_shape_asked_for(draw, height, width):
  scale, ratio = (0.2, 0.9), (0.7, 1.5)
  top, left, box_h, box_w = _boxes(draw, height, width, 1000, scale, ratio)
  assert min(top.min(), left.min()) > -1e-3
  assert (top + box_h).max() < height + 1e-3
  assert (left + box_w).max() < width + 1e-3
  fraction = box_h * box_w / (height * width)
  assert scipy.stats.kstest(fraction, 'uniform', (0.2, 0.7)).pvalue > 1e-3
  # Where the asked shape does not fit, the nearest that does.
  aspect = box_w / box_h
  low = np.minimum(ratio[0], width / height / fraction)
  high = np.maximum(ratio[1], width / height * fraction)
  assert np.all(aspect > low - 1e-3)
  assert np.all(aspect < high + 1e-3)


def test_random_boxes_are_log_uniform_in_shape_and_uniform_in_place(draw):
  top, left, box_h, box_w = _boxes(
    draw, 32, 32, 1000, (0.2, 0.5), (3 / 4, 4 / 3)
  )
  shape = np.log(box_w / box_h) / np.log(4 / 3)  # All of the range fits.
  assert scipy.stats.kstest(shape, 'uniform', (-1, 2)).pvalue > 1e-3
  assert scipy.stats.kstest(top / (32 - box_h), 'uniform').pvalue > 1e-3
  assert scipy.stats.kstest(left / (32 - box_w), 'uniform').pvalue > 1e-3
  assert abs(np.corrcoef(top, left)[0, 1]) < 0.15


def test_random_resized_crop_of_everything_is_the_image(make_image):
  image = jnp.array(make_image(9, 13, 3))
  crop = geometry.random_resized_crop(jax.random.key(0), image, 1.0, 1.0)
  np.testing.assert_allclose(crop, image, atol=1e-5)


@pytest.mark.parametrize(
  ('args', 'kwargs', 'message'),
  [
    ((0.0, 1.0), {}, 'scale'),
    ((0.9, 0.2), {}, 'scale'),
    ((0.2, 1.1), {}, 'scale'),
    ((0.2, 1.0), {'ratio': (2.0, 1.0)}, 'ratio'),
    ((0.2, 1.0), {'ratio': 1.0}, 'ratio'),
  ],
)
def test_random_resized_crop_refuses_empty_ranges(args, kwargs, message):
  with pytest.raises(InputError, match=message):
    geometry.random_resized_crop(
      jax.random.key(0), jnp.zeros((8, 8, 1)), *args, **kwargs
    )


@pytest.mark.parametrize('mode', ['constant', 'reflect'])
@pytest.mark.parametrize('corner', [(0, 0), (2, 2), (4, 1), (3, 4)])
def test_padded_crop_is_a_slice_of_the_padded_image(make_image, mode, corner):
  image = make_image(7, 5, 3)
  padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode)
  expected = padded[corner[0] : corner[0] + 7, corner[1] : corner[1] + 5]
  ours = geometry.padded_crop(jnp.array(image), *corner, 2, mode=mode)
  np.testing.assert_array_equal(ours, expected)


def test_random_crop_takes_every_shift_equally_often(draw):
  image = jnp.zeros((9, 9, 1)).at[4, 4].set(1.0)
  crops = draw(1000, geometry.random_crop, image, 2)
  places = np.argmax(np.reshape(crops, (1000, -1)), axis=1)
  shifts, counts = np.unique(places, return_counts=True)
  expected = [9 * i + j for i in range(2, 7) for j in range(2, 7)]
  np.testing.assert_array_equal(shifts, expected)
  assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
  ('padding', 'mode', 'message'),
  [
    (-1, 'constant', 'padding'),
    (1.5, 'constant', 'padding'),
    ('2', 'constant', 'padding'),
    (2, 'wrapped', 'mode'),
  ],
)
def test_random_crop_refuses_bad_arguments(padding, mode, message):
  image = jnp.zeros((8, 8, 1))
  with pytest.raises(InputError, match=message):
    geometry.random_crop(jax.random.key(0), image, padding, mode=mode)


def test_flip_left_right_reverses_the_columns(make_image):
  image = make_image(4, 5, 3)
  expected = np.stack([image[:, 4 - j] for j in range(5)], axis=1)
  np.testing.assert_array_equal(
    geometry.flip_left_right(jnp.array(image)), expected
  )


@pytest.mark.parametrize('p', [0.0, 0.2, 0.5, 1.0])
def test_random_flip_happens_with_its_probability(draw, make_image, p):
  image = jnp.array(make_image(2, 3, 1))
  flipped = draw(2000, geometry.random_flip_left_right, image, p)
  happened = np.all(flipped == image[:, ::-1], axis=(1, 2, 3))
  assert np.all(happened | np.all(flipped == image, axis=(1, 2, 3)))
  assert abs(happened.mean() - p) <= 4 * np.sqrt(p * (1 - p) / 2000)
