"""Each stage at its own pace, against rules written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax.optim import (
  FROZEN,
  OPTIMIZERS,
  Pace,
  make_optimizer,
  make_staged_optimizer,
)

RATES = np.array([0.1, 0.05, 0.2, 0.03])
PACES = {'stem': FROZEN, 'stage1': Pace(0.25), 'late': Pace(start=2)}


def config_of(name, **changes):
  return {
    'name': name,
    'learning_rate': 0.1,
    'weight_decay': 0.5,
    'momentum': 0.9,
    'clip_norm': None,
  } | changes


def schedule(step):
  return jnp.asarray(RATES)[step]


def some(seed):
  random = np.random.default_rng(seed)
  return {
    stage: {
      'kernel': random.normal(size=(3, 4)).astype(np.float32),
      'bias': random.normal(size=4).astype(np.float32),
    }
    for stage in PACES
  }


def trajectory(optimizer, params, gradients):
  """The params before and after each update."""
  state, seen = optimizer.init(params), [params]
  step = jax.jit(optimizer.update)
  for gradient in gradients:
    updates, state = step(gradient, state, seen[-1])
    seen.append(optax.apply_updates(seen[-1], updates))
  return seen


def staged(config, paces=PACES):
  return make_staged_optimizer(
    config, schedule, paces, lambda params: {name: name for name in params}
  )


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_each_stage_moves_as_an_optimizer_of_its_own_would(name):
  config = config_of(name)
  gradients = [some(i + 1) for i in range(4)]
  seen = trajectory(staged(config), some(0), gradients)
  for params in seen:
    jax.tree.map(np.testing.assert_array_equal, params['stem'], some(0)['stem'])
  for params in seen[:3]:
    jax.tree.map(np.testing.assert_array_equal, params['late'], some(0)['late'])

  def alone(stage, rates, gradients):
    optimizer = make_optimizer(config, lambda step: jnp.asarray(rates)[step])
    own = [{stage: gradient[stage]} for gradient in gradients]
    return trajectory(optimizer, {stage: some(0)[stage]}, own)[-1][stage]

  for stage, rates, given in (
    ('stage1', 0.25 * RATES, gradients),
    ('late', RATES[2:], gradients[2:]),
  ):
    expected = alone(stage, rates, given)
    for leaf, value in expected.items():
      np.testing.assert_allclose(seen[-1][stage][leaf], value, rtol=1e-5)
    assert not np.array_equal(expected['bias'], some(0)[stage]['bias'])


def test_layerwise_rates_are_those_of_the_closed_form():
  config = config_of('sgd', weight_decay=0.0, momentum=0.0)
  depths = {'stem': 2, 'stage1': 1, 'late': 0}
  paces = {stage: Pace(0.7**depth) for stage, depth in depths.items()}
  gradients = [some(i + 1) for i in range(3)]
  found = trajectory(staged(config, paces), some(0), gradients)[-1]
  for stage, depth in depths.items():
    moved = sum(
      r * g[stage]['bias'] for r, g in zip(RATES, gradients, strict=False)
    )
    expected = some(0)[stage]['bias'] - 0.7**depth * moved
    np.testing.assert_allclose(found[stage]['bias'], expected, rtol=1e-5)


def test_gradients_are_clipped_by_their_norm_over_all_stages():
  config = config_of('sgd', weight_decay=0.0, momentum=0.0, clip_norm=1.0)
  _, found = trajectory(
    staged(config, {**PACES, 'late': Pace()}), some(0), [some(1)]
  )
  norm = np.sqrt(sum((x**2).sum() for x in jax.tree.leaves(some(1))))
  expected = some(0)['late']['bias'] - 0.1 * some(1)['late']['bias'] / norm
  np.testing.assert_allclose(found['late']['bias'], expected, rtol=1e-5)


def test_one_pace_for_all_is_the_plain_optimizer():
  config = config_of('adamw')
  one = staged(config, dict.fromkeys(PACES, Pace()))
  plain = make_optimizer(config, schedule)
  states = [jax.tree.structure(x.init(some(0))) for x in (one, plain)]
  assert states[0] == states[1]
