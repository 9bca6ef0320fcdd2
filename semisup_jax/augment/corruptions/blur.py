"""Blurs whose kernel is the same for every image: lens, glass, zoom, Gaussian.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1] up to rounding. Lengths are in pixels.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment.corruptions import (
  draws,
  levels,
  matrices,
  severities,
  stencils,
)

_GAUSSIAN_SIGMA = (0.4, 0.6, 0.7, 0.8, 1.0)
# Sigma, and how often the pixels are displaced.
_GLASS = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))
# Radius of the disk, and sigma of what smoothes its rim.
_DEFOCUS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
_ZOOM_END = (1.06, 1.11, 1.16, 1.21, 1.26)


def gaussian_blur(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Blurs with a Gaussian, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  return matrices.smooth(image, severities.pick(_GAUSSIAN_SIGMA, severity))


def displace(image: jax.Array, offsets: jax.Array) -> jax.Array:
  """Copies to each pixel itself, or a neighbour above or to the left.

  Glass blur in the generator means to swap pixels one after the other, from the
  last to the first. But `x[a], x[b] = x[b], x[a]` swaps no rows of numpy
  arrays, which are views: both become `x[b]`. As `b` lies above or to the left
  and is visited later, each pixel then holds its neighbour's value from before
  the sweep, and the sweep is this one gather.

  Args:
    image: Float [H, W, C].
    offsets: How far up and how far to the left each pixel is taken from, bool
      [H, W, 2]: one pixel where it is set.

  Returns:
    Float [H, W, C]; the first two rows and columns, which the sweep leaves out,
    stay as they are.
  """
  above, left = offsets[..., :1], offsets[..., 1:]
  padded = stencils.pad(image, 1, 'edge')
  read = functools.partial(stencils.shift, padded, margin=1)
  new = jnp.where(
    above,
    jnp.where(left, read(-1, -1), read(-1, 0)),
    jnp.where(left, read(0, -1), image),
  )
  swept = np.zeros((*image.shape[:2], 1), bool)
  swept[2:, 2:] = True
  return jnp.where(swept, new, image)


def glass(image: jax.Array, offsets: jax.Array, sigma: float) -> jax.Array:
  """Blurs, displaces the pixels and blurs again.

  Args:
    image: Float [H, W, C] in [0, 1].
    offsets: For each time that the pixels are displaced, bool [times, H, W, 2];
      see `displace`.
    sigma: Of both blurs, static.

  Returns:
    Float [H, W, C] in [0, 1]. In between, values are truncated to levels.
  """
  blurred = levels.truncate(matrices.smooth(image, sigma))
  moved = levels.to_image(blurred, image.dtype)
  for once in offsets:
    moved = displace(moved, once)
  return matrices.smooth(moved, sigma)


def glass_blur(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Looks through glass, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  sigma, times = severities.pick(_GLASS, severity)
  bits = draws.bits(key, (times, *image.shape[:2], 1))
  # One number decides on both directions, by two of its bits.
  offsets = ((bits >> jnp.arange(2, dtype=bits.dtype)) & 1).astype(bool)
  return glass(image, offsets, sigma)


def disk(radius: float, sigma: float) -> np.ndarray:
  """Makes the kernel of a lens out of focus.

  Args:
    radius: Of the disk, at most 2.
    sigma: Of the Gaussian of 3x3 weights that smoothes its rim, > 0.

  Returns:
    float64 [7, 7], of sum 1. The generator's has 17x17 weights, all others 0;
    weights below 1e-9, which a level does not feel, are 0 here as well.
  """
  offset = np.arange(-3, 4)
  inside = offset**2 + offset[:, None] ** 2 <= radius**2
  weights = np.exp(-0.5 * np.square(np.array([-1, 0, 1]) / sigma))
  band = np.zeros((7, 7))
  for diagonal, weight in zip((-1, 0, 1), weights / weights.sum(), strict=True):
    band += weight * np.eye(7, k=diagonal)
  kernel = band @ (inside / inside.sum()) @ band
  return np.where(kernel < 1e-9, 0, kernel)


def defocus_blur(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Puts out of focus, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  return stencils.correlate(
    image, disk(*severities.pick(_DEFOCUS, severity)), mode='reflect'
  )


def zoom_blur(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Zooms while exposed, float [H, W, C] in [0, 1]; see `CORRUPTIONS`.

  The mean of the image and of magnifications by 1, 1.01, 1.02, ...: the image
  itself is among them twice.
  """
  del key  # Nothing is random here.
  factors = np.arange(1, severities.pick(_ZOOM_END, severity), 0.01)
  rows, columns = (
    jnp.asarray(
      np.stack([matrices.clipped_zoom(size, f) for f in factors]), image.dtype
    )
    for size in image.shape[:2]
  )
  highest = jax.lax.Precision.HIGHEST
  taller = jnp.einsum('fab,bcd->facd', rows, image, precision=highest)
  zoomed = jnp.einsum('facd,fec->aed', taller, columns, precision=highest)
  return (image + zoomed) / (len(factors) + 1)
