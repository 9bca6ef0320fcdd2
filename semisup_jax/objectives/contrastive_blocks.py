"""Log-sum-exps over all similarities, with memory linear in the batch.

The matrix of similarities is made a tile at a time and never kept, neither for
the value nor for the gradient. As in flash attention
(https://arxiv.org/abs/2205.14135), sums are carried along with the largest
summand so far, and the backward pass makes every tile again from the embeddings
and the log-sum-exps, which are all that is saved.

The matrix is symmetric: a tile serves its rows and, transposed, its columns. So
half of the products of the forward pass are spared, and half of those that the
backward pass makes again.

Where a mesh with the axis `data` is in context (`jax.set_mesh` or, within
`jit`, `jax.sharding.use_abstract_mesh`), every device takes the tiles of its
own rows: it gathers the embeddings, [rows, dim], and what it finds about the
rows of others is added to theirs. Forward and backward pass are a `shard_map`
each, which nothing differentiates: no gradient depends on how a collective is
transposed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from semisup_jax import devices
from semisup_jax.types import DATA_AXIS


class Tiling(NamedTuple):
  """How the matrix is cut into `count` x `count` tiles.

  Attributes:
    rows: Rows there are; what fills up the last tiles comes after them.
    group: So many successive rows leave each other, and themselves, out.
    size: Rows of a tile.
    own: Tiles along the rows of one device.
    count: Tiles along all rows.
    divided: Whether over the axis `data` of the mesh in context.
  """

  rows: int
  group: int
  size: int
  own: int
  count: int
  divided: bool


def logsumexp_of_others(
  x: jax.Array, *, group: int, block_size: int
) -> jax.Array:
  """The log-sum-exp of each row's inner products with the others.

  Args:
    x: Float [rows, dim], float32 or wider.
    group: Row i leaves out the rows k with k // group == i // group: with 1
      only itself, with 2 its neighbour too. There are more than `group` rows.
    block_size: The most rows of a tile. It need not divide anything: tiles are
      made equal, and rows of zeros that fill up the last ones are masked.

  Returns:
    Float [rows], of the type of x. It has derivatives in reverse mode; JAX
    refuses `jax.jvp` of it.

  Raises:
    ValueError: If the block size is no whole number of at least 1.
  """
  whole = isinstance(block_size, int) and not isinstance(block_size, bool)
  if not whole or block_size < 1:
    raise ValueError(
      f'block_size must be a whole number, at least 1; got {block_size!r}'
    )
  rows, dim = x.shape
  number = devices.number()
  own_rows = -(-rows // number)
  own = -(-own_rows // block_size)
  size = -(-own_rows // own)
  count = own * number
  tiling = Tiling(rows, group, size, own, count, divided=number > 1)
  x = jnp.pad(x, ((0, count * size - rows), (0, 0)))
  tiles = x.reshape(count, size, dim)
  return _logsumexps(tiles, tiling).reshape(-1)[:rows]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _logsumexps(tiles: jax.Array, tiling: Tiling) -> jax.Array:
  """Of tiles [count, size, dim]: [count, size]."""
  return _forward(tiles, tiling)[0]


def _forward(tiles, tiling):
  values = _on_devices(_values, tiling, tiles)
  return values, (tiles, values)


def _backward(tiling, saved, cotangents):
  return (_on_devices(_gradients, tiling, *saved, cotangents),)


_logsumexps.defvjp(_forward, _backward)


def _on_devices(
  function: Callable[..., jax.Array], tiling: Tiling, tiles, *vectors
) -> jax.Array:
  """Calls the function on each device, with its tiles and whole vectors."""
  function = partial(function, tiling)
  if not tiling.divided:
    return function(tiles, *vectors)
  return jax.shard_map(
    function,
    in_specs=(devices.ROWS, *(devices.WHOLE for _ in vectors)),
    # A vector comes of tiles alone, and tiles of tiles and vectors.
    out_specs=devices.ROWS if vectors else devices.WHOLE,
    axis_names={DATA_AXIS},
  )(tiles, *vectors)


def _values(tiling: Tiling, tiles: jax.Array) -> jax.Array:
  tiles = _gathered(tiling, tiles)
  largest = jnp.full_like(tiles[..., 0], jnp.finfo(tiles.dtype).min)

  def add(carry, i, similarities):
    largest, sums = carry
    high = jnp.maximum(largest[i], jnp.max(similarities, axis=1))
    total = sums[i] * jnp.exp(largest[i] - high)
    total += jnp.sum(jnp.exp(similarities - high[:, None]), axis=1)
    return _put(largest, i, high), _put(sums, i, total)

  def visit(carry, i, j, similarities, both):
    carry = add(carry, i, similarities)
    return add(carry, j, similarities.T) if both else carry

  carry = largest, jnp.zeros_like(largest)
  largest, sums = _visit_tiles(visit, carry, tiling, tiles)
  if tiling.divided:
    high = lax.pmax(largest, DATA_AXIS)
    sums = lax.psum(sums * jnp.exp(largest - high), DATA_AXIS)
    largest = high
  return largest + jnp.log(sums)


def _gradients(tiling: Tiling, tiles, values, cotangents) -> jax.Array:
  tiles = _gathered(tiling, tiles)

  def visit(gradients, i, j, similarities, both):
    # Both log-sum-exps that a similarity is part of: its row's, its column's.
    of_row = jnp.exp(similarities - values[i][:, None])
    of_column = jnp.exp(similarities - values[j])
    weights = cotangents[i][:, None] * of_row + cotangents[j] * of_column
    gradient = gradients[i] + _product(weights, tiles[j])
    gradients = _put(gradients, i, gradient)
    if both:
      gradient = gradients[j] + _product(weights.T, tiles[i])
      gradients = _put(gradients, j, gradient)
    return gradients

  gradients = _visit_tiles(visit, jnp.zeros_like(tiles), tiling, tiles)
  if tiling.divided:
    gradients = lax.psum_scatter(gradients, DATA_AXIS, tiled=True)
  return gradients


def _visit_tiles(
  visit: Callable[..., Any], carry: Any, tiling: Tiling, tiles: jax.Array
) -> Any:
  """Folds `visit(carry, i, j, similarities, both)` over this device's tiles.

  Tile row i has the columns i, i + 1, ... half the way round, modulo their
  number, so that all rows, and so all devices, have equally much to do. Such a
  tile stands for its transpose too, and is visited for `both`; not so those of
  the diagonal, and those just half the way round, which are met from both ends.
  """
  first = 0
  if tiling.divided:
    first = tiling.own * lax.axis_index(DATA_AXIS)

  def fold(carry, distances, both):
    def step(k, carry):
      i = first + k // len(distances)
      j = i + distances.start + distances.step * (k % len(distances))
      j %= tiling.count
      return visit(carry, i, j, _similarities(tiling, tiles, i, j), both)

    return lax.fori_loop(0, tiling.own * len(distances), step, carry)

  half, odd = divmod(tiling.count, 2)
  for_both = range(1, half + odd)
  if for_both:
    carry = fold(carry, for_both, both=True)
  alone = range(1) if odd else range(0, half + 1, half)
  return fold(carry, alone, both=False)


def _similarities(tiling: Tiling, tiles, i, j) -> jax.Array:
  """Tile i, j, [size, size]; what is left out is the least finite number."""
  row, column = (k * tiling.size + jnp.arange(tiling.size) for k in (i, j))
  row = row[:, None]
  counts = row // tiling.group != column // tiling.group
  counts &= (row < tiling.rows) & (column < tiling.rows)
  least = jnp.finfo(tiles.dtype).min
  return jnp.where(counts, _product(tiles[i], tiles[j].T), least)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
  return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def _put(array: jax.Array, i: jax.Array, value: jax.Array) -> jax.Array:
  """Replaces array[i], in place within a loop."""
  return lax.dynamic_update_index_in_dim(array, value, i, axis=0)


def _gathered(tiling: Tiling, tiles: jax.Array) -> jax.Array:
  """The tiles of all devices, from those of one."""
  if not tiling.divided:
    return tiles
  return lax.all_gather(tiles, DATA_AXIS, tiled=True)
