"""Tones against colorsys and numpy, resolution against Pillow."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from semisup_jax.augment.corruptions import digital
from semisup_jax.types import InputError


def _changed(corruption, image, severity):
  jitted = jax.jit(corruption, static_argnums=2)
  return np.asarray(jitted(jax.random.key(0), jnp.asarray(image), severity))


def _pixel_by_pixel(image, change):
  """Applies `(h, s, v) -> (h, s, v)` by colorsys."""
  result = np.zeros(image.shape)
  for place in np.ndindex(image.shape[:2]):
    hsv = colorsys.rgb_to_hsv(*image[place].astype(np.float64))
    result[place] = colorsys.hsv_to_rgb(*change(*hsv))
  return result


def _with_extremes(image):
  """Puts black, white, grey and pure colours into the first row."""
  image = image.copy()
  image[0, :6] = [[0] * 3, [1] * 3, [0.5] * 3, [1, 0, 0], [0, 1, 1], [0, 0, 1]]
  return image


@pytest.mark.parametrize(
  ('severity', 'amount'), [*enumerate([0.05, 0.1, 0.15, 0.2, 0.3], 1)]
)
def test_brightness_adds_to_hsvs_value(make_levels, severity, amount):
  image = _with_extremes(make_levels(9, 11, 3))
  expected = _pixel_by_pixel(image, lambda h, s, v: (h, s, min(v + amount, 1)))
  ours = _changed(digital.brightness, image, severity)
  np.testing.assert_allclose(ours, expected, atol=1e-6)
  grey = image[..., :1]
  expected = np.clip(grey + amount, 0, 1)
  ours = _changed(digital.brightness, grey, severity)
  np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize(
  ('severity', 'factor', 'summand'),
  [(1, 0.3, 0), (2, 0.1, 0), (3, 1.5, 0), (4, 2, 0.1), (5, 2.5, 0.2)],
)
def test_saturate_changes_hsvs_saturation(
  make_levels, severity, factor, summand
):
  image = _with_extremes(make_levels(9, 11, 3))
  expected = _pixel_by_pixel(
    image, lambda h, s, v: (h, min(s * factor + summand, 1), v)
  )
  ours = _changed(digital.saturate, image, severity)
  np.testing.assert_allclose(ours, expected, atol=1e-6)
  assert np.ptp(ours[0, 2]) == pytest.approx(0.5 * summand)  # Grey, to red.


def test_saturate_refuses_grey_images():
  with pytest.raises(InputError, match='3 channels, got 1: a grey image has'):
    digital.saturate(jax.random.key(0), jnp.zeros((8, 8, 1)), 3)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize(
  ('severity', 'factor'), [*enumerate([0.75, 0.5, 0.4, 0.3, 0.15], 1)]
)
def test_contrast_draws_each_channel_to_its_mean(
  make_levels, severity, factor, channels
):
  image = make_levels(9, 11, channels) * np.float32(0.4) ** np.arange(channels)
  mean = image.astype(np.float64).reshape(-1, channels).mean(0)
  ours = _changed(digital.contrast, image.astype(np.float32), severity)
  np.testing.assert_allclose(ours, mean + factor * (image - mean), atol=1e-6)


def _pillow_box(pixels, size):
  picture = PIL.Image.fromarray(pixels.squeeze())
  resized = picture.resize(size[::-1], PIL.Image.Resampling.BOX)
  return np.asarray(resized).reshape(*size, pixels.shape[-1])


@pytest.mark.parametrize('size', [(32, 32, 3), (8, 8, 3), (31, 40, 1)])
@pytest.mark.parametrize(
  ('severity', 'resolution'), [*enumerate([0.95, 0.9, 0.85, 0.75, 0.65], 1)]
)
def test_pixelate_is_pillows(make_pixels, size, severity, resolution):
  pixels = make_pixels(*size)
  small = int(size[0] * resolution), int(size[1] * resolution)
  expected = _pillow_box(_pillow_box(pixels, small), size[:2])
  image = pixels.astype(np.float32) / 255
  ours = 255 * _changed(digital.pixelate, image, severity)
  np.testing.assert_array_equal(np.round(ours), expected)
  np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize('old', [5, 8, 21, 32, 57])
def test_box_weights_are_pillows_for_any_two_sizes(old):
  pixels = np.random.default_rng(0).integers(0, 256, (30, old, 1), np.uint8)
  for new in range(3, 60):
    summed = pixels[..., 0].astype(int) @ digital.box_weights(old, new).T
    expected = _pillow_box(pixels, (30, new))[..., 0]
    np.testing.assert_array_equal((summed + 2**21) >> 22, expected)
