"""A method that learns one number, for what holds of any method."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from semisup_jax import training
from semisup_jax.types import Method


class Line(nn.Module):
  """y = w x, with a BatchNorm beside it so that there are statistics."""

  @nn.compact
  def __call__(self, x, *, train):
    mean = self.variable('batch_stats', 'mean', jnp.zeros, ())
    if train:
      mean.value = 0.9 * mean.value + 0.1 * x.mean()
    return x * self.param('w', nn.initializers.ones, ()), {}


def line_method(spoil_at=None):
  """Learns y = 3 x; its loss is NaN at the step `spoil_at`."""
  model = Line()

  def loss(params, state, batch, key):
    x = batch['labelled']['image']
    noise = 0.01 * jax.random.normal(key, x.shape)
    (y, _), updates = model.apply(
      {'params': params, 'batch_stats': state.batch_stats},
      x,
      train=True,
      mutable=['batch_stats'],
    )
    value = jnp.mean((y - 3 * x + noise) ** 2)
    if spoil_at is not None:
      value = jnp.where(state.step == spoil_at, jnp.nan, value)
    return value, ({}, updates['batch_stats'], None)

  return Method(
    streams={'labelled': 1},
    model=model,
    classifies=False,
    init=lambda key, batch: (
      dict(model.init(key, batch['labelled']['image'], train=False)),
      None,
    ),
    loss=loss,
  )


def batch(step):
  x = np.random.default_rng(step).normal(size=16).astype(np.float32)
  return {'labelled': {'image': x}}


SCHEDULE = optax.cosine_decay_schedule(0.03, 200)


def start(method, looks=None, metrics=1):
  tx = optax.sgd(SCHEDULE, momentum=0.9)
  state = training.create_state(
    method,
    tx,
    jax.random.key(0),
    batch(0),
    select=looks and (looks, metrics),
  )
  mesh = training.make_mesh(16)
  step = training.make_train_step(method, SCHEDULE, mesh)
  return jax.device_put(state, training.replicated(mesh)), step


def fit(state, step, steps=30, **more):
  arguments = {
    'train_step': step,
    'batch': batch,
    'steps': steps,
    'evaluators': {},
    'evaluate_every': 10,
    'checkpoint_every': 10,
    **more,
  }
  return training.fit(state, **arguments)


def assert_same(a, b):
  def same(x, y):
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
      x, y = jax.random.key_data(x), jax.random.key_data(y)
    np.testing.assert_array_equal(x, y)

  # The optimizer's functions are new ones in a new run; leaves are the data.
  for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    same(x, y)


def checkpoints_in(tmp_path):
  return training.Checkpoints(tmp_path / 'checkpoints', keep=2)
