"""Entropy minimization on BatchNorm's scale and bias."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import traverse_util

from semisup_jax.evaluation.batch_norm import grouped
from semisup_jax.evaluation.batch_norm.scale import Scale
from semisup_jax.types import Variables

Affine = Mapping[tuple[str, ...], jax.Array]  # By the path in `params`.


class TentState(NamedTuple):
  """What test batches have changed so far.

  Attributes:
    affine: Scale and bias of every BatchNorm layer.
    optimizer: Adam's state.
  """

  affine: Affine
  optimizer: Any


def begin(variables: Variables, learning_rate: float) -> TentState:
  """The state before the first batch."""
  affine = affine_parameters(variables)
  return TentState(affine, optax.adam(learning_rate).init(affine))


def affine_parameters(variables: Variables) -> Affine:
  """BatchNorm's scale and bias: the parameters where statistics lie too."""
  norms = {path[:-1] for path in _flat(variables['batch_stats'])}
  return {
    path: value
    for path, value in _flat(variables['params']).items()
    if path[:-1] in norms
  }


@partial(jax.jit, static_argnames=('model',))
def step(
  model: nn.Module,
  variables: Variables,
  state: TentState,
  images: jax.Array,
  scale: Scale,
  count: jax.Array,
  learning_rate: jax.Array,
) -> tuple[jax.Array, TentState]:
  """Predicts a batch, and moves scale and bias to where it is more certain.

  Wang et al. 2021, https://arxiv.org/abs/2006.10726: statistics are those of
  the batch, the loss is the mean entropy of the predictions, and, as in the
  authors' code, the logits are those before the update.

  Args:
    model: Returns `(logits, features)`.
    variables: Of training; all but scale and bias stay what they are.
    state: What the batches before have made.
    images: uint8 [B, H, W, C].
    scale: How they become input, in the dtype that they shall have.
    count: How many of the B rows are images; the others pad.
    learning_rate: Adam's.

  Returns:
    Logits [B, K], and the state for the next batch.
  """
  x = scale(images, scale.mean.dtype)
  rows = jnp.arange(len(x))
  one = (rows == 0).astype(jnp.float32)  # The first group has all the rows.
  groups = grouped.Groups(jnp.where(rows < count, 0, len(x)), 0 * one, one)

  def entropy(affine):
    params = {**_flat(variables['params']), **affine}
    logits, _ = grouped.apply(
      model,
      {**variables, 'params': traverse_util.unflatten_dict(params)},
      x,
      groups,
    )
    log_p = jax.nn.log_softmax(logits)
    of_rows = -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)
    return jnp.sum(jnp.where(rows < count, of_rows, 0)) / count, logits

  gradient, logits = jax.grad(entropy, has_aux=True)(state.affine)
  updates, optimizer = optax.adam(learning_rate).update(
    gradient, state.optimizer
  )
  affine = optax.apply_updates(state.affine, updates)
  return logits, TentState(affine, optimizer)


def _flat(tree: Any) -> dict[tuple[str, ...], jax.Array]:
  return traverse_util.flatten_dict(tree)
