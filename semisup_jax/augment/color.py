"""What a pixel's value becomes: brightness, contrast, saturation, hue, grey.

Images are float [H, W, C] in [0, 1] with one channel or three (red, green,
blue), and stay in [0, 1]; only `normalize` leaves it. The adjustments are those
of Pillow's ImageEnhance and of torchvision: a mixture of the image with
something duller, by a factor >= 0 where 0 is all dull and 1 changes nothing.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import amounts
from semisup_jax.types import InputError

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow.


def _has_color(image: jax.Array) -> bool:
  """Returns whether there are three channels, not one; raises on others."""
  channels = image.shape[-1]
  if channels not in (1, 3):
    raise ValueError(f'an image has 1 or 3 channels, got {channels}')
  return channels == 3


def _luma(image: jax.Array) -> jax.Array:
  """Returns the grey value of each pixel, float [H, W, 1]."""
  if not _has_color(image):
    return image
  red, green, blue = jnp.split(image, 3, axis=-1)
  return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue


def blend(
  image: jax.Array, dull: jax.typing.ArrayLike, factor: jax.typing.ArrayLike
) -> jax.Array:
  """Moves from something dull to the image, and beyond.

  Args:
    image: Float [H, W, C] in [0, 1].
    dull: What factor 0 gives, of a shape that broadcasts to the image's.
    factor: A scalar >= 0; 1 gives the image.

  Returns:
    Float [H, W, C], clipped to [0, 1].
  """
  factor = jnp.asarray(factor, image.dtype)
  return jnp.clip(factor * image + (1 - factor) * dull, 0, 1)


def adjust_brightness(
  image: jax.Array, factor: jax.typing.ArrayLike
) -> jax.Array:
  """Multiplies an image, float [H, W, C] in [0, 1], and clips; 0 is black."""
  return blend(image, 0, factor)


def adjust_contrast(
  image: jax.Array, factor: jax.typing.ArrayLike
) -> jax.Array:
  """Mixes an image with its mean grey value.

  Args:
    image: Float [H, W, C] in [0, 1].
    factor: A scalar >= 0; 0 gives a flat grey image.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  return blend(image, jnp.mean(_luma(image)), factor)


def adjust_saturation(
  image: jax.Array, factor: jax.typing.ArrayLike
) -> jax.Array:
  """Mixes an image with its grey version.

  Args:
    image: Float [H, W, C] in [0, 1]; with one channel it stays as it is.
    factor: A scalar >= 0; 0 gives the grey image.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  return blend(image, _luma(image), factor)


def adjust_hue(image: jax.Array, shift: jax.typing.ArrayLike) -> jax.Array:
  """Turns the hue of every pixel, keeping HSV's saturation and value.

  Args:
    image: Float [H, W, 3] in [0, 1], or [H, W, 1], which has no hue and stays.
    shift: A scalar in turns; 1/3 makes red green, and 1 changes nothing.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  if not _has_color(image):
    return image
  red, green, blue = image[..., 0], image[..., 1], image[..., 2]
  value = jnp.max(image, axis=-1)
  chroma = value - jnp.min(image, axis=-1)
  safe = jnp.where(chroma > 0, chroma, 1)
  # The hue in sixths of a turn, from the channel that is largest. Compared with
  # >=, which near a tie may go either way: the branches agree there, whereas
  # `value == red` can fail for all three channels once XLA fuses and rounds
  # the two sides differently.
  sixths = jnp.where(
    red >= jnp.maximum(green, blue),
    (green - blue) / safe,
    jnp.where(green >= blue, 2 + (blue - red) / safe, 4 + (red - green) / safe),
  )
  sixths = sixths + 6 * jnp.asarray(shift, image.dtype)
  # Distance from each channel's opposite hue, by way of HSV's hexagon.
  phase = sixths[..., None] + jnp.array([5, 3, 1], image.dtype)
  phase = phase - 6 * jnp.floor(phase / 6)  # On CPU much faster than phase % 6.
  removed = jnp.clip(jnp.minimum(phase, 4 - phase), 0, 1)
  return jnp.clip(value[..., None] - chroma[..., None] * removed, 0, 1)


def color_jitter(
  key: jax.Array,
  image: jax.Array,
  brightness: float,
  contrast: float,
  saturation: float,
  hue: float,
  p: float = 1.0,
) -> jax.Array:
  """Changes brightness, contrast, saturation and hue in a random order.

  As in torchvision's `ColorJitter`: the factors are uniform in
  `[max(0, 1 - amount), 1 + amount]`, the hue's shift in `[-hue, hue]`. What has
  the amount 0 is left out; so are saturation and hue of one channel.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1], one channel or three.
    brightness: Amount, >= 0.
    contrast: Amount, >= 0.
    saturation: Amount, >= 0.
    hue: Amount in turns, in [0, 0.5].
    p: The probability that anything is changed at all.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
    ValueError: If the image has neither one channel nor three.
  """
  amounts.check_number('brightness', brightness, 0)
  amounts.check_number('contrast', contrast, 0)
  amounts.check_number('saturation', saturation, 0)
  amounts.check_number('hue', hue, 0, 0.5)
  adjustments = [
    (adjust_brightness, max(0, 1 - brightness), 1 + brightness),
    (adjust_contrast, max(0, 1 - contrast), 1 + contrast),
    (adjust_saturation, max(0, 1 - saturation), 1 + saturation),
    (adjust_hue, -hue, hue),
  ]
  if not _has_color(image):
    adjustments = adjustments[:2]
  adjustments = [(f, low, high) for f, low, high in adjustments if low < high]
  key_amounts, key_order, key_coin = jax.random.split(key, 3)
  ops = []
  for position, (adjust, low, high) in enumerate(adjustments):
    key_amount = jax.random.fold_in(key_amounts, position)
    amount = amounts.uniform(key_amount, image, low, high)
    ops.append(lambda image, f=adjust, amount=amount: f(image, amount))
  # One switch a place in the order: under vmap a switch computes all its
  # branches, so 4 of 4 is better than one of all the 24 orders.
  order = jax.random.permutation(key_order, len(ops))
  changed = image
  for place in range(len(ops)):
    changed = jax.lax.switch(order[place], ops, changed)
  return amounts.with_probability(key_coin, p, changed, image)


def grayscale(image: jax.Array) -> jax.Array:
  """Takes the colour out of an image and keeps its channels.

  Args:
    image: Float [H, W, C] in [0, 1], one channel or three.

  Returns:
    Float [H, W, C] in [0, 1], all channels alike.

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  return jnp.broadcast_to(_luma(image), image.shape)


def random_grayscale(key: jax.Array, image: jax.Array, p: float) -> jax.Array:
  """Takes the colour out of an image, float [H, W, C], with probability `p`."""
  return amounts.with_probability(key, p, grayscale(image), image)


def normalize(
  image: jax.Array,
  mean: float | Sequence[float],
  std: float | Sequence[float],
) -> jax.Array:
  """Subtracts the mean and divides by the standard deviation.

  Args:
    image: Float [H, W, C] in [0, 1].
    mean: A static number, or one a channel, in the image's units.
    std: Likewise, > 0.

  Returns:
    Float [H, W, C], of no particular range.

  Raises:
    InputError: If the statistics are neither one number nor one a channel, or
      a standard deviation is not positive.
  """
  mean, std = np.asarray(mean, image.dtype), np.asarray(std, image.dtype)
  channels = image.shape[-1]
  for statistic in (mean, std):
    if statistic.shape not in ((), (1,), (channels,)):
      raise InputError(
        f'mean and std must be one number or {channels}, one a channel, got '
        f'shapes {mean.shape} and {std.shape}'
      )
  if not (np.all(np.isfinite(mean)) and np.all(std > 0)):
    raise InputError(
      f'mean must be finite and std positive, got {mean.tolist()} and '
      f'{std.tolist()}'
    )
  return (image - mean) / std
