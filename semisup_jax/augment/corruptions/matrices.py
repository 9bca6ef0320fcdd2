"""Blurs and zooms as matrices, one for the rows and one for the columns.

Both are linear and treat the sides of an image one after the other, so each is
`rows @ image @ columns.T` with two matrices that numpy makes once. Images are
float [H, W, C], with any number of channels.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np


def apply(rows: np.ndarray, image: jax.Array, columns: np.ndarray) -> jax.Array:
  """Multiplies an image by a matrix a side.

  Args:
    rows: Float [H', H].
    image: Float [H, W, C].
    columns: Float [W', W].

  Returns:
    Float [H', W', C].
  """
  return jnp.einsum(
    'ab,bcd,ec->aed',
    jnp.asarray(rows, image.dtype),
    image,
    jnp.asarray(columns, image.dtype),
    precision=jax.lax.Precision.HIGHEST,
  )


def gaussian(
  size: int, sigma: float, *, truncate: float = 4.0, mode: str = 'edge'
) -> np.ndarray:
  """The Gaussian filter of scipy and of scikit-image.

  Args:
    size: Of the side, pixels.
    sigma: Standard deviation in pixels, >= 0; 0 changes nothing.
    truncate: Where the kernel ends, in standard deviations.
    mode: What lies beyond the border, as numpy's `pad` calls it: 'edge', which
      is scipy's 'nearest', or 'symmetric', which is scipy's 'reflect'.

  Returns:
    float64 [size, size], whose rows sum to 1.
  """
  radius = int(truncate * sigma + 0.5)
  offset = np.arange(-radius, radius + 1)
  weights = np.exp(-0.5 * np.square(offset / sigma)) if radius else np.ones(1)
  weights /= weights.sum()
  source = np.pad(np.arange(size), radius, mode=mode)
  matrix = np.zeros((size, size))
  for tap, weight in enumerate(weights):
    matrix[np.arange(size), source[tap : tap + size]] += weight
  return matrix


def smooth(
  image: jax.Array, sigma: float, *, truncate: float = 4.0, mode: str = 'edge'
) -> jax.Array:
  """Applies `gaussian` to both sides of an image, float [H, W, C]."""
  rows, columns = (
    gaussian(size, sigma, truncate=truncate, mode=mode)
    for size in image.shape[:2]
  )
  return apply(rows, image, columns)


def clipped_zoom(size: int, factor: float) -> np.ndarray:
  """Magnifies the middle of a side, linearly, to its old length.

  Of the generator's `clipped_zoom` the part of one side: `ceil(size / factor)`
  pixels are kept and resized to `factor` times their number, rounded, by
  scipy's `zoom`, which puts the first and the last pixel where they were.

  Args:
    size: Of the side, pixels.
    factor: >= 1.

  Returns:
    float64 [size, size], whose rows sum to 1 and have at most two entries.
  """
  kept = math.ceil(size / factor)
  zoomed = round(kept * factor)
  first = (size - kept) // 2
  trimmed = (zoomed - size) // 2
  position = np.linspace(0, kept - 1, zoomed)[trimmed : trimmed + size]
  below = np.minimum(np.floor(position).astype(int), kept - 2)
  matrix = np.zeros((size, size))
  rows = np.arange(size)
  matrix[rows, first + below] = 1 - (position - below)
  matrix[rows, first + below + 1] = position - below
  return matrix
