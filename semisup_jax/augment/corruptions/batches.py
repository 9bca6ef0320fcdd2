"""Corrupts batches of images and whole data sets.

Images are uint8 [N, H, W, C] on the way in and out.
"""

import functools
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, PartitionSpec

from semisup_jax.augment import amounts
from semisup_jax.augment.corruptions import levels, severities
from semisup_jax.augment.corruptions.table import CORRUPTIONS, Corruption
from semisup_jax.types import DATA_AXIS, lookup

_SMALLEST = 8  # Pixels of either side.


def _key(name: str, severity: int, seed: jax.typing.ArrayLike) -> jax.Array:
  """Returns the key from which every image's is derived by its row."""
  # The generator is named, since JAX's default one is a setting; and the
  # corruption too is known by its name, not by its place among the others.
  key = jax.random.key(seed, impl='threefry2x32')
  key = jax.random.fold_in(key, zlib.crc32(name.encode()))
  return jax.random.fold_in(key, severity)


def _corruption(name: str, severity: int) -> Corruption:
  """Returns a corruption, if there is one and it has this severity."""
  corruption = lookup(CORRUPTIONS, name, 'corruption')
  severities.check(severity)
  return corruption


def _check(images: Any, rows: Any) -> None:
  """Checks shapes and dtypes, or raises ValueError."""
  shape = tuple(images.shape)
  if images.dtype != jnp.uint8 or len(shape) != 4 or shape[-1] not in (1, 3):
    raise ValueError(
      'images must be uint8 [N, H, W, C] with 1 or 3 channels, got '
      f'{images.dtype} {list(shape)}'
    )
  if min(shape[1:3]) < _SMALLEST:
    raise ValueError(
      f'images must be at least {_SMALLEST}x{_SMALLEST} pixels, got '
      f'{shape[1]}x{shape[2]}'
    )
  if rows.shape != shape[:1] or not jnp.issubdtype(rows.dtype, jnp.integer):
    raise ValueError(
      f'rows must be int [{shape[0]}], one for each image, got {rows.dtype} '
      f'{list(rows.shape)}'
    )


def _corrupt_each(
  key: jax.Array,
  images: jax.Array,
  rows: jax.Array,
  *,
  name: str,
  severity: int,
  at_once: int,
) -> jax.Array:
  """Corrupts images with the keys that `key` and their rows give."""
  corruption = _corruption(name, severity)

  def corrupt_one(image_and_row):
    pixels, row = image_and_row
    image = levels.to_image(pixels, jnp.float32)
    result = corruption(jax.random.fold_in(key, row), image, severity)
    return levels.truncate(result).astype(jnp.uint8)

  # A loop over images rather than vmap: shifts by amounts of an image's own
  # stay slices, which under vmap are gathers; an image fits the cache; and as
  # its program has one shape, it rounds alike in batches of any size.
  batch_size = at_once if at_once > 1 else None
  return jax.lax.map(corrupt_one, (images, rows), batch_size=batch_size)


def corrupt(
  images: jax.Array,
  rows: jax.Array,
  *,
  name: str,
  severity: int,
  seed: jax.typing.ArrayLike,
  at_once: int = 1,
) -> jax.Array:
  """Corrupts a batch of images, each with random numbers of its own.

  What becomes of an image depends on the image, its row, the corruption, the
  severity and the seed, and on nothing else: not on its place in the batch, nor
  on the other images. It can be jitted. The images are taken in turn, so that a
  batch that is divided over devices would be gathered first; `corrupt_all` has
  each device take its own.

  Args:
    images: uint8 [N, H, W, C], H and W at least 8, of one channel or three.
    rows: int32 [N], the number of each image in its data set.
    name: One of `CORRUPTIONS`, static.
    severity: A whole number in [1, 5], static.
    seed: An int32 scalar, may be traced.
    at_once: How many images are taken together, static. 1 is best on a CPU; an
      accelerator wants hundreds. Rounding, and with it one value in many
      thousands by one level, may depend on it.

  Returns:
    uint8 [N, H, W, C].

  Raises:
    InputError: If the corruption is unknown, the severity is another, or grey
      images are to be saturated.
    ValueError: If shapes or dtypes are others.
  """
  _corruption(name, severity)
  amounts.check_whole('at_once', at_once, 1)
  _check(images, rows)
  key = _key(name, severity, seed)
  return _corrupt_each(
    key, images, rows, name=name, severity=severity, at_once=at_once
  )


@functools.partial(
  jax.jit, static_argnames=('name', 'severity', 'at_once', 'mesh')
)
def _corrupt_divided(
  key: jax.Array,
  images: jax.Array,
  rows: jax.Array,
  *,
  name: str,
  severity: int,
  at_once: int,
  mesh: Mesh,
) -> jax.Array:
  """As `_corrupt_each`, where each device of the mesh takes its own part."""
  part = PartitionSpec(DATA_AXIS)
  each = functools.partial(
    _corrupt_each, name=name, severity=severity, at_once=at_once
  )
  return jax.shard_map(
    each,
    mesh=mesh,
    in_specs=(PartitionSpec(), part, part),
    out_specs=part,
    # Nothing is sent, and loops inside start from constants, which the check
    # takes for a mismatch with what the devices make of them.
    check_vma=False,
  )(key, images, rows)


def corrupt_all(
  images: np.ndarray,
  *,
  name: str,
  severity: int,
  seed: int,
  rows: np.ndarray | None = None,
  batch_size: int = 1000,
  at_once: int = 1,
) -> np.ndarray:
  """Corrupts a data set on all of this process's devices, batch by batch.

  The result is that of `corrupt`, whatever the number of devices and the size
  of the batches. On a CPU one JAX device a core is faster than one for all.

  Args:
    images: uint8 [N, H, W, C], as for `corrupt`.
    name: One of `CORRUPTIONS`.
    severity: A whole number in [1, 5].
    seed: A whole number.
    rows: int32 [N], as for `corrupt`; 0 to N - 1 by default.
    batch_size: Images that are on the devices at a time, rounded up to a
      multiple of their number. The last image is repeated to fill the last
      batch, so that there is one compilation.
    at_once: As for `corrupt`, of each device.

  Returns:
    uint8 [N, H, W, C].

  Raises:
    InputError: As `corrupt`, or if the batch size is no whole number above 0.
    ValueError: As `corrupt`.
  """
  _corruption(name, severity)
  amounts.check_whole('batch_size', batch_size, 1)
  amounts.check_whole('at_once', at_once, 1)
  images, count = np.asarray(images), len(images)
  rows = np.arange(count) if rows is None else np.asarray(rows)
  _check(images, rows)
  devices = jax.local_devices()
  mesh = jax.make_mesh(
    (len(devices),),
    (DATA_AXIS,),
    axis_types=(AxisType.Auto,),
    devices=devices,
  )
  size = -(-min(batch_size, count) // len(devices)) * len(devices)
  key = _key(name, severity, seed)
  result = np.empty_like(images)
  for start in range(0, count, max(size, 1)):
    taken = np.minimum(np.arange(start, start + size), count - 1)
    batch = _corrupt_divided(
      key,
      images[taken],
      rows[taken].astype(np.int32),
      name=name,
      severity=severity,
      at_once=at_once,
      mesh=mesh,
    )
    result[start : start + size] = np.asarray(batch)[: count - start]
  return result
