"""A linear classifier that is trained beside a method, and never seen by it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from semisup_jax.augment import Transform
from semisup_jax.methods import passes
from semisup_jax.models import encoder_variables
from semisup_jax.objectives import target_of
from semisup_jax.types import Method, Metrics, Variables

# Standardized embeddings need no tuning of it.
ADAM = optax.adam(1e-2)
# How fast the mean and the spread that embeddings are standardized by follow
# the batches.
RATE = 0.1
# Far from what methods fold in or split off.
KEY = 2**31


def with_online_probe(
  method: Method,
  encoder: nn.Module,
  transform: Transform,
  *,
  num_classes: int,
  dtype: Any,
) -> Method:
  """Adds an online linear probe to a method.

  Its weights, and the moments of its own Adam, are in `method_state`, outside
  of what gradients are taken of: the encoder learns the same with it and
  without it. Metrics: `probe_loss` and `probe_accuracy` of the labelled batch,
  or `probe_binary_accuracy` where images have several labels.

  Args:
    method: Any; what it learns is not changed.
    encoder: Its encoder, applied in eval mode to the labelled images, raw
      weights.
    transform: `(key, image) -> view`, of the labelled images.
    num_classes: K.
    dtype: Of the network.
  """
  dtype = passes.wide(dtype)

  def embed(variables: Variables, labelled, key):
    x = passes.one_view(transform, key, labelled['image'], dtype)
    embedding, _ = encoder.apply(encoder_variables(variables), x, train=False)
    return jax.lax.stop_gradient(embedding)

  def init(key, batch):
    variables, inner = method.init(key, batch)
    embedding = jax.eval_shape(embed, variables, batch['labelled'], key)
    probe = _fresh(embedding.shape[-1], num_classes, embedding.dtype)
    return variables, {'method': inner, 'probe': probe}

  def loss(params, state, batch, key):
    inner = state.replace(method_state=state.method_state['method'])
    value, (metrics, batch_stats, method_state) = method.loss(
      params, inner, batch, key
    )
    variables = {'params': params, 'batch_stats': state.batch_stats}
    labelled = batch['labelled']
    probe, learned = _learn(
      state.method_state['probe'],
      embed(variables, labelled, jax.random.fold_in(key, KEY)),
      labelled['label'],
    )
    kept = {'method': method_state, 'probe': probe}
    return value, ({**metrics, **learned}, batch_stats, kept)

  def after_update(state):
    inner = method.after_update(
      state.replace(method_state=state.method_state['method'])
    )
    return inner.replace(
      method_state={**state.method_state, 'method': inner.method_state}
    )

  def after_initial(variables, method_state):
    inner = method.after_initial(variables, method_state['method'])
    return {**method_state, 'method': inner}

  return dataclasses.replace(
    method,
    # Last, and kept as it is where the method has one: the others' order too is
    # the same with it and without it.
    streams={**method.streams, 'labelled': method.streams.get('labelled', 1)},
    init=init,
    loss=loss,
    after_update=after_update,
    after_initial=after_initial,
  )


def probe_logits(state: Any, embeddings: Any) -> jax.Array:
  """Logits [N, K] of a state's online probe on embeddings [N, D]."""
  probe = state.method_state['probe']
  return _logits(probe['params'], probe, jnp.asarray(embeddings))


def _fresh(width: int, num_classes: int, dtype: Any) -> dict[str, Any]:
  params = {
    'kernel': jnp.zeros((width, num_classes), dtype),
    'bias': jnp.zeros(num_classes, dtype),
  }
  return {
    'params': params,
    'opt_state': ADAM.init(params),
    'mean': jnp.zeros(width, dtype),
    'std': jnp.ones(width, dtype),
  }


def _logits(params, probe, embeddings):
  x = (embeddings - probe['mean']) / jnp.maximum(probe['std'], 1e-6)
  return x @ params['kernel'] + params['bias']


def _learn(
  probe: dict[str, Any], embeddings: jax.Array, labels: jax.Array
) -> tuple[dict[str, Any], Metrics]:
  """One step of the probe: embeddings [N, D], labels [N] or [N, K]."""
  target = target_of(labels)
  batch = {'mean': embeddings.mean(axis=0), 'std': embeddings.std(axis=0)}
  moved = {
    name: probe[name] + RATE * (value - probe[name])
    for name, value in batch.items()
  }

  def loss(params):
    logits = _logits(params, moved, embeddings)
    targets = target.encode(labels, logits.shape[-1], float)
    return target.loss(logits, targets), target.right(logits, targets)

  (value, right), grads = jax.value_and_grad(loss, has_aux=True)(
    probe['params']
  )
  updates, opt_state = ADAM.update(grads, probe['opt_state'])
  params = optax.apply_updates(probe['params'], updates)
  metrics = {
    'probe_loss': value,
    f'probe_{target.right_name}': right,
  }
  return {**moved, 'params': params, 'opt_state': opt_state}, metrics
