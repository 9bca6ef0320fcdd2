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
from semisup_jax.objectives import soft_cross_entropy
from semisup_jax.types import Method

# Standardized embeddings need no tuning of it.
LEARNING_RATE = 1e-2


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
  without it. Metrics: `probe_loss` and `probe_accuracy`, of the labelled batch.

  Args:
    method: Any; what it learns is not changed.
    encoder: Its encoder, applied in eval mode to the labelled images, raw
      weights.
    transform: `(key, image) -> view`, of the labelled images.
    num_classes: K.
    dtype: Of the network.
  """
  adam = optax.adam(LEARNING_RATE)
  dtype = passes.wide(dtype)

  def embed(variables, images, key):
    x = passes.one_view(transform, key, images, dtype)
    embedding, _ = encoder.apply(encoder_variables(variables), x, train=False)
    return embedding

  def init(key, batch):
    variables, inner = method.init(key, batch)
    embedding = jax.eval_shape(
      embed, variables, batch['labelled']['image'][:1], key
    )
    width = embedding.shape[-1]
    params = {
      'kernel': jnp.zeros((width, num_classes), embedding.dtype),
      'bias': jnp.zeros(num_classes, embedding.dtype),
    }
    probe = {
      'params': params,
      'opt_state': adam.init(params),
      'mean': jnp.zeros(width, embedding.dtype),
      'std': jnp.ones(width, embedding.dtype),
    }
    return variables, {'method': inner, 'probe': probe}

  def learn(probe, embeddings, labels):
    batch = {'mean': embeddings.mean(axis=0), 'std': embeddings.std(axis=0)}
    probe = probe | {
      name: probe[name] + RATE * (value - probe[name])
      for name, value in batch.items()
    }
    targets = jax.nn.one_hot(labels, num_classes)

    def loss(params):
      logits = _logits({**probe, 'params': params}, embeddings)
      return soft_cross_entropy(logits, targets), logits

    (value, logits), grads = jax.value_and_grad(loss, has_aux=True)(
      probe['params']
    )
    updates, opt_state = adam.update(grads, probe['opt_state'])
    params = optax.apply_updates(probe['params'], updates)
    metrics = {
      'probe_loss': value,
      'probe_accuracy': jnp.mean(jnp.argmax(logits, -1) == labels),
    }
    return {**probe, 'params': params, 'opt_state': opt_state}, metrics

  def loss(params, state, batch, key):
    inner = state.replace(method_state=state.method_state['method'])
    value, (metrics, batch_stats, method_state) = method.loss(
      params, inner, batch, key
    )
    variables = {'params': params, 'batch_stats': state.batch_stats}
    labelled = batch['labelled']
    embeddings = jax.lax.stop_gradient(
      embed(variables, labelled['image'], jax.random.fold_in(key, KEY))
    )
    probe, learned = learn(
      state.method_state['probe'], embeddings, labelled['label']
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

  return dataclasses.replace(
    method,
    # Last, and kept as it is where the method has one: the others' order too is
    # the same with it and without it.
    streams={**method.streams, 'labelled': method.streams.get('labelled', 1)},
    init=init,
    loss=loss,
    after_update=after_update,
  )


def probe_logits(state: Any, embeddings: Any) -> jax.Array:
  """Logits [N, K] of a state's online probe on embeddings [N, D]."""
  return _logits(state.method_state['probe'], jnp.asarray(embeddings))


def _logits(probe, embeddings):
  x = (embeddings - probe['mean']) / jnp.maximum(probe['std'], 1e-6)
  return x @ probe['params']['kernel'] + probe['params']['bias']
