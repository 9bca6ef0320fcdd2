"""What a channel's tones become: solarize, posterize, autocontrast, equalize.

Images are float [H, W, C] in [0, 1], with any number of channels, each treated
by itself, and stay in [0, 1]. The ops are those of Pillow's ImageOps, which
knows 256 levels; where an op is about levels, a value counts as the nearest.
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts


def _levels(image: jax.Array) -> jax.Array:
  """Returns the nearest 8-bit levels, int32 [H, W, C] in [0, 255]."""
  # More than half is added, since autocontrast puts many values right between
  # two levels, where jit and eager may round to either side.
  return jnp.clip(jnp.floor(255 * image + 0.501), 0, 255).astype(jnp.int32)


def solarize(image: jax.Array, threshold: jax.typing.ArrayLike) -> jax.Array:
  """Inverts what is brighter than a threshold.

  Args:
    image: Float [H, W, C] in [0, 1].
    threshold: A scalar in [0, 1]; 1 changes nothing. Pillow's integer threshold
      t, from which on it inverts, is `(t - 0.5) / 255` here.

  Returns:
    Float [H, W, C] in [0, 1].
  """
  return jnp.where(image > threshold, 1 - image, image)


def posterize(image: jax.Array, bits: jax.typing.ArrayLike) -> jax.Array:
  """Keeps the highest bits of the 8 of each value.

  Args:
    image: Float [H, W, C] in [0, 1].
    bits: How many, an integer scalar in [1, 8], may be traced; 8 rounds to the
      nearest level.

  Returns:
    Float [H, W, C] in [0, 1]: one of `2 ** bits` levels, rounded down to.
  """
  mask = -jnp.left_shift(1, 8 - jnp.asarray(bits, jnp.int32))
  return (_levels(image) & mask).astype(image.dtype) / 255


def autocontrast(image: jax.Array) -> jax.Array:
  """Stretches each channel to reach from 0 to 1.

  Not rounded, where Pillow rounds down to a level.

  Args:
    image: Float [H, W, C] in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1]. A channel that spans less than half a level is
    flat but for rounding, and stays as it is.
  """
  low = jnp.min(image, axis=(0, 1))
  span = jnp.max(image, axis=(0, 1)) - low
  flat = span < 0.5 / 255
  stretched = jnp.clip((image - low) / jnp.where(flat, 1, span), 0, 1)
  return jnp.where(flat, image, stretched)


def _histogram(levels: jax.Array) -> jax.Array:
  """Counts int32 [P] in [0, 255], int32 [256]."""
  return jnp.zeros(256, jnp.int32).at[levels].add(1, mode='promise_in_bounds')


def _equalize_channel(channel: jax.Array) -> jax.Array:
  """Equalizes one channel, float [H, W] in [0, 1]."""
  levels = _levels(channel)
  histogram = _histogram(levels.ravel())
  darker = jnp.cumsum(histogram) - histogram
  # Pillow's arithmetic, in whole numbers.
  step = darker[jnp.max(levels)] // 255
  table = (darker + step // 2) // jnp.maximum(step, 1)
  table = jnp.minimum(table, 255).astype(channel.dtype) / 255
  equal = table.at[levels].get(mode='promise_in_bounds')
  return jnp.where(step > 0, equal, channel)


def equalize(image: jax.Array) -> jax.Array:
  """Gives each channel's levels about equally many pixels.

  Exactly Pillow's `equalize`, as in torchvision, with what it does to small
  images: one pixel in 255 (rounded down, without the brightest level) makes a
  step. So below 255 pixels nothing happens, and at 32x32, where a step is 3 or
  4 pixels, up to a quarter of the image may become white.

  Args:
    image: Float [H, W, C] in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1], of whole levels; a channel with fewer than 255
    pixels below its brightest level stays as it is.
  """
  return jax.vmap(_equalize_channel, -1, -1)(image)


def random_solarize(
  key: jax.Array, image: jax.Array, p: float, threshold: float = 0.5
) -> jax.Array:
  """Inverts what is brighter than a threshold, with probability `p`.

  As in BYOL (Grill et al. 2020, https://arxiv.org/abs/2006.07733).

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    p: The probability.
    threshold: In [0, 1].

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_number('threshold', threshold, 0, 1)
  return amounts.with_probability(key, p, solarize(image, threshold), image)


def random_posterize(
  key: jax.Array, image: jax.Array, p: float, bits: int
) -> jax.Array:
  """Keeps the highest bits of each value, with probability `p`.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    p: The probability.
    bits: How many of 8, a whole number in [1, 8].

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_whole('bits', bits, 1, 8)
  return amounts.with_probability(key, p, posterize(image, bits), image)


def random_autocontrast(
  key: jax.Array, image: jax.Array, p: float
) -> jax.Array:
  """Stretches an image's channels, float [H, W, C], with probability `p`."""
  return amounts.with_probability(key, p, autocontrast(image), image)


def random_equalize(key: jax.Array, image: jax.Array, p: float) -> jax.Array:
  """Equalizes an image's channels, float [H, W, C], with probability `p`."""
  return amounts.with_probability(key, p, equalize(image), image)
