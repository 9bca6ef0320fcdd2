"""A rubber sheet: a random affine map, then a random field of displacements.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1] up to rounding. Lengths and positions are in pixels; 0 is the centre of
the first one.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from semisup_jax.augment.corruptions import draws, matrices, severities

# Greatest displacement, sigma of its smoothing, and how far the corners of the
# affine map move, each as a fraction of the shorter side.
_ELASTIC = (
  (0.0, 0.0, 0.08),
  (0.05, 0.2, 0.07),
  (0.08, 0.06, 0.06),
  (0.1, 0.04, 0.05),
  (0.1, 0.03, 0.03),
)

Fold = Callable[[jax.Array, int], jax.Array]  # (index, size) -> within it.


def mirror(index: jax.Array, size: int) -> jax.Array:
  """Mirrors at the edge pixels, which are not repeated: int32, in [0, size)."""
  return (size - 1) - jnp.abs((size - 1) - index % (2 * size - 2))


def mirror_twice(index: jax.Array, size: int) -> jax.Array:
  """Mirrors at the border, edge pixels twice: int32, in [0, size)."""
  index = index % (2 * size)
  return jnp.minimum(index, 2 * size - 1 - index)


def sample(
  image: jax.Array, rows: jax.Array, columns: jax.Array, fold: Fold
) -> jax.Array:
  """Reads an image between its pixels, bilinearly, and beyond its border.

  Args:
    image: Float [H, W, C].
    rows: Where to read, float [H', W'].
    columns: Likewise.
    fold: Where the pixels beyond the border are found.

  Returns:
    Float [H', W', C].
  """
  height, width = image.shape[:2]
  top, left = jnp.floor(rows), jnp.floor(columns)
  down, right = (rows - top)[..., None], (columns - left)[..., None]
  i, j = top.astype(jnp.int32), left.astype(jnp.int32)

  def read(i, j):
    place = fold(i, height), fold(j, width)
    return image.at[place].get(mode='promise_in_bounds')

  upper = read(i, j) * (1 - right) + read(i, j + 1) * right
  lower = read(i + 1, j) * (1 - right) + read(i + 1, j + 1) * right
  return upper * (1 - down) + lower * down


def move_corners(image: jax.Array, moves: jax.Array) -> jax.Array:
  """Maps three corners of a square about the centre to where they move.

  As OpenCV's `getAffineTransform` and `warpAffine` with the border
  `BORDER_REFLECT_101`; but OpenCV rounds the positions that it reads to 1 / 32
  pixels, which is not done here.

  Args:
    image: Float [H, W, C].
    moves: To the right and down, float [3, 2], of the corners at the lower
      right, the upper right and the upper left. The square's side is two
      thirds of the image's shorter one.

  Returns:
    Float [H, W, C].
  """
  height, width = image.shape[:2]
  side = min(height, width) // 3
  corners = jnp.array([[side, side], [side, -side], [-side, -side]])
  corner = corners + jnp.array([width // 2, height // 2])
  moved = corner + moves
  # Edges of the moved square, and what they come from: (0, 2s) and (2s, 0).
  (a, c), (b, d) = moved[0] - moved[1], moved[1] - moved[2]
  determinant = a * d - b * c
  x = jnp.arange(width, dtype=image.dtype) - moved[1, 0]
  y = jnp.arange(height, dtype=image.dtype)[:, None] - moved[1, 1]
  along_first = (d * x - b * y) / determinant
  along_second = (a * y - c * x) / determinant
  columns = corner[1, 0] + 2 * side * along_second
  rows = corner[1, 1] + 2 * side * along_first
  return sample(image, rows, columns, mirror)


def stretch(image: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
  """Reads each pixel at a displacement, as scipy's `map_coordinates`.

  Args:
    image: Float [H, W, C].
    down: Float [H, W].
    right: Likewise.

  Returns:
    Float [H, W, C]; beyond the border the image is mirrored, edges repeated.
  """
  height, width = image.shape[:2]
  rows = jnp.arange(height, dtype=image.dtype)[:, None] + down
  columns = jnp.arange(width, dtype=image.dtype) + right
  return sample(image, rows, columns, mirror_twice)


def displacements(
  noise: jax.Array, amount: float, sigma: float
) -> tuple[jax.Array, jax.Array]:
  """Smoothes noise to displacements.

  Args:
    noise: Float [2, H, W] in [-1, 1], for down and right.
    amount: What the smoothed noise is multiplied by.
    sigma: Of the Gaussian, >= 0, static.

  Returns:
    Float [H, W] downwards and to the right.
  """
  field = matrices.smooth(
    jnp.moveaxis(noise, 0, -1), sigma, truncate=3.0, mode='symmetric'
  )
  return amount * field[..., 0], amount * field[..., 1]


def elastic_transform(
  key: jax.Array, image: jax.Array, severity: int
) -> jax.Array:
  """Bends, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  side = min(image.shape[:2])
  constants = severities.pick(_ELASTIC, severity)
  amount, sigma, reach = (side * constant for constant in constants)
  key_corners, key_field = jax.random.split(key)
  moves = draws.uniform(key_corners, (3, 2), image.dtype, -reach, reach)
  moved = move_corners(image, moves)
  if not amount:
    return moved
  shape = (2, *image.shape[:2])
  noise = draws.uniform(key_field, shape, image.dtype, -1, 1)
  return stretch(moved, *displacements(noise, amount, sigma))
