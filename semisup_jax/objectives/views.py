"""What every objective on two views does first: check, widen, normalise."""

import jax
import jax.numpy as jnp

# Rows shorter than this are divided by it and not by their length, so that a
# zero row has cosine 0 with everything. TensorFlow's `l2_normalize`, and so
# SimCLR's own code, has the same floor.
SHORTEST_ROW = 1e-6


def check_views(z_a: jax.Array, z_b: jax.Array, *, smallest_batch: int) -> None:
  """Fails unless both views are [batch, dim] arrays of one shape.

  Args:
    z_a: View A, [batch, dim].
    z_b: View B of the same images, [batch, dim].
    smallest_batch: The fewest rows for which the objective says anything.

  Raises:
    ValueError: If the shapes differ, are not two-dimensional, have fewer rows
      than `smallest_batch` or no columns. The message names both shapes.
  """
  shape_a, shape_b = jnp.shape(z_a), jnp.shape(z_b)
  fits = len(shape_a) == 2 and shape_a[0] >= smallest_batch and shape_a[1] >= 1
  if shape_a != shape_b or not fits:
    raise ValueError(
      f'two views need one shape [batch >= {smallest_batch}, dim >= 1]; got '
      f'{shape_a} and {shape_b}'
    )


def widen(*arrays: jax.Array) -> tuple[jax.Array, ...]:
  """Casts arrays to one common floating type, float32 or wider.

  Args:
    *arrays: Arrays of any real type and shape.

  Returns:
    The arrays, in float64 if one of them is float64, else in float32.
  """
  dtype = jnp.float32
  for array in arrays:
    dtype = jnp.promote_types(dtype, jnp.result_type(array))
  return tuple(jnp.asarray(array, dtype) for array in arrays)


def unit_rows(z: jax.Array) -> jax.Array:
  """Divides every row by its Euclidean length.

  The gradient is finite everywhere, at a zero row too, where dividing by
  `jnp.linalg.norm` would give NaN.

  Args:
    z: Float [..., dim], float32 or wider.

  Returns:
    Float [..., dim], rows of length 1; a row shorter than `SHORTEST_ROW` is
    divided by that instead, so that a zero row stays zero.
  """
  square = jnp.sum(jnp.square(z), axis=-1, keepdims=True)
  return z * jax.lax.rsqrt(jnp.maximum(square, SHORTEST_ROW**2))
