"""One update from many micro-batches, against loops over them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax import training
from semisup_jax.training import accumulation
from semisup_jax.types import Method

SCHEDULE = optax.cosine_decay_schedule(0.1, 10)
SIZE = 16


def streams_method():
  """Its loss is a mean over images; what it keeps tells the order of things."""

  def loss(params, state, batch, key):
    x, y = batch['labelled']['image'], batch['unlabelled']['image']
    value = jnp.mean((x @ params['w'] - 1) ** 2)
    value += jnp.mean(jnp.tanh(y @ params['w']))
    stats = {
      'moves': state.batch_stats['moves'] + 1,
      'mean': 0.9 * state.batch_stats['mean'] + 0.1 * x.mean(axis=0),
    }
    history = 10 * state.method_state + batch['labelled']['index'][0]
    metrics = {'largest': x.max(), 'noise': jax.random.uniform(key)}
    return value, (metrics, stats, history)

  # In float32, as Flax begins, though the passes may be in float64.
  stats = {'moves': jnp.int32(0), 'mean': jnp.zeros(3, jnp.float32)}
  return Method(
    streams={'labelled': 1, 'unlabelled': 2},
    model=None,
    classifies=False,
    init=lambda key, batch: (
      {'params': {'w': jnp.arange(3.0)}, 'batch_stats': stats},
      jnp.int32(0),
    ),
    loss=loss,
    after_update=lambda state: state.replace(
      method_state=state.method_state + 10**6
    ),
    ema_decay=0.9,
  )


def batch():
  random = np.random.default_rng(0)
  return {
    'labelled': {
      'image': random.normal(size=(SIZE, 3)),
      'index': np.arange(SIZE, dtype=np.int32),
    },
    'unlabelled': {'image': random.normal(size=(2 * SIZE, 3))},
  }


def start(method):
  tx = optax.adam(SCHEDULE)
  return training.create_state(method, tx, jax.random.key(0), batch())


def gradients(accumulate):
  method = streams_method()
  return accumulation.gradients(
    start(method),
    batch(),
    jax.random.key(1),
    method=method,
    accumulate=accumulate,
  )


@pytest.mark.parametrize('accumulate', [2, 4, 16])
def test_of_a_mean_over_images_the_gradients_are_the_whole_batchs(accumulate):
  with jax.enable_x64(True):
    whole, one, _ = gradients(1)
    parts, many, _ = gradients(accumulate)
  assert parts['w'].dtype == np.float64
  assert np.abs(whole['w']).max() > 0.1
  np.testing.assert_allclose(parts['w'], whole['w'], rtol=0, atol=1e-12)
  np.testing.assert_allclose(many['loss'], one['loss'], rtol=0, atol=1e-12)


def test_statistics_and_what_a_method_keeps_go_from_one_to_the_next():
  with jax.enable_x64(True):
    _, metrics, kept = gradients(4)
  x, mean, history = batch()['labelled']['image'], np.zeros(3), 0
  for i in range(4):
    mean = 0.9 * mean + 0.1 * x[i::4].mean(axis=0)
    history = 10 * history + i
  assert int(kept['batch_stats']['moves']) == 4
  assert int(kept['method_state']) == history == 123
  assert kept['batch_stats']['mean'].dtype == np.float64
  np.testing.assert_allclose(kept['batch_stats']['mean'], mean, atol=1e-12)
  largest = np.mean([x[i::4].max() for i in range(4)])
  np.testing.assert_allclose(metrics['largest'], largest, atol=1e-12)


def test_each_micro_batch_has_a_key_of_its_own_and_a_single_one_the_steps():
  key = jax.random.key(1)
  keys = [jax.random.fold_in(key, i) for i in range(4)]
  expected = np.mean([jax.random.uniform(k) for k in keys])
  np.testing.assert_allclose(gradients(4)[1]['noise'], expected, rtol=1e-6)
  assert gradients(1)[1]['noise'] == jax.random.uniform(key)


def step(accumulate):
  method = streams_method()
  return training.train_step(
    start(method),
    batch(),
    method=method,
    schedule=SCHEDULE,
    accumulate=accumulate,
  )


def test_there_is_one_update_and_one_step_of_all_that_follows():
  (one, metrics), (many, of_many) = step(1), step(4)
  assert metrics.keys() == of_many.keys()
  for state in (one, many):
    adam, scheduled = state.opt_state
    assert int(state.step) == int(adam.count) == int(scheduled.count) == 1
    assert int(state.method_state) // 10**6 == 1  # After the update, once.
  for name in ('grad_norm', 'learning_rate'):
    np.testing.assert_allclose(of_many[name], metrics[name], rtol=1e-5)
  np.testing.assert_allclose(many.params['w'], one.params['w'], rtol=1e-5)
  np.testing.assert_allclose(
    many.ema['params']['w'], (np.arange(3.0) + many.params['w']) / 2, rtol=1e-5
  )


@pytest.mark.parametrize('devices', [2, 4])
def test_on_any_number_of_devices_a_step_is_the_same(devices):
  with jax.enable_x64(True):
    one, metrics = step(4)
    method = streams_method()
    mesh = training.make_mesh(SIZE, jax.devices()[:devices], accumulate=4)
    assert mesh.size == devices
    compiled = training.make_train_step(method, SCHEDULE, mesh, accumulate=4)
    other, others = compiled(
      jax.device_put(start(method), training.replicated(mesh)),
      jax.device_put(batch(), training.divided(mesh)),
    )
  for a, b in (
    (one.params, other.params),
    (one.batch_stats, other.batch_stats),
    (one.method_state, other.method_state),
    (metrics, others),
  ):
    jax.tree.map(
      lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=1e-12), a, b
    )


def test_it_is_a_loop_on_accelerators_and_unrolled_on_cpu(monkeypatch):
  def unroll():
    program = jax.make_jaxpr(lambda: gradients(4)[1])()
    (scan,) = [e for e in program.eqns if e.primitive.name == 'scan']
    return scan.params['unroll']

  unrolled = gradients(4)
  assert unroll() == 4
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  in_a_loop = gradients(4)
  assert unroll() == 1
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6),
    in_a_loop,
    unrolled,
  )


def test_it_takes_less_memory():
  def loss(params, state, batch, key):
    hidden = jnp.tanh(batch['labelled']['image'] @ params['w'])
    return jnp.mean(jnp.cos(hidden) ** 2), ({}, {}, None)

  method = Method(
    streams={'labelled': 1},
    model=None,
    classifies=False,
    init=lambda key, batch: ({'params': {'w': jnp.ones((3, 64))}}, None),
    loss=loss,
  )
  mesh = training.make_mesh(1024, jax.devices()[:1])
  images = {'labelled': {'image': np.ones((1024, 3), np.float32)}}

  def bytes_of(accumulate):
    train_step = training.make_train_step(
      method, SCHEDULE, mesh, accumulate=accumulate
    )
    compiled = train_step.lower(start(method), images).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  assert bytes_of(8) < bytes_of(1) / 4


def test_a_micro_batch_has_every_so_manieth_row_and_none_changes_its_device():
  mesh = training.make_mesh(SIZE, jax.devices()[:4])
  split = jax.jit(
    lambda x: accumulation.micro_batches(x, 2),
    in_shardings=training.divided(mesh),
  )
  rows = np.arange(SIZE)
  np.testing.assert_array_equal(split(rows), [rows[::2], rows[1::2]])
  program = split.lower(rows).compile().as_text()
  for collective in ('all-gather', 'all-to-all', 'collective-permute'):
    assert collective not in program
  for shard in split(rows).addressable_shards:
    assert shard.data.shape == (2, SIZE // 2 // 4)
