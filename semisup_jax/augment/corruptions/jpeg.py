"""JPEG's losses, to the last bit those of libjpeg through Pillow.

What an encoder and a decoder do between them, without the lossless coding in
the middle: conversion of colours, chroma at half the resolution (4:2:0), the
cosine transform of blocks of 8x8 and its quantization, and all of it backwards.
libjpeg computes in whole numbers (its method `islow`), and so does this; every
`>>` below rounds where it does. Planes are int32 [H, W] in [0, 255].
"""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment.corruptions import levels, severities

_QUALITY = (80, 65, 58, 50, 40)
# ITU-T T.81, tables K.1 and K.2.
_LUMA_TABLE = (
  (16, 11, 10, 16, 24, 40, 51, 61),
  (12, 12, 14, 19, 26, 58, 60, 55),
  (14, 13, 16, 24, 40, 57, 69, 56),
  (14, 17, 22, 29, 51, 87, 80, 62),
  (18, 22, 37, 56, 68, 109, 103, 77),
  (24, 35, 55, 64, 81, 104, 113, 92),
  (49, 64, 78, 87, 103, 121, 120, 101),
  (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
  (17, 18, 24, 47, 99, 99, 99, 99),
  (18, 21, 26, 66, 99, 99, 99, 99),
  (24, 26, 56, 99, 99, 99, 99, 99),
  (47, 66, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
)
# The left half of the cosine transform, in units of 2 ** -13 and sqrt(8) times
# orthonormal; the right half mirrors it, with the sign of the parity of the
# row. Some entries are off by one from the rounded cosines: they are the sums
# of constants that libjpeg's butterflies come to.
_HALF = np.array(
  [
    [8192, 8192, 8192, 8192],
    [11363, 9633, 6437, 2260],
    [10703, 4433, -4433, -10703],
    [9633, -2259, -11362, -6436],
    [8192, -8192, -8192, 8192],
    [6437, -11362, 2261, 9633],
    [4433, -10704, 10704, -4433],
    [2260, -6436, 9633, -11363],
  ],
  np.int32,
)
_SIGNS = np.array([[1], [-1]] * 4, np.int32)
_COSINES = np.concatenate([_HALF, _SIGNS * _HALF[:, ::-1]], 1)


def _shifted(value: jax.Array, bits: int) -> jax.Array:
  """Divides by 2 ** bits and rounds, half up."""
  return (value + (1 << (bits - 1))) >> bits


def quantization_table(quality: int, *, chroma: bool) -> np.ndarray:
  """Scales a standard table as libjpeg's `jpeg_set_quality`.

  Args:
    quality: In [1, 100].
    chroma: Which of the two tables.

  Returns:
    int32 [8, 8] in [1, 255].
  """
  scale = 5000 // quality if quality < 50 else 200 - 2 * quality
  table = np.array(_CHROMA_TABLE if chroma else _LUMA_TABLE, np.int32)
  return np.clip((table * scale + 50) // 100, 1, 255)


def code_plane(plane: jax.Array, table: np.ndarray) -> jax.Array:
  """Transforms, quantizes and transforms back the blocks of a plane.

  Args:
    plane: int32 [H, W] in [0, 255]; the edges are repeated to whole blocks.
    table: int32 [8, 8], the steps of the coefficients.

  Returns:
    int32 [H, W] in [0, 255].
  """
  height, width = plane.shape
  padded = jnp.pad(plane, ((0, -height % 8), (0, -width % 8)), mode='edge')
  blocks = padded.reshape(-(-height // 8), 8, -(-width // 8), 8) - 128
  # The passes are not symmetric, as each rounds: rows first, columns second,
  # and on the way back columns first.
  rows = _shifted(jnp.einsum('uj,aibj->aibu', _COSINES, blocks), 11)
  scaled = _shifted(jnp.einsum('vi,aibu->avbu', _COSINES, rows), 15)
  step = jnp.asarray(table)[None, :, None, :]
  # The transform is 8 times too large. Quotients round half away from 0.
  quotient = (jnp.abs(scaled) + 4 * step) // (8 * step)
  restored = jnp.sign(scaled) * quotient * step
  columns = _shifted(jnp.einsum('vi,avbu->aibu', _COSINES, restored), 11)
  pixels = _shifted(jnp.einsum('uj,aibu->aibj', _COSINES, columns), 18)
  decoded = jnp.clip(pixels + 128, 0, 255).reshape(padded.shape)
  return decoded[:height, :width]


def _to_planes(pixels: jax.Array) -> list[jax.Array]:
  """Converts int32 [H, W, 3] to luma and two chroma planes."""
  red, green, blue = (pixels[..., c] for c in range(3))
  luma = _shifted(19595 * red + 38470 * green + 7471 * blue, 16)
  # One less than a half makes the chroma of the extremes 255, not 256.
  half = (128 << 16) + (1 << 15) - 1
  from_blue = -11059 * red - 21709 * green + 32768 * blue
  from_red = 32768 * red - 27439 * green - 5329 * blue
  return [luma, (from_blue + half) >> 16, (from_red + half) >> 16]


def _to_pixels(luma: jax.Array, cb: jax.Array, cr: jax.Array) -> jax.Array:
  """Converts planes back, to int32 [H, W, 3] in [0, 255]."""
  cb, cr = cb - 128, cr - 128
  red = luma + _shifted(91881 * cr, 16)
  green = luma + _shifted(-22554 * cb - 46802 * cr, 16)
  blue = luma + _shifted(116130 * cb, 16)
  return jnp.clip(jnp.stack([red, green, blue], axis=-1), 0, 255)


def halve(plane: jax.Array) -> jax.Array:
  """Averages 2x2 pixels, as the encoder.

  Args:
    plane: int32 [H, W].

  Returns:
    int32 [ceil(H / 2), 8 ceil(W / 16)]: to the right the edge is repeated
    before pixels are averaged, so that of the width whole blocks come out.
  """
  height, width = plane.shape
  plane = jnp.pad(plane, ((0, height % 2), (0, -width % 16)), mode='edge')
  fours = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
  # Quarters round down and up in turn, from one column to the next.
  bias = 1 + np.arange(fours.shape[2], dtype=np.int32) % 2
  return (jnp.sum(fours, axis=(1, 3)) + bias) >> 2


def double(plane: jax.Array) -> jax.Array:
  """Interpolates between pixels, as the decoder (its "fancy upsampling").

  Args:
    plane: int32 [H, W].

  Returns:
    int32 [2 H, 2 W]: 9, 3, 3 and 1 sixteenths of the four nearest pixels; a
    half rounds up in even columns and down in odd ones.
  """
  height, width = plane.shape
  around = jnp.pad(plane, 1, mode='edge')
  above = 3 * plane + around[:-2, 1:-1], 3 * plane + around[2:, 1:-1]
  tall = jnp.stack(above, axis=1).reshape(2 * height, width)
  beside = jnp.pad(tall, ((0, 0), (1, 1)), mode='edge')
  left = (3 * tall + beside[:, :-2] + 8) >> 4
  right = (3 * tall + beside[:, 2:] + 7) >> 4
  return jnp.stack([left, right], axis=2).reshape(2 * height, 2 * width)


def compress(pixels: jax.Array, quality: int) -> jax.Array:
  """Returns what a JPEG of an image holds.

  Args:
    pixels: int32 [H, W, C] in [0, 255], of one channel or three.
    quality: Pillow's, a static whole number in [1, 100].

  Returns:
    int32 [H, W, C] in [0, 255].
  """
  of_luma = quantization_table(quality, chroma=False)
  of_chroma = quantization_table(quality, chroma=True)
  if pixels.shape[-1] == 1:
    return code_plane(pixels[..., 0], of_luma)[..., None]
  height, width = pixels.shape[:2]
  luma, *chroma = _to_planes(pixels)
  coded = (code_plane(halve(plane), of_chroma) for plane in chroma)
  # Interpolated after cropping: the decoder does not look into the padding.
  half = -(-width // 2)
  cb, cr = (double(plane[:, :half])[:height, :width] for plane in coded)
  return _to_pixels(code_plane(luma, of_luma), cb, cr)


def jpeg_compression(
  key: jax.Array, image: jax.Array, severity: int
) -> jax.Array:
  """Compresses, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  quality = severities.pick(_QUALITY, severity)
  compressed = compress(levels.nearest(image), quality)
  return levels.to_image(compressed, image.dtype)
