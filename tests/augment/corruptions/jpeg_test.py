"""JPEG against files that Pillow writes and reads, to the last level."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from semisup_jax.augment.corruptions import jpeg


def _through_a_file(pixels, quality):
  """Returns int [H, W, C] and the file's quantization tables by number."""
  file = io.BytesIO()
  PIL.Image.fromarray(pixels.squeeze()).save(file, 'JPEG', quality=quality)
  picture = PIL.Image.open(file)
  tables = {k: np.reshape(v, (8, 8)) for k, v in picture.quantization.items()}
  return np.asarray(picture).reshape(pixels.shape).astype(int), tables


@functools.cache
def _compiled(quality):
  return jax.jit(functools.partial(jpeg.compress, quality=quality))


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize(
  ('height', 'width'), [(32, 32), (8, 8), (16, 40), (33, 25), (10, 15)]
)
@pytest.mark.parametrize('quality', [80, 40])
def test_compression_is_libjpegs(make_pixels, height, width, channels, quality):
  for pixels in (
    make_pixels(height, width, channels),
    np.random.default_rng(0).integers(
      0, 256, (height, width, channels), np.uint8
    ),
  ):
    expected, _ = _through_a_file(pixels, quality)
    ours = _compiled(quality)(jnp.asarray(pixels, jnp.int32))
    np.testing.assert_array_equal(ours, expected)
    assert np.any(expected != pixels)


@pytest.mark.parametrize('quality', [1, 10, 49, 50, 75, 95, 100])
def test_quantization_tables_are_those_in_the_file(quality):
  _, tables = _through_a_file(np.zeros((8, 8, 3), np.uint8), quality)
  for number, chroma in ((0, False), (1, True)):
    ours = jpeg.quantization_table(quality, chroma=chroma)
    np.testing.assert_array_equal(ours, tables[number])


@pytest.mark.parametrize('level', [0, 1, 100, 128, 254, 255])
def test_a_flat_image_stays_flat_within_half_a_step(level):
  ours = _compiled(40)(jnp.full((16, 24, 1), level, jnp.int32))
  step = jpeg.quantization_table(40, chroma=False)[0, 0] / 8
  assert np.ptp(ours) == 0
  assert abs(int(ours[0, 0, 0]) - level) <= step / 2 + 0.5


@pytest.mark.parametrize(
  ('severity', 'quality'), [*enumerate([80, 65, 58, 50, 40], 1)]
)
def test_a_severity_is_a_quality(make_pixels, severity, quality):
  pixels = make_pixels(24, 32, 3)
  image = jnp.asarray(pixels, jnp.float32) / 255
  compressed = jax.jit(jpeg.jpeg_compression, static_argnums=2)
  ours = compressed(jax.random.key(0), image, severity)
  expected, _ = _through_a_file(pixels, quality)
  np.testing.assert_allclose(255 * ours, expected, atol=1e-4)
