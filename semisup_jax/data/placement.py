"""Host arrays on the devices of a mesh, whichever process these belong to."""

import jax
import numpy as np


def put(array: np.ndarray, sharding: jax.sharding.NamedSharding) -> jax.Array:
  """Places an array; of several processes each places its own share.

  Args:
    array: The same in every process.
    sharding: Of the result.
  """
  if sharding.is_fully_addressable:
    return jax.device_put(array, sharding)
  return jax.make_array_from_callback(
    array.shape, sharding, lambda index: array[index]
  )


def put_rows(
  array: np.ndarray, rows: np.ndarray, sharding: jax.sharding.NamedSharding
) -> jax.Array:
  """Places `array[rows]`; of several processes none reads more than its share.

  Args:
    array: [N, ...], the same in every process.
    rows: int [M], likewise.
    sharding: Of the result, [M, ...]; it divides the first axis alone.
  """
  if sharding.is_fully_addressable:
    return jax.device_put(array[rows], sharding)
  return jax.make_array_from_callback(
    (len(rows), *array.shape[1:]),
    sharding,
    lambda index: array[rows[index[0]]],
  )


def place(images: np.ndarray, mesh: jax.sharding.Mesh) -> jax.Array:
  """Copies uint8 images [N, H, W, C] to every device of a mesh, once."""
  everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
  return put(images, everywhere)
