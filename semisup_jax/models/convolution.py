"""Convolution on a CPU, its kernel's gradient summed over parts of the batch.

That gradient is a convolution too, with the channels of the images in the place
of the batch. XLA transposes the images for it, and fuses into that what they
were made of: of a large batch in strides that miss the cache, element by
element. Of a few images at a time all of it stays in the cache.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax import lax
from jax.sharding import AxisType, PartitionSpec

from semisup_jax.types import DATA_AXIS

# What of the images a part has, about: half of the cache of a core.
PART_BYTES = 2**19

# Images and kernel to maps.
Apply = Callable[[jax.Array, jax.Array], jax.Array]


def convolve(
  images: jax.Array,
  kernel: jax.Array,
  window_strides: Any,
  padding: Any,
  **more: Any,
) -> jax.Array:
  """`lax.conv_general_dilated`, its gradient in another order of sums.

  It has derivatives in reverse mode; JAX refuses `jax.jvp` of it. Where a mesh
  with the axis `data` is in context, every device sums over its own images.

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
  return _convolution(apply, images, kernel)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolution(apply: Apply, images, kernel):
  return apply(images, kernel)


def _forward(apply: Apply, images, kernel):
  return apply(images, kernel), (images, kernel)


def _backward(apply: Apply, saved, slopes):
  images, kernel = saved
  _, of_images = jax.vjp(lambda x: apply(x, kernel), images)
  return *of_images(slopes), _of_kernel(apply, images, kernel, slopes)


_convolution.defvjp(_forward, _backward)


def _of_kernel(apply: Apply, images, kernel, slopes) -> jax.Array:
  """The gradient of the kernel."""
  devices = _devices(len(images))

  def of_part(images, slopes):
    # Or XLA transposes what they were made of.
    images, slopes = lax.optimization_barrier((images, slopes))
    (found,) = jax.vjp(lambda w: apply(images, w), kernel)[1](slopes)
    return found

  def own(images, slopes):
    parts = _parts(images, kernel)
    total = sum(of_part(images[part], slopes[part]) for part in parts)
    return total if devices == 1 else lax.psum(total, DATA_AXIS)

  if devices == 1:
    return own(images, slopes)
  divided = PartitionSpec(DATA_AXIS)
  return jax.shard_map(
    own,
    in_specs=(divided, divided),
    out_specs=PartitionSpec(),
    axis_names={DATA_AXIS},
    # Or JAX adds up the gradient of every part over the devices.
    check_vma=False,
  )(images, slopes)


def _parts(images: jax.Array, kernel: jax.Array) -> list[slice]:
  """Equal parts; fewer where summing kernels costs what they save."""
  count = len(images)
  most = max(1, images.nbytes / max(PART_BYTES, kernel.nbytes / 2))
  number = max(n for n in range(1, count + 1) if count % n == 0 and n <= most)
  size = count // number
  return [slice(i, i + size) for i in range(0, count, size)]


def _devices(rows: int) -> int:
  """That divide the images: the mesh's, along `data`, or 1."""
  mesh = jax.sharding.get_abstract_mesh()
  kinds = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
  # Within a `shard_map` over it, what is given is one device's own batch.
  if kinds.get(DATA_AXIS, AxisType.Manual) == AxisType.Manual:
    return 1
  devices = mesh.shape[DATA_AXIS]
  return devices if rows % devices == 0 else 1
