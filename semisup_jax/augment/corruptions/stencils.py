"""Weighted sums of a pixel's neighbours, with one small kernel for all images.

Images are [H, W, C], float or int32, with any number of channels.
"""

import jax
import jax.numpy as jnp
import numpy as np


def shift(image: jax.Array, down: int, right: int, margin: int) -> jax.Array:
  """Reads a padded image at each pixel's neighbour.

  Args:
    image: [H + 2 m, W + 2 m, ...], of an [H, W, ...] padded by m on each side.
    down: Which neighbour, in [-m, m], static; 1 is the pixel below.
    right: Likewise; 1 is the pixel to the right.
    margin: m.

  Returns:
    [H, W, ...].
  """
  height, width = (size - 2 * margin for size in image.shape[:2])
  top, left = margin + down, margin + right
  return image[top : top + height, left : left + width]


def pad(image: jax.Array, margin: int, mode: str) -> jax.Array:
  """Pads an image, [H, W, ...], on four sides; `mode` as numpy's `pad`."""
  margins = [(margin, margin)] * 2 + [(0, 0)] * (image.ndim - 2)
  return jnp.pad(image, margins, mode=mode)


def correlate(
  image: jax.Array, kernel: np.ndarray, *, mode: str = 'reflect'
) -> jax.Array:
  """Sums each pixel's neighbours with the weights of a kernel.

  As OpenCV's `filter2D`. A sum of shifted images instead of a convolution,
  which is faster on a CPU for kernels with few weights; zeros cost nothing.

  Args:
    image: [H, W, C], float or int32.
    kernel: The weights, static, [2 m + 1, 2 m + 1] with m < min(H, W), whole
      numbers if the image is int32. Its centre is at the pixel itself; it is
      not mirrored.
    mode: What lies beyond the border, as numpy's `pad` calls it; 'reflect', the
      default of OpenCV, does not repeat the edge, 'edge' does.

  Returns:
    [H, W, C] of the image's dtype.
  """
  margin = kernel.shape[0] // 2
  padded = pad(image, margin, mode)
  return sum(
    jnp.asarray(kernel[i, j], image.dtype)
    * shift(padded, int(i) - margin, int(j) - margin, margin)
    for i, j in np.argwhere(kernel)
  )
