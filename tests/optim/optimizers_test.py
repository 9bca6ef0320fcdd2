import re

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest

from semisup_jax.optim import OPTIMIZERS, decay_mask, make_optimizer
from semisup_jax.types import InputError

RATES = (0.1, 0.05, 0.2, 0.03)


def config_of(name, **changes):
  return {
    'name': name,
    'learning_rate': 0.1,
    'weight_decay': 0.02,
    'momentum': 0.9,
    'clip_norm': None,
  } | changes


def schedule(step):
  return jnp.asarray(RATES)[step]


def some_params(seed=0):
  generator = np.random.default_rng(seed)
  return {
    'conv': {'kernel': generator.normal(size=(3, 3, 2, 4))},
    'norm': {
      'scale': generator.normal(size=4),
      'bias': generator.normal(size=4),
    },
    'dense': {
      'kernel': generator.normal(size=(4, 5)),
      'bias': generator.normal(size=5),
    },
  }


def some_gradients(steps):
  return [some_params(seed=step + 1) for step in range(steps)]


def trajectory(config, params, gradients):
  optimizer = make_optimizer(config, schedule)

  @jax.jit
  def step(params, state, gradient):
    updates, state = optimizer.update(gradient, state, params)
    return optax.apply_updates(params, updates), state

  state = optimizer.init(params)
  for gradient in gradients:
    params, state = step(params, state, gradient)
  return params


def slow_sgd(w, gradients, *, momentum, weight_decay):
  m = 0.0
  for rate, g in zip(RATES, gradients, strict=False):
    g = g + weight_decay * w * (w.ndim > 1)
    m = momentum * m + g
    w = w - rate * (g + momentum * m)
  return w


def slow_adamw(w, gradients, *, momentum, weight_decay):
  m = v = 0.0
  for t, (rate, g) in enumerate(zip(RATES, gradients, strict=False), start=1):
    m = momentum * m + (1 - momentum) * g
    v = 0.999 * v + 0.001 * g**2
    adam = (m / (1 - momentum**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    w = w - rate * (adam + weight_decay * w * (w.ndim > 1))
  return w


def slow_lars(w, gradients, *, momentum, weight_decay):
  m = 0.0
  for rate, g in zip(RATES, gradients, strict=False):
    if w.ndim > 1:
      g = g + weight_decay * w
      g = 0.001 * np.linalg.norm(w) / np.linalg.norm(g) * g
    m = momentum * m + rate * g
    w = w - m
  return w


SLOW = {'sgd': slow_sgd, 'adamw': slow_adamw, 'lars': slow_lars}
every_optimizer = pytest.mark.parametrize('name', OPTIMIZERS)


def slow_trajectory(config, params, gradients):
  def walk(leaf, *leaf_gradients):
    return SLOW[config['name']](
      leaf,
      leaf_gradients,
      momentum=config['momentum'],
      weight_decay=config['weight_decay'],
    )

  return jax.tree.map(walk, params, *gradients)


def assert_trees_close(found, expected, rtol):
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol),
    found,
    expected,
  )


@every_optimizer
@pytest.mark.parametrize(
  'changes',
  [{}, {'weight_decay': 0.0}, {'momentum': 0.0}, {'momentum': 0.5}],
  ids=str,
)
def test_steps_equal_a_slow_version(name, changes):
  config, params = config_of(name, **changes), some_params()
  gradients = some_gradients(4)
  with jax.enable_x64(True):
    found = trajectory(config, params, gradients)
  expected = slow_trajectory(config, params, gradients)
  assert_trees_close(found, expected, rtol=1e-6)


@every_optimizer
def test_biases_and_batch_norm_see_no_decay(name):
  params, gradients = some_params(), some_gradients(1)
  decayed = trajectory(config_of(name, weight_decay=0.5), params, gradients)
  plain = trajectory(config_of(name, weight_decay=0.0), params, gradients)
  changed = jax.tree.map(lambda a, b: not np.array_equal(a, b), decayed, plain)
  assert changed == decay_mask(params)


def test_the_mask_is_true_for_kernels_alone():
  assert decay_mask(some_params()) == {
    'conv': {'kernel': True},
    'norm': {'scale': False, 'bias': False},
    'dense': {'kernel': True, 'bias': False},
  }


def test_biases_have_no_trust_ratio():
  params, gradients = some_params(), some_gradients(1)
  moved = trajectory(config_of('lars'), params, gradients)
  bias = params['dense']['bias'] - RATES[0] * gradients[0]['dense']['bias']
  np.testing.assert_allclose(moved['dense']['bias'], bias, rtol=1e-5)
  kernel = params['dense']['kernel']
  length = np.linalg.norm(np.asarray(moved['dense']['kernel']) - kernel)
  expected = RATES[0] * 0.001 * np.linalg.norm(kernel)
  np.testing.assert_allclose(length, expected, rtol=1e-3)


@pytest.mark.parametrize('name', ['sgd', 'lars'])
def test_zero_params_and_gradients_stay_finite(name):
  zeros = jax.tree.map(np.zeros_like, some_params())
  moved = trajectory(config_of(name), zeros, [zeros, some_params()])
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(moved))


@every_optimizer
@pytest.mark.parametrize('clip_norm', [0.5, 1e3])
def test_clipping_scales_all_gradients_by_one_number_first(name, clip_norm):
  params, gradients = some_params(), some_gradients(3)
  norms = [
    np.sqrt(sum(np.sum(leaf**2) for leaf in jax.tree.leaves(gradient)))
    for gradient in gradients
  ]
  clipped = [
    jax.tree.map(lambda g, norm=norm: g * min(1, clip_norm / norm), gradient)
    for gradient, norm in zip(gradients, norms, strict=True)
  ]
  with jax.enable_x64(True):
    found = trajectory(config_of(name, clip_norm=clip_norm), params, gradients)
  expected = slow_trajectory(config_of(name), params, clipped)
  assert_trees_close(found, expected, rtol=1e-6)


def test_a_config_dict_will_do():
  config = ml_collections.ConfigDict(config_of('sgd', clip_norm=1.0))
  params, gradients = some_params(), some_gradients(1)
  expected = trajectory(config_of('sgd', clip_norm=1.0), params, gradients)
  assert_trees_close(trajectory(config, params, gradients), expected, rtol=0)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'name': 'adam'}, "unknown optimizer 'adam'; known: adamw, lars, sgd"),
    ({'learning_rate': 0}, 'optimizer.learning_rate must be positive, got 0'),
    ({'learning_rate': None}, 'learning_rate must be positive, got None'),
    ({'weight_decay': -1}, 'optimizer.weight_decay must be at least 0, got -1'),
    ({'momentum': 1.0}, 'optimizer.momentum must be in [0, 1), got 1.0'),
    ({'momentum': -0.1}, 'optimizer.momentum must be in [0, 1), got -0.1'),
    ({'clip_norm': 0.0}, 'clip_norm must be None or positive, got 0.0'),
    ({'weight_decay': float('nan')}, 'must be at least 0, got nan'),
  ],
)
def test_what_does_not_fit_is_refused(changes, message):
  with pytest.raises(InputError, match=re.escape(message)):
    make_optimizer(config_of('sgd') | changes, schedule)
