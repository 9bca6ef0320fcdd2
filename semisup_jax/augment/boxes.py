"""Boxes of whole pixels, centred anywhere and clipped at the border: cutout.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1]. Positions and lengths are in pixels, and integers.
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts


def stretch(
  size: int, center: jax.typing.ArrayLike, length: jax.typing.ArrayLike
) -> jax.Array:
  """Marks the part of a side that a box covers.

  Args:
    size: Of the side, static.
    center: Where the box is, int [...] in [0, size): a box of odd length has as
      many pixels on either side of it, one of even length one more before it.
    length: Of the box, int [...], >= 0. What is outside of the side is lost.

  Returns:
    bool [..., size].
  """
  start = jnp.asarray(center - length // 2)[..., None]
  length = jnp.asarray(length)[..., None]
  position = jnp.arange(size)
  return (start <= position) & (position < start + length)


def fill_box(
  image: jax.Array,
  center: tuple[jax.typing.ArrayLike, jax.typing.ArrayLike],
  lengths: tuple[jax.typing.ArrayLike, jax.typing.ArrayLike],
  *,
  fill: float,
) -> jax.Array:
  """Sets the pixels of a box to one value.

  Args:
    image: Float [H, W, C] in [0, 1].
    center: Row and column, as for `stretch`.
    lengths: Height and width of the box.
    fill: The value, in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1].
  """
  rows = stretch(image.shape[0], center[0], lengths[0])
  columns = stretch(image.shape[1], center[1], lengths[1])
  return jnp.where((rows[:, None] & columns)[..., None], fill, image)


def random_cutout(
  key: jax.Array, image: jax.Array, size: float, *, fill: float = 0.5
) -> jax.Array:
  """Greys out a box whose centre is uniform over the pixels.

  DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552; grey as in FixMatch
  (Sohn et al. 2020, https://arxiv.org/abs/2001.07685). Clipped at the border,
  so that on average less is lost than `size ** 2` of the image.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1].
    size: The box's height and width as a fraction of the image's, in [0, 1];
      rounded to whole pixels, half a pixel up.
    fill: The value in the box, in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_number('size', size, 0, 1)
  amounts.check_number('fill', fill, 0, 1)
  sides = jnp.array(image.shape[:2], jnp.int32)
  row, column = jax.random.randint(key, (2,), 0, sides, jnp.int32)
  height, width = (int(size * side + 0.5) for side in image.shape[:2])
  return fill_box(image, (row, column), (height, width), fill=fill)
