"""Averages of per-example values, for use inside `jit`.

The average over a data set is the sum of `masked_sum_and_count`'s sums over
the sum of its counts, batch by batch: the last short batch counts, what pads it
never does. The mean of the batches' means is another number.
"""

import jax
import jax.numpy as jnp


def masked_sum_and_count(
  values: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Sums what the mask keeps and counts it.

  Args:
    values: One value an example, [batch] or any other shape; booleans count
      as 0 and 1. What the mask leaves out may be anything, NaN too.
    mask: The shape of `values`, bool or 0 / 1: true for what counts.

  Returns:
    The sum, a scalar in float32 or wider, and the count, an int32 scalar (a
    float32 one would stop counting at 2^24).

  Raises:
    ValueError: If the shapes differ.
  """
  if jnp.shape(values) != jnp.shape(mask):
    raise ValueError(
      f'values and mask need one shape; got {jnp.shape(values)} and '
      f'{jnp.shape(mask)}'
    )
  dtype = jnp.promote_types(jnp.result_type(values), jnp.float32)
  keep = jnp.asarray(mask, bool)
  kept = jnp.where(keep, jnp.asarray(values, dtype), 0)
  return jnp.sum(kept), jnp.sum(keep, dtype=jnp.int32)


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
  """Means what the mask keeps.

  Args:
    values: One value an example, [batch] or any other shape.
    mask: The shape of `values`, bool or 0 / 1: true for what counts.

  Returns:
    Scalar, float32 or wider; 0 where the mask keeps nothing, so that a loss
    over nothing has the gradient 0 and not NaN.

  Raises:
    ValueError: If the shapes differ.
  """
  total, count = masked_sum_and_count(values, mask)
  return total / jnp.maximum(count, 1)
