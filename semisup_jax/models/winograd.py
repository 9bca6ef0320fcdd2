"""3x3 convolutions by fewer multiplications, for a CPU.

F(2x2, 3x3) of Lavin and Gray 2015, https://arxiv.org/abs/1509.09308: maps are
made in tiles of 2 x 2 pixels, each of 4 x 4 of the images, by 16 products where
the sum over the kernel has 36. What the products are of, and what is made of
them, are sums and differences. The products of all tiles at one of the 16
places are one product of matrices; where there are many channels it takes most
of the time. Results differ from those of the sum by rounding, about as much as
two orders of that sum differ.

Images, kernel and maps are [N, H, W, in], [3, 3, in, out] and [N, H, W, out];
the stride is 1 and the padding 1 on each side.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# It is faster from so many channels, in and out, and for maps of so many pixels
# a side: of 128 and 16 it takes four fifths of the time, of 512 and 4 half.
LEAST_CHANNELS = 128
MOST_PIXELS = 16

# Arrays by row and column.
Grid = Sequence[Sequence[jax.Array]]


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
    and max(images.shape[1:3]) <= MOST_PIXELS
    and tuple(strides) == (1, 1)
    and all(tuple(pads) == (1, 1) for pads in padding)
    # Sums of a narrower type would lose too much.
    and images.dtype in (jnp.float32, jnp.float64)
  )


def convolve(precision: Any, images: jax.Array, kernel: jax.Array) -> jax.Array:
  """The maps; `precision` is that of the products, as of `lax.dot`."""
  products = _products(
    'pi,io->po', _of_images(images), _of_kernel(kernel), precision
  )
  return _maps(products, images.shape)


def images_gradient(
  precision: Any, images: jax.Array, kernel: jax.Array, slopes: jax.Array
) -> jax.Array:
  """The maps' slopes as slopes of the images.

  They are the slopes convolved with the kernel upside down, whose transform is
  that of the kernel in another order.
  """
  order = 3, 1, 2, 0
  kernels = _of_kernel(kernel)
  turned = [[kernels[i][j] for j in order] for i in order]
  products = _products('po,io->pi', _of_images(slopes), turned, precision)
  return _maps(products, images.shape)


def kernel_gradient(
  precision: Any, images: jax.Array, slopes: jax.Array
) -> jax.Array:
  """The maps' slopes as slopes of the kernel."""
  slopes = _even(slopes, 0)
  tiles = _both(
    lambda a, b: (a, a + b, a - b, -b),
    [[slopes[:, i::2, j::2] for j in range(2)] for i in range(2)],
  )
  products = _products('pi,po->io', _of_images(images), tiles, precision)

  def adjoint(a, b, c, d):
    half = (b + c) / 2
    return a + half, (b - c) / 2, half + d

  return jnp.stack([jnp.stack(row) for row in _both(adjoint, products)])


def _both(transform: Callable[..., Sequence[jax.Array]], grid: Grid) -> Grid:
  """A transform of each row of a grid, and then of each column."""
  columns = zip(*(transform(*row) for row in grid), strict=True)
  return list(zip(*(transform(*column) for column in columns), strict=True))


def _even(images: jax.Array, before: int) -> jax.Array:
  """Pads to an even number of pixels, and by `before` more on each side."""
  rows, columns = ((before, before + size % 2) for size in images.shape[1:3])
  return jnp.pad(images, ((0, 0), rows, columns, (0, 0)))


def _of_images(images: jax.Array) -> Grid:
  """4 x 4 sums of each tile's pixels, each [N, rows, columns, in]."""
  padded = _even(images, 1)
  rows, columns = (size - 2 for size in padded.shape[1:3])
  return _both(
    lambda a, b, c, d: (a - c, b + c, c - b, b - d),
    [
      [padded[:, i : i + rows : 2, j : j + columns : 2] for j in range(4)]
      for i in range(4)
    ],
  )


def _of_kernel(kernel: jax.Array) -> Grid:
  """4 x 4 sums of the kernel's pixels, each [in, out]."""

  def transform(a, b, c):
    half = (a + c) / 2
    return a, half + b / 2, half - b / 2, c

  return _both(transform, [list(row) for row in kernel])


def _products(equation: str, of_tiles: Grid, others: Grid, precision) -> Grid:
  """A product of matrices at each place; a row of one is a tile."""
  matrices = [
    [[x.reshape(-1, x.shape[-1]) for x in row] for row in grid]
    for grid in (of_tiles, others)
  ]
  # Or XLA computes sums again, in the order in which a product reads them.
  left, right = lax.optimization_barrier(matrices)
  return [
    [
      jnp.einsum(equation, a, b, precision=precision)
      for a, b in zip(*rows, strict=True)
    ]
    for rows in zip(left, right, strict=True)
  ]


def _maps(products: Grid, shape: Sequence[int]) -> jax.Array:
  """The maps of the products of tiles, of images of some shape."""
  count, rows, columns, _ = shape
  tiles = _both(
    lambda a, b, c, d: (a + b + c, b - c - d),
    [
      [x.reshape(count, -(-rows // 2), -(-columns // 2), -1) for x in row]
      for row in products
    ],
  )
  maps = jnp.stack([jnp.stack(row, 3) for row in tiles], 2)
  whole = maps.reshape(count, 2 * maps.shape[1], 2 * maps.shape[3], -1)
  return whole[:, :rows, :columns]
