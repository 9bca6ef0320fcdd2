"""What a pixel takes from its neighbours and from chance: blur, noise.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1].
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts
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
