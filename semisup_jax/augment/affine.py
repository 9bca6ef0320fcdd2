"""Rotation, scale, shear and translation, in one resampling.

Images are float [H, W, C] of any number of channels. A new pixel is a weighted
average of four old ones or the fill, so the range of the values is kept, up to
rounding.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts


def sample_bilinear(
  image: jax.Array, rows: jax.Array, columns: jax.Array, fill: float
) -> jax.Array:
  """Reads an image between its pixels.

  Args:
    image: Float [H, W, C].
    rows: Where to read, float [H', W']; 0 is the centre of the first row.
    columns: Likewise, float [H', W'].
    fill: What lies outside; a border pixel fades into it over one pixel, as
      in torch's `grid_sample` and scipy's mode 'grid-constant'.

  Returns:
    Float [H', W', C].
  """
  height, width = image.shape[:2]
  padded = jnp.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=fill)
  # In the padded image, where everything beyond the rim reads the rim.
  rows = jnp.clip(rows + 1, 0, height + 1)
  columns = jnp.clip(columns + 1, 0, width + 1)
  top = jnp.clip(jnp.floor(rows), 0, height)
  left = jnp.clip(jnp.floor(columns), 0, width)
  down, right = (rows - top)[..., None], (columns - left)[..., None]
  i, j = top.astype(jnp.int32), left.astype(jnp.int32)

  def read(i, j):
    return padded.at[i, j].get(mode='promise_in_bounds')

  upper = read(i, j) * (1 - right) + read(i, j + 1) * right
  lower = read(i + 1, j) * (1 - right) + read(i + 1, j + 1) * right
  return upper * (1 - down) + lower * down


def warp(
  image: jax.Array,
  matrix: Sequence[Sequence[jax.typing.ArrayLike]],
  translation: jax.typing.ArrayLike,
  *,
  fill: float = 0.0,
) -> jax.Array:
  """Reads an image through a linear map about its centre, then shifts it.

  Args:
    image: Float [H, W, C].
    matrix: From (row, column) of a new pixel, relative to the centre, to where
      it comes from: two rows of two scalars. Not antialiased.
    translation: How far down and to the right, float [2], as fractions of
      the height and of the width.
    fill: The value of what was outside the image.

  Returns:
    Float [H, W, C].
  """
  height, width = image.shape[:2]
  down, right = jnp.asarray(translation, image.dtype)
  center_y, center_x = (height - 1) / 2, (width - 1) / 2
  y = jnp.arange(height, dtype=image.dtype)[:, None] - center_y - down * height
  x = jnp.arange(width, dtype=image.dtype)[None, :] - center_x - right * width
  (y_of_y, y_of_x), (x_of_y, x_of_x) = matrix
  source_y = y_of_y * y + y_of_x * x
  source_x = x_of_y * y + x_of_x * x
  return sample_bilinear(image, source_y + center_y, source_x + center_x, fill)


def affine(
  image: jax.Array,
  rotation: jax.typing.ArrayLike,
  scale: jax.typing.ArrayLike,
  shear: jax.typing.ArrayLike,
  translation: jax.typing.ArrayLike,
  *,
  fill: float = 0.0,
) -> jax.Array:
  """Shears, scales and rotates an image about its centre, then shifts it.

  Signs and order are those of torchvision's `affine` with one shear angle.

  Args:
    image: Float [H, W, C].
    rotation: Degrees, clockwise, a scalar.
    scale: Factor, > 0; above 1 magnifies. Shrinking is not antialiased.
    shear: Degrees in (-90, 90), a scalar: a row moves to the left by the
      tangent times its distance below the centre.
    translation: How far down and to the right, float [2], as fractions of
      the height and of the width.
    fill: The value of what was outside the image.

  Returns:
    Float [H, W, C].
  """
  angle = jnp.deg2rad(jnp.asarray(rotation, image.dtype))
  slant = jnp.tan(jnp.deg2rad(jnp.asarray(shear, image.dtype)))
  scale = jnp.asarray(scale, image.dtype)
  cos, sin = jnp.cos(angle) / scale, jnp.sin(angle) / scale
  # From a pixel of the result back to where it comes from.
  matrix = ((cos, -sin), (sin + slant * cos, cos - slant * sin))
  return warp(image, matrix, translation, fill=fill)


def random_affine(
  key: jax.Array,
  image: jax.Array,
  rotation: float,
  scale: tuple[float, float],
  shear: float,
  translation: float,
  *,
  fill: float = 0.0,
) -> jax.Array:
  """Turns, scales, shears and shifts an image by random amounts.

  Args:
    key: A PRNG key.
    image: Float [H, W, C].
    rotation: Largest angle either way, degrees in [0, 180].
    scale: Least and greatest factor, > 0.
    shear: Largest angle either way, degrees in [0, 89].
    translation: Largest shift either way, a fraction of each side in [0, 1].
    fill: The value of what was outside the image, in [0, 1].

  Returns:
    Float [H, W, C].

  Raises:
    InputError: If an amount is out of its range.
  """
  amounts.check_number('rotation', rotation, 0, 180)
  amounts.check_interval('scale', scale, 0)
  amounts.check_number('shear', shear, 0, 89)
  amounts.check_number('translation', translation, 0, 1)
  amounts.check_number('fill', fill, 0, 1)
  key_scale, key_rest = jax.random.split(key)
  turn, slant, down, right = amounts.uniform(key_rest, image, -1, 1, (4,))
  return affine(
    image,
    turn * rotation,
    amounts.uniform(key_scale, image, *scale),
    slant * shear,
    jnp.stack([down, right]) * translation,
    fill=fill,
  )
