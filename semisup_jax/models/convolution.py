"""Convolution, in the way that the machine at hand is fastest at.

On a CPU the kernel's gradient is summed over parts of the batch. That gradient
is a convolution too, with the channels of the images in the place
of the batch. XLA transposes the images for it, and fuses into that what they
were made of: of a large batch in strides that miss the cache, element by
element. Of a few images at a time all of it stays in the cache. A convolution
of single pixels is a product of matrices, and so is its gradient; and where
maps are small, a larger kernel's gradient is one product for each of its
pixels, as much of the convolution would be padding. Of many channels
`winograd` makes the maps of a 3x3 kernel, and both gradients.

On an accelerator a library's convolution is hard to beat, but for single pixels
in strides: it writes a gradient of the images that is zero in between, for the
next operation to read, where that of a product is as small as the maps.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from semisup_jax import devices
from semisup_jax.models import winograd

# What of the images a part has, about: half of the cache of a core.
PART_BYTES = 2**19
# Maps of so many pixels a side are small: of 4 the products take two thirds of
# the convolution's time, of 8 as long, of 16 twice as long.
SMALL = 4

# Of images, kernel and maps: NHWC, HWIO, NHWC.
CHANNELS_LAST = lax.ConvDimensionNumbers(
  (0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)
)

# Images and kernel to maps.
Apply = Callable[[jax.Array, jax.Array], jax.Array]


def convolve(
  images: jax.Array,
  kernel: jax.Array,
  window_strides: Any,
  padding: Any,
  **more: Any,
) -> jax.Array:
  """`lax.conv_general_dilated`, in a faster way where there is one.

  What it gives differs by rounding alone. On a CPU it has derivatives in
  reverse mode alone: JAX refuses `jax.jvp` of it there. Where a mesh with the
  axis `data` is in context, every device sums over its own images.

  Args:
    images: Float [N, ...].
    kernel: Float.
    window_strides: See `lax`.
    padding: See `lax`.
    **more: See `lax`.
  """
  apply = functools.partial(
    lax.conv_general_dilated,
    window_strides=window_strides,
    padding=padding,
    **more,
  )
  is_plain = _is_plain(images, kernel, **more)
  precision = more.get('precision')
  if jax.default_backend() != 'cpu':
    if is_plain and _is_product(kernel, padding) and max(window_strides) > 1:
      return _product(window_strides, precision, images, kernel)
    return apply(images, kernel)
  like = jax.ShapeDtypeStruct(kernel.shape, kernel.dtype)
  ways = _Ways(apply, functools.partial(_of_kernel, apply, like))
  if is_plain:
    ways = _of_plain(ways, images, kernel, window_strides, padding, precision)
  return _convolution(ways, images, kernel)


class _Ways(NamedTuple):
  """How a convolution and its gradients are computed; None is JAX's."""

  apply: Apply
  of_kernel: Callable[[jax.Array, jax.Array], jax.Array]
  of_images: Callable[[jax.Array, jax.Array, jax.Array], jax.Array] | None = (
    None
  )


def _of_plain(
  ways: _Ways, images, kernel, strides, padding, precision
) -> _Ways:
  """Faster ones, where there are, of a convolution that `_is_plain`."""
  single = _is_product(kernel, padding)
  if isinstance(padding, str):
    padding = lax.padtype_to_pads(
      images.shape[1:3], kernel.shape[:2], strides, padding
    )
  if winograd.is_faster(images, kernel, strides, padding):
    return _Ways(
      functools.partial(winograd.convolve, precision),
      functools.partial(winograd.kernel_gradient, precision),
      functools.partial(winograd.images_gradient, precision),
    )
  if single:
    ways = ways._replace(apply=functools.partial(_product, strides, precision))
  maps = jax.eval_shape(ways.apply, images, kernel)
  if single or max(maps.shape[1:3]) <= SMALL:
    ways = ways._replace(
      of_kernel=functools.partial(
        _by_products,
        kernel.shape[:2],
        tuple(strides),
        tuple(low for low, _ in padding),
        precision,
      )
    )
  return ways


def _is_product(kernel, padding) -> bool:
  """Whether it makes each pixel of one pixel, by a product of matrices."""
  return kernel.shape[:2] == (1, 1) and (
    isinstance(padding, str) or not np.any(padding)
  )


def _is_plain(
  images,
  kernel,
  *,
  dimension_numbers=None,
  feature_group_count=1,
  lhs_dilation=None,
  rhs_dilation=None,
  **_,
) -> bool:
  """Whether channels are last, and nothing is dilated or in groups."""
  layout = lax.conv_dimension_numbers(
    images.shape, kernel.shape, dimension_numbers
  )
  dilations = {*(lhs_dilation or ()), *(rhs_dilation or ())}
  return (
    layout == CHANNELS_LAST and feature_group_count == 1 and dilations <= {1}
  )


def _product(strides, precision, images, kernel) -> jax.Array:
  """The maps of single pixels."""
  rows, columns = strides
  return jnp.einsum(
    'nhwi,io->nhwo',
    images[:, ::rows, ::columns],
    kernel[0, 0],
    precision=precision,
  )


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolution(ways: _Ways, images, kernel):
  return ways.apply(images, kernel)


def _forward(ways: _Ways, images, kernel):
  return ways.apply(images, kernel), (images, kernel)


def _backward(ways: _Ways, saved, slopes):
  images, kernel = saved
  found = devices.on_own_rows(
    lambda total, *own: total(ways.of_kernel(*own)),
    (images, slopes),
    out=devices.WHOLE,
  )
  of_images = ways.of_images or functools.partial(_of_images, ways.apply)
  return of_images(images, kernel, slopes), found


_convolution.defvjp(_forward, _backward)


def _of_images(apply: Apply, images, kernel, slopes) -> jax.Array:
  """The gradient of the images."""
  (found,) = jax.vjp(lambda x: apply(x, kernel), images)[1](slopes)
  return found


def _of_kernel(apply: Apply, like, images, slopes) -> jax.Array:
  """The gradient of a kernel, by its parts of the images."""
  kernel = jnp.zeros(like.shape, like.dtype)  # It is linear in it.

  def of_part(images, slopes):
    # Or XLA transposes what they were made of.
    images, slopes = lax.optimization_barrier((images, slopes))
    (found,) = jax.vjp(lambda w: apply(images, w), kernel)[1](slopes)
    return found

  parts = _parts(images, kernel)
  return sum(of_part(images[part], slopes[part]) for part in parts)


def _by_products(
  size, strides, padding, precision, images, slopes
) -> jax.Array:
  """The gradient of a kernel, a product for each of its pixels.

  Each is written as [in, out]. JAX's own is the transpose of [out, in], for
  which XLA transposes the slopes, and what they were made of with them.
  """
  images, slopes = lax.optimization_barrier((images, slopes))

  def reached(axis, pixel):
    """The pixels of images, and of maps, that a kernel's brings together."""
    step, before = strides[axis], pixel - padding[axis]
    first = max(0, -(before // step))
    last = min(
      slopes.shape[1 + axis], (images.shape[1 + axis] - 1 - before) // step + 1
    )
    start = first * step + before
    stop = start + max(0, last - first) * step
    return slice(start, stop, step), slice(first, max(first, last))

  def of_pixel(row, column):
    (y, y_of_map), (x, x_of_map) = reached(0, row), reached(1, column)
    return jnp.einsum(
      'nhwi,nhwo->io',
      images[:, y, x],
      slopes[:, y_of_map, x_of_map],
      precision=precision,
    )

  rows, columns = map(range, size)
  return jnp.stack([jnp.stack([of_pixel(i, j) for j in columns]) for i in rows])


def _parts(images: jax.Array, kernel: jax.Array) -> list[slice]:
  """Equal parts; fewer where summing kernels costs what they save."""
  count = len(images)
  most = max(1, images.nbytes / max(PART_BYTES, kernel.nbytes / 2))
  number = max(n for n in range(1, count + 1) if count % n == 0 and n <= most)
  size = count // number
  return [slice(i, i + size) for i in range(0, count, size)]
