"""Point ops on tones against Pillow, level by level."""

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from semisup_jax.augment import tones
from semisup_jax.types import InputError

_SIZES = [(32, 32), (16, 20), (96, 70), (8, 8)]


def _pixels(height, width, channels):
  """Uneven tones, uint8 [H, W, C]: no channel has all levels."""
  rng = np.random.default_rng(height)
  spread = np.array([25, 60, 9][:channels])
  pixels = rng.normal(120, spread, (height, width, channels))
  return np.clip(pixels, 3, 255).astype(np.uint8)


def _pillow(op, pixels, *args):
  result = np.asarray(op(PIL.Image.fromarray(pixels.squeeze()), *args))
  return result.reshape(pixels.shape).astype(np.float64)


def _ours(op, pixels, *args):
  return 255 * np.asarray(op(jnp.array(pixels / 255, jnp.float32), *args))


@pytest.mark.parametrize('threshold', [0, 1, 64, 128, 255, 256])
@pytest.mark.parametrize('channels', [1, 3])
def test_solarize_is_pillows(threshold, channels):
  pixels = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 2, 3))
  pixels = pixels[..., :channels]
  expected = _pillow(PIL.ImageOps.solarize, pixels, threshold)
  ours = _ours(jax.jit(tones.solarize), pixels, (threshold - 0.5) / 255)
  np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_solarize_at_1_changes_nothing_and_at_a_half_is_pillows_default():
  pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
  np.testing.assert_array_equal(
    _ours(tones.solarize, pixels, 1.0), _ours(jnp.array, pixels)
  )
  expected = _pillow(PIL.ImageOps.solarize, pixels)
  ours = _ours(tones.solarize, pixels, 0.5)
  np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize('bits', range(1, 9))
def test_posterize_is_pillows(bits):
  pixels = np.arange(768, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)
  expected = _pillow(PIL.ImageOps.posterize, pixels, bits)
  ours = _ours(jax.jit(tones.posterize), pixels, bits)
  np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_posterize_takes_the_nearest_level_first():
  # 127.6 is nearest to 128, whose highest bit is set, and 127.4 to 127.
  image = jnp.array([127.4, 127.6, -1e-7, 255.0001]).reshape(2, 2, 1) / 255
  ours = 255 * np.ravel(tones.posterize(image, 1))
  np.testing.assert_allclose(ours, [0, 128, 0, 128], atol=1e-4)


@pytest.mark.parametrize(('height', 'width'), _SIZES)
@pytest.mark.parametrize('channels', [1, 3])
def test_autocontrast_is_pillows(height, width, channels):
  pixels = _pixels(height, width, channels)
  expected = _pillow(PIL.ImageOps.autocontrast, pixels)
  ours = _ours(jax.jit(tones.autocontrast), pixels)
  # Pillow rounds down.
  assert np.all(ours > expected - 1e-3)
  assert np.all(ours < expected + 1 + 1e-3)
  np.testing.assert_allclose(ours.min((0, 1)), 0, atol=1e-4)
  np.testing.assert_allclose(ours.max((0, 1)), 255, atol=1e-4)
  assert np.any(np.abs(ours - pixels) > 5)


def test_autocontrast_stretches_no_rounding_errors():
  rng = np.random.default_rng(0)
  noise = 0.3 + 1e-7 * rng.random((8, 8, 3), np.float32)
  flat = jnp.array(noise).at[..., 1].set(0.0).at[0, 0, 2].set(0.31)
  result = tones.autocontrast(flat)
  np.testing.assert_array_equal(result[..., :2], flat[..., :2])
  np.testing.assert_allclose(result[..., 2].max(), 1.0)


@pytest.mark.parametrize(('height', 'width'), _SIZES)
@pytest.mark.parametrize('channels', [1, 3])
def test_equalize_is_pillows(height, width, channels):
  pixels = _pixels(height, width, channels)
  expected = _pillow(PIL.ImageOps.equalize, pixels)
  ours = _ours(jax.jit(tones.equalize), pixels)
  np.testing.assert_allclose(ours, expected, atol=1e-4)
  assert np.any(expected != pixels) == (height * width > 256)


@pytest.mark.parametrize('brightest', [0, 64, 65, 66, 320])
def test_equalize_leaves_alone_what_pillow_does(brightest):
  # 320 pixels: a step of one pixel needs 255 below the brightest level.
  pixels = np.random.default_rng(0).integers(0, 9, 320).astype(np.uint8)
  pixels[:brightest] = 200
  pixels = pixels.reshape(16, 20, 1)
  expected = _pillow(PIL.ImageOps.equalize, pixels)
  ours = _ours(tones.equalize, pixels)
  np.testing.assert_allclose(ours, expected, atol=1e-4)
  assert np.any(ours != _ours(jnp.array, pixels)) == (brightest < 66)


@pytest.mark.parametrize(
  ('op', 'args', 'change'),
  [
    (tones.random_solarize, (0.3,), lambda x: tones.solarize(x, 0.3)),
    (tones.random_posterize, (3,), lambda x: tones.posterize(x, 3)),
    (tones.random_autocontrast, (), tones.autocontrast),
    (tones.random_equalize, (), tones.equalize),
  ],
)
def test_random_ops_happen_with_their_probability(draw, op, args, change):
  image = jnp.array(_pixels(16, 20, 3) / 255, jnp.float32)
  result = draw(600, op, image, 0.3, *args)
  close = lambda x: np.abs(result - np.asarray(x)).max((1, 2, 3)) < 1e-5  # noqa: E731
  happened, unchanged = close(change(image)), close(image)
  assert np.all(happened ^ unchanged)
  assert abs(happened.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 600)


@pytest.mark.parametrize(
  ('op', 'args', 'message'),
  [
    (tones.random_solarize, (1.1,), 'p must'),
    (tones.random_solarize, (1.0, 1.5), 'threshold must'),
    (tones.random_posterize, (1.0, 0), 'bits must'),
    (tones.random_posterize, (1.0, 9), 'bits must'),
    (tones.random_posterize, (1.0, 4.0), 'bits must be a whole number'),
    (tones.random_posterize, (1.0, True), 'bits must'),
    (tones.random_autocontrast, (-1,), 'p must'),
    (tones.random_equalize, ('1',), 'p must'),
  ],
)
def test_bad_amounts_are_refused(op, args, message):
  with pytest.raises(InputError, match=message):
    op(jax.random.key(0), jnp.zeros((8, 8, 1)), *args)
