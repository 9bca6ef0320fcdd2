"""BYOL's target network, and what happens to those that have none."""

import jax
import numpy as np
import pytest

from semisup_jax import (
  augment,
  evaluation,
  methods,
  metrics,
  models,
  training,
)
from semisup_jax.methods.joint_embedding import joint_embedding
from semisup_jax.objectives.views import unit_rows


@pytest.fixture
def method(toy):
  return toy.make(toy.config('byol'))


def step_of(toy, method):
  mesh = training.make_mesh(toy.BATCH, jax.devices()[:1])
  return training.make_train_step(method, lambda t: 0.01, mesh)


def test_the_target_follows_the_online_network_by_a_cosine(toy, method):
  state = toy.start(method)
  names = ('encoder', 'head')
  expected = {n: jax.device_get(state.params[n]) for n in names}
  jax.tree.map(
    np.testing.assert_array_equal, expected, state.method_state['params']
  )
  step = step_of(toy, method)
  for k in range(3):
    state, _ = step(state, toy.batch(method, k))
    decay = 1 - (1 - 0.9) * (np.cos(np.pi * k / toy.STEPS) + 1) / 2
    expected = jax.tree.map(
      lambda old, new, d=decay: d * old + (1 - d) * np.asarray(new),
      expected,
      {n: state.params[n] for n in names},
    )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7),
    dict(state.method_state['params']),
    expected,
  )


@pytest.mark.parametrize('probed', [False, True])
def test_the_target_begins_with_the_weights_that_the_run_begins_with(
  toy, method, probed
):
  if probed:
    encoder = method.model.encoder
    transform = toy.transform('normalize')
    method = methods.with_online_probe(
      method, encoder, transform, num_classes=3, dtype=np.float32
    )
  fresh = toy.start(method)
  encoder = jax.tree.map(
    lambda x: np.asarray(x) + 1, models.encoder_variables(fresh.variables)
  )
  state = training.create_state(
    method,
    toy.TX,
    jax.random.key(0),
    toy.batch(method, 0),
    initial={k: {'encoder': tree} for k, tree in encoder.items()},
  )
  target = state.method_state['method'] if probed else state.method_state
  for name, tree in encoder.items():
    jax.tree.map(np.testing.assert_array_equal, target[name]['encoder'], tree)
    jax.tree.map(
      np.testing.assert_array_equal,
      target[name]['head'],
      fresh.variables[name]['head'],
    )
  assert not probed or 'probe' in state.method_state


def test_the_targets_statistics_are_its_own(toy, method):
  _, state = toy.run(method, 3)
  online = jax.tree.leaves(state.batch_stats['encoder'])
  target = jax.tree.leaves(state.method_state['batch_stats']['encoder'])
  fresh = jax.tree.leaves(toy.start(method).batch_stats['encoder'])
  for a, b, c in zip(online, target, fresh, strict=True):
    assert not np.array_equal(a, b)
    assert not np.array_equal(b, c)


def test_the_loss_is_the_sum_of_both_directions_in_a_slow_form(toy, method):
  state = toy.start(method)
  # A target that is not the online network, so that a swap would be seen.
  moved = jax.tree.map(lambda x: x + 0.1, state.method_state['params'])
  state = state.replace(method_state={**state.method_state, 'params': moved})
  batch, key = toy.batch(method, 0), jax.random.key(1)
  loss, _ = method.loss(state.params, state, batch, key)

  x = augment.views(
    toy.transform(toy.VIEWS), key, batch['unlabelled']['image'], 2
  )

  def outputs(variables, view):
    (z, features), _ = method.model.apply(
      variables, view, train=True, mutable=['batch_stats']
    )
    return z, features['prediction']

  predictor = {'predictor': state.params['predictor']}
  target = {'params': {**moved, **predictor}, 'batch_stats': state.batch_stats}
  total = 0.0
  for a, b in ((0, 1), (1, 0)):
    p = np.asarray(outputs(state.variables, x[:, a])[1], np.float64)
    z = np.asarray(outputs(target, x[:, b])[0], np.float64)
    p /= np.linalg.norm(p, axis=-1, keepdims=True)
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    total += np.mean(np.sum((p - z) ** 2, axis=-1))
  np.testing.assert_allclose(loss, total, rtol=1e-4)


def alignment(z_a, z_b, stream):
  """BYOL's loss of two projections, through which gradients flow both ways."""
  del stream
  return (2 - 2 * (unit_rows(z_a) * unit_rows(z_b)).sum(-1)).mean(), {}


def spread(toy, method, state):
  """Rank and standard deviation of what the model says of the images."""
  forward = evaluation.make_forward(
    method.model,
    toy.transform('normalize'),
    batch_size=64,
    mesh=training.make_mesh(64, jax.devices()[:1]),
    dtype=np.float32,
  )
  output = forward(method.predict_variables(state), toy.IMAGES)
  return metrics.rank_me(output), metrics.feature_std(output)


def test_without_predictor_and_stop_gradient_it_collapses_and_that_is_seen(
  toy, method
):
  settings = toy.config('byol')
  collapsing = joint_embedding(
    models.make_encoder(settings['model']),
    method.model.head,
    toy.transform(toy.VIEWS),
    alignment,
    stream='unlabelled',
    views_together=False,
    dtype=np.float32,
  )
  _, before = toy.run(collapsing, 0)
  _, after = toy.run(collapsing, 200)
  _, with_both = toy.run(method, 200)
  first_rank, first_std = spread(toy, collapsing, before)
  rank, std = spread(toy, collapsing, after)
  good_rank, good_std = spread(toy, method, with_both)
  assert first_rank > rank
  assert first_std > std
  assert std < 0.1 < good_std
  assert rank < 1.5 < good_rank
