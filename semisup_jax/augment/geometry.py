"""Where a pixel goes: crops, flips, affine maps.

Every function takes one image, float [H, W, C], with any number of channels
and any two sides. A new pixel is a weighted average of old ones (or the fill),
so the range of the values is kept, up to rounding. Lengths are in pixels and
positions are those of pixel edges: an image spans [0, H] x [0, W].
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts
from semisup_jax.types import InputError


def resized_crop(
  image: jax.Array,
  top: jax.typing.ArrayLike,
  left: jax.typing.ArrayLike,
  height: jax.typing.ArrayLike,
  width: jax.typing.ArrayLike,
  *,
  size: tuple[int, int],
) -> jax.Array:
  """Cuts a box out of an image and resizes it, antialiased.

  The triangle filter of Pillow's `Image.resize(size, BILINEAR, box=box)`, as
  two matrix products, one a side; the box need not be whole pixels.

  Args:
    image: Float [H, W, C].
    top: The box's upper edge, a scalar in [0, H).
    left: The box's left edge, a scalar in [0, W).
    height: The box's height, with `top + height <= H`.
    width: The box's width, with `left + width <= W`.
    size: Height and width of the result, static.

  Returns:
    Float [*size, C].
  """
  box = jnp.asarray([[top, left], [height, width]], image.dtype)
  scale = jnp.asarray(size, image.dtype) / box[1]
  return jax.image.scale_and_translate(
    image,
    (*size, image.shape[2]),
    (0, 1),
    scale,
    -box[0] * scale,
    method='linear',
    antialias=True,
    precision=jax.lax.Precision.HIGHEST,
  )


def random_resized_crop(
  key: jax.Array,
  image: jax.Array,
  min_scale: float,
  max_scale: float,
  *,
  ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> jax.Array:
  """Cuts out a box of random area and shape and resizes it to the image's size.

  The crop of Inception (Szegedy et al. 2014, https://arxiv.org/abs/1409.4842)
  as in torchvision, with two differences: the box is real-valued, and nothing
  is rejected. The area is uniform in the given range; the logarithm of the
  aspect ratio is uniform over what of the given range fits into the image (the
  ratio nearest to it where none does), so the area is always the one drawn.

  Args:
    key: A PRNG key.
    image: Float [H, W, C].
    min_scale: The least area, as a fraction of the image's, in (0, 1].
    max_scale: The greatest area, in [min_scale, 1].
    ratio: Least and greatest width over height, in pixels.

  Returns:
    Float [H, W, C].

  Raises:
    InputError: If a range is empty or out of bounds.
  """
  amounts.check_interval('scale', (min_scale, max_scale), 0, 1)
  amounts.check_interval('ratio', ratio, 0)
  side_h, side_w = image.shape[:2]
  key_area, key_ratio, key_box = jax.random.split(key, 3)
  fraction = amounts.uniform(key_area, image, min_scale, max_scale)
  # Both sides fit if fraction * W / H <= ratio <= W / (fraction * H).
  fits = jnp.array([fraction, 1 / fraction]) * (side_w / side_h)
  log_ratio = jnp.log(jnp.clip(jnp.array(ratio, image.dtype), *fits))
  aspect = jnp.exp(amounts.uniform(key_ratio, image, *log_ratio))
  area = fraction * (side_h * side_w)
  height = jnp.minimum(jnp.sqrt(area / aspect), side_h)
  width = jnp.minimum(jnp.sqrt(area * aspect), side_w)
  down, right = amounts.uniform(key_box, image, 0, 1, (2,))
  return resized_crop(
    image,
    down * (side_h - height),
    right * (side_w - width),
    height,
    width,
    size=(side_h, side_w),
  )


def padded_crop(
  image: jax.Array,
  top: jax.typing.ArrayLike,
  left: jax.typing.ArrayLike,
  padding: int,
  *,
  mode: str = 'constant',
) -> jax.Array:
  """Pads an image on all sides and cuts its own size out again.

  Args:
    image: Float [H, W, C].
    top: First row that is kept, an integer in [0, 2 * padding].
    left: First column that is kept, likewise; `padding` is the image itself.
    padding: Pixels added on each of the four sides, static.
    mode: 'constant' (zeros) or 'reflect' (mirrored, edge not repeated).

  Returns:
    Float [H, W, C].

  Raises:
    InputError: If the padding is no whole number, or the mode unknown.
  """
  amounts.check_choice('mode', mode, ('constant', 'reflect'))
  amounts.check_number('padding', padding, 0)
  if not isinstance(padding, int):
    raise InputError(f'padding must be a whole number, got {padding!r}')
  margins = ((padding, padding), (padding, padding), (0, 0))
  padded = jnp.pad(image, margins, mode=mode)
  corner = jnp.asarray([top, left, 0], jnp.int32)
  return jax.lax.dynamic_slice(padded, corner, image.shape)


def random_crop(
  key: jax.Array, image: jax.Array, padding: int, *, mode: str = 'constant'
) -> jax.Array:
  """Pads an image and cuts its own size out at a random place.

  Args:
    key: A PRNG key.
    image: Float [H, W, C].
    padding: Pixels added on each side, and the largest shift either way.
    mode: As for `padded_crop`.

  Returns:
    Float [H, W, C].

  Raises:
    InputError: If the padding is no whole number, or the mode unknown.
  """
  amounts.check_number('padding', padding, 0)
  corner = jax.random.randint(key, (2,), 0, 2 * padding + 1, jnp.int32)
  return padded_crop(image, corner[0], corner[1], padding, mode=mode)


def flip_left_right(image: jax.Array) -> jax.Array:
  """Mirrors an image, float [H, W, C], left to right."""
  return image[:, ::-1]


def random_flip_left_right(
  key: jax.Array, image: jax.Array, p: float = 0.5
) -> jax.Array:
  """Mirrors an image, float [H, W, C], with probability `p`."""
  return amounts.with_probability(key, p, flip_left_right(image), image)
