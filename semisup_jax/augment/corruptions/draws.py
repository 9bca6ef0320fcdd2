"""Random numbers of an image's shape, drawn as one row.

JAX's generator gives the same numbers in either shape, but XLA compiles it in a
third of the time for one axis, which counts where 95 programs are compiled.
"""

import math

import jax
import jax.numpy as jnp


def uniform(
  key: jax.Array,
  shape: tuple[int, ...],
  dtype: jax.typing.DTypeLike,
  low: float = 0.0,
  high: float = 1.0,
) -> jax.Array:
  """Draws from [low, high), `dtype` [*shape]."""
  row = jax.random.uniform(key, (math.prod(shape),), dtype, low, high)
  return row.reshape(shape)


def bits(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """Draws whole numbers, all equally probable, uint32 [*shape]."""
  return jax.random.bits(key, (math.prod(shape),), jnp.uint32).reshape(shape)


def normal(
  key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> jax.Array:
  """Draws from the standard normal distribution, `dtype` [*shape]."""
  return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)
