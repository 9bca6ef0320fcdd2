"""Colour ops against Pillow and colorsys, and what is drawn for them."""

import colorsys
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import PIL.ImageEnhance
import pytest
import scipy.stats

from semisup_jax.augment import amounts, color
from semisup_jax.types import InputError

_ENHANCERS = {
  color.adjust_brightness: PIL.ImageEnhance.Brightness,
  color.adjust_contrast: PIL.ImageEnhance.Contrast,
  color.adjust_saturation: PIL.ImageEnhance.Color,
}


@pytest.mark.parametrize('adjust', list(_ENHANCERS))
@pytest.mark.parametrize('factor', [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize('channels', [1, 3])
def test_adjustments_are_pillows(make_image, adjust, factor, channels):
  pixels = np.round(255 * make_image(9, 12, channels)).astype(np.uint8)
  picture = PIL.Image.fromarray(pixels.squeeze())
  enhanced = np.asarray(_ENHANCERS[adjust](picture).enhance(factor))
  ours = jax.jit(adjust)(jnp.array(pixels / 255, jnp.float32), factor)
  # Pillow rounds the grey value to 8 bits, and then the mixture.
  np.testing.assert_allclose(
    255 * ours, enhanced.reshape(pixels.shape), atol=1.6
  )


@pytest.mark.parametrize('shift', [-0.5, -0.13, 0.0, 0.1, 1 / 3, 0.5, 1.0])
def test_adjust_hue_is_colorsys_pixel_by_pixel(make_image, shift):
  corners = np.array(list(itertools.product([0, 0.5, 1], repeat=3)))
  image = np.concatenate([corners, make_image(9, 9, 3).reshape(-1, 3)])[:, None]
  ours = jax.jit(color.adjust_hue)(jnp.array(image, jnp.float32), shift)
  expected = []
  for pixel in image.reshape(-1, 3):
    hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
    expected.append(colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value))
  np.testing.assert_allclose(np.reshape(ours, (-1, 3)), expected, atol=1e-5)


def test_a_third_of_a_turn_makes_red_green():
  red = jnp.array([[[1.0, 0.0, 0.0]]])
  np.testing.assert_allclose(
    color.adjust_hue(red, 1 / 3), [[[0.0, 1.0, 0.0]]], atol=1e-5
  )


def test_grayscale_weighs_the_channels_and_keeps_them(make_image):
  image = make_image(7, 5, 3)
  expected = np.empty_like(image)
  for i, j in np.ndindex(image.shape[:2]):
    expected[i, j, :] = np.dot(image[i, j], [0.299, 0.587, 0.114])
  ours = color.grayscale(jnp.array(image))
  np.testing.assert_allclose(ours, expected, rtol=1e-6)


@pytest.mark.parametrize(
  'op',
  [color.grayscale, lambda x: color.adjust_hue(x, 0.3)],
  ids=['grayscale', 'adjust_hue'],
)
def test_one_channel_has_no_colour_to_change(make_image, op):
  image = jnp.array(make_image(7, 5, 1))
  np.testing.assert_array_equal(op(image), image)


@pytest.mark.parametrize(
  'op',
  [
    color.grayscale,
    lambda x: color.adjust_contrast(x, 1.0),
    lambda x: color.adjust_saturation(x, 1.0),
    lambda x: color.adjust_hue(x, 0.1),
    lambda x: color.color_jitter(jax.random.key(0), x, 0.1, 0, 0, 0),
  ],
)
def test_other_numbers_of_channels_are_refused(op):
  with pytest.raises(ValueError, match='1 or 3 channels, got 2'):
    op(jnp.zeros((4, 4, 2)))


def test_random_grayscale_happens_with_its_probability(draw, make_image):
  image = jnp.array(make_image(7, 5, 3))
  result = draw(2000, color.random_grayscale, image, 0.2)
  happened = np.all(result[..., :1] == result, axis=(1, 2, 3))
  unchanged = np.all(result == image, axis=(1, 2, 3))
  assert np.all(happened | unchanged)
  assert abs(happened.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 2000)


@pytest.mark.parametrize(('amount', 'low'), [(0.4, 0.6), (1.5, 0.0)])
def test_jitter_draws_its_factor_uniformly(draw, amount, low):
  image = jnp.full((3, 3, 1), 0.1)
  pixels = draw(1000, color.color_jitter, image, amount, 0, 0, 0)
  factor = pixels[:, 0, 0, 0] / 0.1
  width = 1 + amount - low
  assert scipy.stats.kstest(factor, 'uniform', (low, width)).pvalue > 1e-3


def test_jitter_draws_its_hue_uniformly(draw):
  image = jnp.array([[[0.2, 0.8, 0.5]]])
  pixels = draw(500, color.color_jitter, image, 0, 0, 0, 0.1)[:, 0, 0]
  start = colorsys.rgb_to_hsv(0.2, 0.8, 0.5)[0]
  shift = [colorsys.rgb_to_hsv(*pixel)[0] - start for pixel in pixels]
  assert scipy.stats.kstest(shift, 'uniform', (-0.1, 0.2)).pvalue > 1e-3


def test_jitter_applies_all_four_in_every_order(draw, make_image, monkeypatch):
  monkeypatch.setattr(
    amounts,
    'uniform',
    lambda key, image, low, high: jnp.float32(low + 0.9 * (high - low)),
  )
  image = jnp.array(make_image(4, 4, 3))
  results = draw(400, color.color_jitter, image, 0.8, 0.7, 0.9, 0.4)
  four = [
    lambda x: color.adjust_brightness(x, 0.2 + 0.9 * 1.6),
    lambda x: color.adjust_contrast(x, 0.3 + 0.9 * 1.4),
    lambda x: color.adjust_saturation(x, 0.1 + 0.9 * 1.8),
    lambda x: color.adjust_hue(x, -0.4 + 0.9 * 0.8),
  ]
  expected = []
  for order in itertools.permutations(four):
    changed = image
    for op in order:
      changed = op(changed)
    expected.append(changed)
  difference = np.abs(results[:, None] - np.stack(expected)).max((2, 3, 4))
  assert difference.min(axis=1).max() < 1e-5
  nearest = np.argmin(difference, axis=1)
  assert set(nearest) == set(range(24))
  counts = np.bincount(nearest, minlength=24)
  assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_jitter_happens_with_its_probability(draw, make_image):
  image = jnp.array(make_image(7, 5, 3))
  result = draw(1000, color.color_jitter, image, 0.4, 0.4, 0.4, 0.1, p=0.8)
  unchanged = np.all(result == image, axis=(1, 2, 3))
  assert abs(unchanged.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 1000)


def test_jitter_of_one_channel_leaves_saturation_and_hue_out(make_image):
  image = jnp.array(make_image(7, 5, 1))
  key = jax.random.key(3)
  np.testing.assert_array_equal(
    color.color_jitter(key, image, 0.4, 0.4, 0.4, 0.1),
    color.color_jitter(key, image, 0.4, 0.4, 0.0, 0.0),
  )


def test_jitter_without_amounts_is_the_identity(make_image):
  image = jnp.array(make_image(7, 5, 3))
  result = color.color_jitter(jax.random.key(0), image, 0, 0, 0, 0)
  np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    ((-0.1, 0, 0, 0), 'brightness'),
    ((0, '1', 0, 0), 'contrast'),
    ((0, 0, None, 0), 'saturation'),
    ((0, 0, 0, 0.6), 'hue'),
    ((0, 0, 0, 0, 1.5), 'p must'),
  ],
)
def test_jitter_refuses_bad_amounts(args, message):
  with pytest.raises(InputError, match=message):
    color.color_jitter(jax.random.key(0), jnp.zeros((4, 4, 3)), *args)


def test_normalize_standardizes_each_channel(make_image):
  image = make_image(7, 5, 3)
  mean, std = [0.1, 0.5, 0.7], [0.2, 0.3, 0.4]
  expected = np.empty_like(image)
  for i, j, c in np.ndindex(image.shape):
    expected[i, j, c] = (image[i, j, c] - mean[c]) / std[c]
  ours = color.normalize(jnp.array(image), mean, np.array(std))
  np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
  assert ours.dtype == jnp.float32


@pytest.mark.parametrize(
  ('mean', 'std', 'message'),
  [
    ([0.5, 0.5], 1.0, 'one a channel'),
    (0.5, [[1.0], [1.0], [1.0]], 'one a channel'),
    (0.5, [1.0, 0.0, 1.0], 'positive'),
    (0.5, -1, 'positive'),
    (float('nan'), 1, 'finite'),
  ],
)
def test_normalize_refuses_bad_statistics(mean, std, message):
  with pytest.raises(InputError, match=message):
    color.normalize(jnp.zeros((4, 4, 3)), mean, std)


def test_normalize_does_not_make_three_channels_of_one():
  with pytest.raises(InputError, match='one a channel'):
    color.normalize(jnp.zeros((4, 4, 1)), [0.1, 0.2, 0.3], 1.0)
