"""3x3 convolutions by fewer multiplications, for a CPU.

F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray 2015,
https://arxiv.org/abs/1509.09308: maps are made in tiles of 2 x 2 pixels, each
of 4 x 4 of the images, by 16 products where the sum over the kernel has 36; or
in tiles of 4 x 4, by 36 where it has 144. What the products are of, and what is
made of them, are sums. The products of all tiles at one of the places are one
product of matrices; where there are many channels it takes most of the time.

Results differ from those of the sum by rounding: with tiles of 2 about as much
as two orders of that sum differ, with tiles of 4 up to ten times as much, which
in float32 is some 3e-6 of them.

Images, kernel and maps are [N, H, W, in], [3, 3, in, out] and [N, H, W, out];
the stride is 1 and the padding 1 on each side.
"""

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# It is faster from so many channels, in and out: of 128 it takes half to two
# thirds of the time, of 512 half. Of 64 sums take what is saved.
LEAST_CHANNELS = 128

# A network has many convolutions of one shape, each of hundreds of operations.
_traced_once = functools.partial(jax.jit, static_argnums=0)


class _Transforms(NamedTuple):
  """Of lines of tiles of m pixels; of whole tiles by row, and then by column.

  Attributes:
    images: [m + 2, m + 2], of the pixels that a tile is made of.
    kernel: [m + 2, 3].
    maps: [m, m + 2], of the products.
  """

  images: np.ndarray
  kernel: np.ndarray
  maps: np.ndarray


_OF_TILES = {
  2: _Transforms(
    np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]),
    np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2,
    np.array([[1, 1, 1, 0], [0, 1, -1, -1]]),
  ),
  4: _Transforms(
    np.array(
      [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
      ]
    ),
    np.array(
      [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]
    )
    / 24,
    np.array(
      [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
      ]
    ),
  ),
}


def is_faster(
  images: Any,
  kernel: Any,
  strides: Sequence[int],
  padding: Sequence[tuple[int, int]],
) -> bool:
  """Whether a convolution can be made so, and is faster then.

  Args:
    images: Has the shape and dtype, as has `kernel`.
    kernel: See `images`.
    strides: By rows and by columns.
    padding: Pixels before and after, by rows and by columns.
  """
  return (
    kernel.shape[:2] == (3, 3)
    and min(kernel.shape[2:]) >= LEAST_CHANNELS
    and tuple(strides) == (1, 1)
    and all(tuple(pads) == (1, 1) for pads in padding)
    # Sums of a narrower type would lose too much.
    and images.dtype in (jnp.float32, jnp.float64)
  )


@_traced_once
def convolve(precision: Any, images: jax.Array, kernel: jax.Array) -> jax.Array:
  """The maps; `precision` is that of the products, as of `lax.dot`."""
  return _convolved('pi,io->po', precision, images, kernel)


@_traced_once
def images_gradient(
  precision: Any, images: jax.Array, kernel: jax.Array, slopes: jax.Array
) -> jax.Array:
  """The maps' slopes as slopes of the images.

  They are the slopes convolved with the kernel upside down.
  """
  del images  # It is linear in them.
  return _convolved('po,io->pi', precision, slopes, kernel[::-1, ::-1])


@_traced_once
def kernel_gradient(
  precision: Any, images: jax.Array, slopes: jax.Array
) -> jax.Array:
  """The maps' slopes as slopes of the kernel."""
  tile = _tile(images)
  transforms = _OF_TILES[tile]
  slopes = _whole(tile, slopes, 0)
  of_slopes = _sums(
    transforms.maps.T, [slopes[:, i::tile] for i in range(tile)]
  )
  found = []
  for row, slopes_row in zip(_rows(tile, images), of_slopes, strict=True):
    slopes_row = lax.optimization_barrier(slopes_row)
    tiles = [slopes_row[:, :, i::tile] for i in range(tile)]
    products = _products(
      'pi,po->io',
      _columns(tile, row),
      _sums(transforms.maps.T, tiles),
      precision,
    )
    found.append(_sums(transforms.kernel.T, products))
  columns = [
    jnp.stack(_sums(transforms.kernel.T, c)) for c in zip(*found, strict=True)
  ]
  return jnp.stack(columns, 1)


def _tile(images: Any) -> int:
  """Pixels a side of a tile: 4, where they are not mostly padding."""
  return 4 if all(n > 4 and n % 4 == 0 for n in images.shape[1:3]) else 2


def _convolved(equation: str, precision, images, kernel) -> jax.Array:
  """Maps, one row of a tile's places after the other.

  What is made of a row is then still in the cache for what reads it next.
  """
  tile = _tile(images)
  transforms = _OF_TILES[tile]
  kernels = _sums(transforms.kernel, list(kernel))
  halves = []
  for row, others in zip(_rows(tile, images), kernels, strict=True):
    products = _products(
      equation,
      _columns(tile, row),
      _sums(transforms.kernel, list(others)),
      precision,
    )
    halves.append(lax.optimization_barrier(_sums(transforms.maps, products)))
  count, rows, columns, _ = images.shape
  shape = count, -(-rows // tile), -(-columns // tile), -1
  pixels = [
    jnp.stack([x.reshape(shape) for x in _sums(transforms.maps, half)], 2)
    for half in zip(*halves, strict=True)
  ]
  maps = jnp.stack(pixels, 4)
  whole = maps.reshape(count, tile * maps.shape[1], tile * maps.shape[3], -1)
  return whole[:, :rows, :columns]


def _rows(tile: int, images: jax.Array) -> list[jax.Array]:
  """Sums over the rows of pixels of each tile, each [N, rows, W + 2, in]."""
  padded = _whole(tile, images, 1)
  rows = padded.shape[1] - 2
  return [
    lax.optimization_barrier(row)
    for row in _sums(
      _OF_TILES[tile].images,
      [padded[:, i : i + rows : tile] for i in range(tile + 2)],
    )
  ]


def _columns(tile: int, row: jax.Array) -> list[jax.Array]:
  """Sums over columns, of those over rows, each [N, rows, columns, in]."""
  columns = row.shape[2] - 2
  return _sums(
    _OF_TILES[tile].images,
    [row[:, :, i : i + columns : tile] for i in range(tile + 2)],
  )


def _sums(matrix: np.ndarray, arrays: Sequence[jax.Array]) -> list[jax.Array]:
  """A matrix times a vector of arrays, but for what is zero."""
  return [
    functools.reduce(
      operator.add,
      (
        x if factor == 1 else float(factor) * x
        for factor, x in zip(row, arrays, strict=True)
        if factor
      ),
    )
    for row in matrix
  ]


def _whole(tile: int, images: jax.Array, before: int) -> jax.Array:
  """Pads to whole tiles, and by `before` more on each side."""
  rows, columns = (
    (before, before + -size % tile) for size in images.shape[1:3]
  )
  return jnp.pad(images, ((0, 0), rows, columns, (0, 0)))


def _products(
  equation: str,
  of_tiles: Sequence[jax.Array],
  others: Sequence[jax.Array],
  precision: Any,
) -> list[jax.Array]:
  """A product of matrices at each place; a row of one is a tile."""
  matrices = [
    [x.reshape(-1, x.shape[-1]) for x in arrays]
    for arrays in (of_tiles, others)
  ]
  # Or XLA computes sums again, in the order in which a product reads them.
  left, right = lax.optimization_barrier(matrices)
  return lax.optimization_barrier(
    [
      jnp.einsum(equation, a, b, precision=precision)
      for a, b in zip(left, right, strict=True)
    ]
  )
