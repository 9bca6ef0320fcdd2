"""What a pixel takes from its neighbours and from chance: blur, sharpness,
noise.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1].
"""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import amounts, color
from semisup_jax.types import InputError


def _gaussian_band(size: int, radius: int, sigma: jax.Array) -> jax.Array:
  """Returns the blur of a padded row as a matrix, float [size, size + 2 r].

  Row i holds the kernel, whose weights sum to 1, in the columns i to i + 2 r.
  """
  offset = jnp.arange(size + 2 * radius) - jnp.arange(size)[:, None] - radius
  weight = jnp.exp(-0.5 * jnp.square(offset.astype(sigma.dtype) / sigma))
  weight = jnp.where(jnp.abs(offset) <= radius, weight, 0)
  return weight / jnp.sum(weight, axis=1, keepdims=True)


def gaussian_blur(
  image: jax.Array, sigma: jax.typing.ArrayLike, *, kernel_size: int
) -> jax.Array:
  """Blurs an image with a truncated Gaussian, mirrored at the edges.

  As torchvision's `gaussian_blur`. Two products with banded matrices instead of
  a convolution, which with one sigma an image would become a grouped one.

  Args:
    image: Float [H, W, C] in [0, 1].
    sigma: Standard deviation in pixels, a scalar > 0, may be traced.
    kernel_size: Length of the kernel in pixels, odd, static.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If the kernel size is no odd whole number.
  """
  amounts.check_number('kernel_size', kernel_size, 1)
  if not isinstance(kernel_size, int) or kernel_size % 2 == 0:
    raise InputError(
      f'kernel_size must be an odd whole number, got {kernel_size!r}'
    )
  height, width = image.shape[:2]
  radius = kernel_size // 2
  sigma = jnp.asarray(sigma, image.dtype)
  margins = ((radius, radius), (radius, radius), (0, 0))
  image = jnp.pad(image, margins, mode='reflect')
  return jnp.einsum(
    'ab,bcd,ec->aed',
    _gaussian_band(height, radius, sigma),
    image,
    _gaussian_band(width, radius, sigma),
    precision=jax.lax.Precision.HIGHEST,
  )


def random_gaussian_blur(
  key: jax.Array,
  image: jax.Array,
  min_sigma: float,
  max_sigma: float,
  p: float = 0.5,
  kernel_size: int | None = None,
) -> jax.Array:
  """Blurs an image by a random amount, with probability `p`.

  Chen et al. 2020, https://arxiv.org/abs/2002.05709, appendix A.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    min_sigma: Least standard deviation in pixels, > 0.
    max_sigma: Greatest one, >= min_sigma.
    p: The probability that the image is blurred.
    kernel_size: Length of the kernel, odd; None is the odd number next to a
      tenth of the shorter side, as in the paper, and at least 3.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_interval('sigma', (min_sigma, max_sigma), 0)
  if kernel_size is None:
    kernel_size = max(3, min(image.shape[:2]) // 10 | 1)
  key_sigma, key_coin = jax.random.split(key)
  sigma = amounts.uniform(key_sigma, image, min_sigma, max_sigma)
  blurred = gaussian_blur(image, sigma, kernel_size=kernel_size)
  return amounts.with_probability(key_coin, p, blurred, image)


def smooth(image: jax.Array) -> jax.Array:
  """Averages each pixel with its neighbours, as Pillow's `SMOOTH`.

  Args:
    image: Float [H, W, C] in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1]: a pixel weighs 5 / 13 and its eight neighbours
    1 / 13 each; the pixels of the rim, which have not eight, stay as they are.
  """
  height, width = image.shape[:2]
  padded = jnp.pad(image, ((1, 1), (1, 1), (0, 0)), mode='edge')
  rows = padded[:-2] + padded[1:-1] + padded[2:]
  box = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
  inner = np.zeros((height, width, 1), bool)
  inner[1:-1, 1:-1] = True
  return jnp.where(inner, (box + 4 * image) / 13, image)


def adjust_sharpness(
  image: jax.Array, factor: jax.typing.ArrayLike
) -> jax.Array:
  """Mixes an image with its smoothed version, as Pillow's ImageEnhance.

  Args:
    image: Float [H, W, C] in [0, 1].
    factor: A scalar >= 0; 0 gives the smoothed image, 1 changes nothing, and
      more sharpens.

  Returns:
    Float [H, W, C] in [0, 1].
  """
  return color.blend(image, smooth(image), factor)


def random_sharpness(
  key: jax.Array, image: jax.Array, amount: float, p: float = 1.0
) -> jax.Array:
  """Smoothes or sharpens an image by a random amount.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    amount: >= 0; the factor is uniform in `[max(0, 1 - amount), 1 + amount]`,
      as those of `color_jitter`.
    p: The probability that anything is changed at all.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_number('amount', amount, 0)
  key_factor, key_coin = jax.random.split(key)
  factor = amounts.uniform(key_factor, image, max(0, 1 - amount), 1 + amount)
  changed = adjust_sharpness(image, factor)
  return amounts.with_probability(key_coin, p, changed, image)


def add_noise(image: jax.Array, noise: jax.Array) -> jax.Array:
  """Adds noise, float [H, W, C], to an image of that shape; clips to [0, 1]."""
  return jnp.clip(image + noise, 0, 1)


def random_noise(key: jax.Array, image: jax.Array, std: float) -> jax.Array:
  """Adds Gaussian noise, each value of each pixel its own.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    std: Standard deviation before clipping, >= 0, the same for all images.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If `std` is negative.
  """
  amounts.check_number('std', std, 0)
  return add_noise(
    image, std * jax.random.normal(key, image.shape, image.dtype)
  )
