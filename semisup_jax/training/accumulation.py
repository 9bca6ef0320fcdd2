"""Gradients of a batch: of all of it at once, or of one part after another."""

from typing import Any

import jax
import jax.numpy as jnp

from semisup_jax.training.state import TrainState
from semisup_jax.types import Batch, Method, Metrics, Params

# What a step has learned of its batch: gradients, metrics (`loss` and the
# method's own), and the fields of the state that the loss itself moves.
Learned = tuple[Params, Metrics, dict[str, Any]]


def gradients(
  state: TrainState,
  batch: Batch,
  key: jax.Array,
  *,
  method: Method,
  accumulate: int,
) -> Learned:
  """Takes the gradients of a method's loss at `state.params`.

  Where they are accumulated, they and the metrics are means over the
  micro-batches. Of a loss that is a mean over images they are those of the
  whole batch. Of others they are not: a contrastive loss has only the
  micro-batch's own negatives, and BatchNorm normalizes each micro-batch by
  itself. Its running statistics move once a micro-batch, and so does what the
  method keeps.

  Args:
    state: As it is before the step.
    batch: The global batch.
    key: Of the step; micro-batch i has `fold_in(key, i)`.
    method: What is learned.
    accumulate: Into how many micro-batches the batch is divided.

  Returns:
    `(gradients, metrics, kept)`: `kept` are `batch_stats` and `method_state`.
  """
  if accumulate == 1:
    return _at_once(state, batch, key, method)

  def add(carry, part):
    # Of an unrolled loop, XLA would have all micro-batches in memory at once.
    carry, part = jax.lax.optimization_barrier((carry, part))
    (total, kept), (number, rows) = carry, part
    grads, metrics, kept = _at_once(
      state.replace(**kept), rows, jax.random.fold_in(key, number), method
    )
    return (jax.tree.map(jnp.add, total, grads), kept), metrics

  parts = (jnp.arange(accumulate), micro_batches(batch, accumulate))
  kept = {
    'batch_stats': state.batch_stats,
    'method_state': state.method_state,
  }
  carry = jax.tree.map(jnp.zeros_like, state.params), kept
  # XLA runs convolutions in a loop 15 times slower on CPU; on accelerators the
  # loop keeps one micro-batch in memory, and compiles it once.
  (total, kept), metrics = jax.lax.scan(
    add,
    _as_it_goes_on(add, carry, parts),
    parts,
    unroll=accumulate if jax.default_backend() == 'cpu' else 1,
  )
  grads = jax.tree.map(lambda x: x / accumulate, total)
  return grads, jax.tree.map(lambda x: x.mean(axis=0), metrics), kept


def micro_batches(batch: Batch, count: int) -> Batch:
  """Divides each stream, [N, ...] to [count, N / count, ...].

  Micro-batch i has the rows i, i + count, ...: where the batch is divided over
  devices, each row stays on its own, and what a micro-batch holds does not
  depend on their number.
  """
  return jax.tree.map(
    lambda x: x.reshape(-1, count, *x.shape[1:]).swapaxes(0, 1), batch
  )


def _at_once(state, batch, key, method) -> Learned:
  value_and_grad = jax.value_and_grad(method.loss, has_aux=True)
  (loss, (metrics, batch_stats, method_state)), grads = value_and_grad(
    state.params, state, batch, key
  )
  kept = {'batch_stats': batch_stats, 'method_state': method_state}
  return grads, {'loss': loss, **metrics}, kept


def _as_it_goes_on(add, carry, parts):
  """The carry in the types that it has once it was added to.

  Flax's statistics start in float32, and are float64 after a pass in float64.
  """
  first = jax.tree.map(lambda x: x[0], parts)
  later, _ = jax.eval_shape(add, carry, first)
  return jax.tree.map(lambda x, y: x.astype(y.dtype), carry, later)
