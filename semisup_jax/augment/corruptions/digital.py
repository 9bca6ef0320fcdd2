"""What is done to the numbers of an image: tones, and resolution.

Images are float [H, W, C] in [0, 1] and stay there. For those of colours C is 1
or 3 (red, green, blue); the others take any number of channels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import color
from semisup_jax.augment.corruptions import levels, severities
from semisup_jax.types import InputError

_BRIGHTNESS = (0.05, 0.1, 0.15, 0.2, 0.3)
_CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)
# Factor and summand of HSV's saturation.
_SATURATION = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))
_RESOLUTION = (0.95, 0.9, 0.85, 0.75, 0.65)


def brighten(image: jax.Array, amount: float) -> jax.Array:
  """Adds to HSV's value, and keeps hue and saturation.

  Args:
    image: Float [H, W, C] in [0, 1]; of one channel, the value is the channel.
    amount: What is added before clipping to [0, 1], >= 0.

  Returns:
    Float [H, W, C] in [0, 1].
  """
  value = jnp.max(image, axis=-1, keepdims=True)
  brighter = jnp.clip(value + amount, 0, 1)
  # Hue and saturation are ratios of the channels; black has none and turns
  # grey.
  scaled = image * (brighter / jnp.where(value > 0, value, 1))
  return jnp.clip(jnp.where(value > 0, scaled, brighter), 0, 1)


def brightness(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Brightens, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  return brighten(image, severities.pick(_BRIGHTNESS, severity))


def contrast(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Draws each channel to its mean, float [H, W, C]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  mean = jnp.mean(image, axis=(0, 1), keepdims=True)
  return color.blend(image, mean, severities.pick(_CONTRAST, severity))


def rescale_saturation(
  image: jax.Array, factor: float, summand: float
) -> jax.Array:
  """Changes HSV's saturation, and keeps hue and value.

  Args:
    image: Float [H, W, 3] in [0, 1].
    factor: Of the saturation, >= 0.
    summand: What is then added, before clipping to [0, 1], >= 0. Grey pixels
      have the hue 0 as in scikit-image, so that this makes them red.

  Returns:
    Float [H, W, 3] in [0, 1].
  """
  value = jnp.max(image, axis=-1, keepdims=True)
  chroma = value - jnp.min(image, axis=-1, keepdims=True)
  saturation = chroma / jnp.where(value > 0, value, 1)
  wanted = jnp.clip(saturation * factor + summand, 0, 1) * value
  # What each channel lacks to the value, as a fraction of the chroma.
  lacking = (value - image) / jnp.where(chroma > 0, chroma, 1)
  red = jnp.array([0, 1, 1], image.dtype)
  lacking = jnp.where(chroma > 0, lacking, red)
  return jnp.clip(value - wanted * lacking, 0, 1)


def saturate(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Changes the saturation, float [H, W, 3] in [0, 1]; see `CORRUPTIONS`.

  Raises:
    InputError: If the image has no colour.
  """
  del key  # Nothing is random here.
  if image.shape[-1] != 3:
    raise InputError(
      'saturate needs images of 3 channels, got '
      f'{image.shape[-1]}: a grey image has no colour to saturate'
    )
  return rescale_saturation(image, *severities.pick(_SATURATION, severity))


_BITS = 22  # Of the fraction in Pillow's fixed-point weights.


def box_weights(old: int, new: int) -> np.ndarray:
  """Pillow's weights for resizing one side with its filter `BOX`.

  Args:
    old: Pixels before.
    new: Pixels after.

  Returns:
    int32 [new, old], in units of 2 ** -22: each new pixel is the mean of the
    old ones whose centres it covers, or the nearest where it covers none.
  """
  scale = old / new
  support = 0.5 * max(scale, 1.0)
  centers = (np.arange(new)[:, None] + 0.5) * scale
  offset = (np.arange(old) - centers + 0.5) * (1 / max(scale, 1.0))
  first = np.maximum((centers - support + 0.5).astype(int), 0)
  end = np.minimum((centers + support + 0.5).astype(int), old)
  within = (np.arange(old) >= first) & (np.arange(old) < end)
  covered = within & (offset > -0.5) & (offset <= 0.5)
  weights = covered / covered.sum(1, keepdims=True)
  return (weights * 2**_BITS + 0.5).astype(np.int32)


def _resize_side(pixels: jax.Array, new: int, axis: int) -> jax.Array:
  """Resizes one side of int32 [H, W, C] in [0, 255], rounding to levels."""
  weights = jnp.asarray(box_weights(pixels.shape[axis], new))
  summed = jnp.moveaxis(jnp.tensordot(weights, pixels, (1, axis)), 0, axis)
  return jnp.clip((summed + 2 ** (_BITS - 1)) >> _BITS, 0, 255)


def resize_box(pixels: jax.Array, size: tuple[int, int]) -> jax.Array:
  """Resizes as Pillow's `Image.resize(..., BOX)`, to the last bit.

  Rounded after the width, and once more after the height; Pillow takes images
  about twice as tall as wide, and taller ones, the other way round.

  Args:
    pixels: int32 [H, W, C] in [0, 255].
    size: Height and width of the result, static.

  Returns:
    int32 [*size, C] in [0, 255].
  """
  return _resize_side(_resize_side(pixels, size[1], 1), size[0], 0)


def pixelate(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Lowers the resolution, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  del key  # Nothing is random here.
  resolution = severities.pick(_RESOLUTION, severity)
  height, width = image.shape[:2]
  fewer = int(height * resolution), int(width * resolution)
  small = resize_box(levels.nearest(image), fewer)
  return levels.to_image(resize_box(small, (height, width)), image.dtype)
