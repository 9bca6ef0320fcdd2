"""A method whose batch is divided, against a loop over its parts."""

import jax
import numpy as np
import optax

from semisup_jax import training

ACCUMULATE = 2


def by_hand(method, tx, state, batch):
  """One step: the gradients of each part in turn, and their mean."""
  key = jax.random.fold_in(state.key, state.step)
  learn = jax.jit(jax.value_and_grad(method.loss, has_aux=True))
  losses, grads = [], []
  for i in range(ACCUMULATE):
    part = jax.tree.map(lambda x, i=i: x[i::ACCUMULATE], batch)
    (loss, (_, batch_stats, method_state)), grad = learn(
      state.params, state, part, jax.random.fold_in(key, i)
    )
    state = state.replace(batch_stats=batch_stats, method_state=method_state)
    losses.append(loss)
    grads.append(grad)
  grads = jax.tree.map(lambda *g: sum(g) / ACCUMULATE, *grads)
  updates, _ = tx.update(grads, state.opt_state, state.params)
  params = optax.apply_updates(state.params, updates)
  return np.mean(losses), params, batch_stats, method_state


def test_a_step_of_flexmatch_is_a_loop_over_the_parts_of_both_streams(toy):
  with jax.enable_x64(True):
    # It has statistics, counters, and averaged weights.
    settings = toy.config(
      'flexmatch', 'float64', threshold=0.3, lowest_threshold=0.2
    )
    ops = 'noise(0.1)|normalize'
    settings['data'] = {'views': ops, 'augment': ops}
    method = toy.make(settings)
    state, batch = toy.start(method), toy.batch(method, 0)
    wide = jax.tree.map(lambda x: x.astype(np.float64), state.batch_stats)
    # A classifier that starts at zero sends the encoder no gradient yet.
    kernel = state.params['head']['Dense_0']['kernel']
    kernel += jax.random.normal(jax.random.key(1), kernel.shape)
    state.params['head']['Dense_0']['kernel'] = kernel
    state = state.replace(batch_stats=wide)
    expected = jax.device_get(by_hand(method, toy.TX, state, batch))
    mesh = training.make_mesh(
      toy.BATCH, jax.devices()[:2], accumulate=ACCUMULATE
    )
    step = training.make_train_step(
      method, lambda t: 0.01, mesh, accumulate=ACCUMULATE
    )
    after, metrics = step(
      jax.device_put(state, training.replicated(mesh)),
      jax.device_put(batch, training.divided(mesh)),
    )
    assert (after.method_state >= 0).any()
  found = (
    metrics['loss'],
    after.params,
    after.batch_stats,
    after.method_state,
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-9),
    jax.device_get(found),
    expected,
  )
