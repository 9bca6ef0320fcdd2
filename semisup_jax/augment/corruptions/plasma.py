"""Clouds by the diamond-square algorithm, on a torus.

Fournier, Fussell and Carpenter 1982, https://doi.org/10.1145/358523.358553.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

# Of the displacement at the coarsest level; its square, since the generator
# multiplies a uniform number of that range by it once more.
_FIRST_AMPLITUDE = 100.0**2


def _interleave(
  old: jax.Array, right: jax.Array, below: jax.Array, middle: jax.Array
) -> jax.Array:
  """Makes one grid of twice the side out of four, each float [n, n]."""
  upper = jnp.stack([old, right], axis=-1)
  lower = jnp.stack([below, middle], axis=-1)
  side = 2 * old.shape[0]
  return jnp.stack([upper, lower], axis=1).reshape(side, side)


def plasma(noise: Sequence[jax.Array], decay: float) -> jax.Array:
  """Refines a point to a square of clouds.

  Each step halves the distance of the points: one more is put into the middle
  of every square, then one into the middle of every edge, each the mean of the
  four around it and a displacement. The grid wraps around.

  Args:
    noise: Of each step, coarse to fine: the displacements of middles, of edges
      to the right and of edges below, float [3, n, n] in [-1, 1], where n is
      1, 2, 4, ...
    decay: What the displacements are divided by the square of after each step.

  Returns:
    Float [2 n, 2 n] with the last n: from 0, the least, to 1, the greatest.
  """
  grid = jnp.zeros((1, 1), noise[0].dtype)
  for step, (of_middle, of_right, of_below) in enumerate(noise):
    amplitude = _FIRST_AMPLITUDE / decay ** (2 * step)
    rows = grid + jnp.roll(grid, -1, 0)
    columns = grid + jnp.roll(grid, -1, 1)
    middle = (rows + jnp.roll(rows, -1, 1)) / 4 + amplitude * of_middle
    right = (columns + middle + jnp.roll(middle, 1, 0)) / 4
    below = (rows + middle + jnp.roll(middle, 1, 1)) / 4
    right, below = right + amplitude * of_right, below + amplitude * of_below
    # Fused over the steps, the compiler would take three times as long.
    grid = jax.lax.optimization_barrier(_interleave(grid, right, below, middle))
  grid = grid - jnp.min(grid)
  return grid / jnp.max(grid)


def random_plasma(
  key: jax.Array, size: int, decay: float, dtype: jax.typing.DTypeLike
) -> jax.Array:
  """Draws clouds.

  Args:
    key: A PRNG key.
    size: Pixels that are needed of each side, >= 2.
    decay: As for `plasma`; more is smoother.
    dtype: Of the result.

  Returns:
    `dtype` [S, S] in [0, 1], where S is the least power of 2 >= `size`.
  """
  sides = [2**step for step in range((size - 1).bit_length())]
  ends = np.cumsum([3 * side**2 for side in sides])
  # One draw for all: each more is seconds of compilation.
  noise = jax.random.uniform(key, (ends[-1],), dtype, -1, 1)
  parts = jnp.split(noise, ends[:-1])
  shapes = [(3, side, side) for side in sides]
  return plasma([*map(jnp.reshape, parts, shapes)], decay)
