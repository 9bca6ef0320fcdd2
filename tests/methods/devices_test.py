"""A compiled step: the same on any number of devices, and what it sends."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from benchmarks import collectives, hlo
from semisup_jax import training

PLATFORMS = ('cpu', 'cuda', 'tpu')
# Sent by every method; scalars, too, where it has a mean over the images.
ALWAYS = {'gradients', 'BatchNorm, forward', 'BatchNorm, backward'}
MORE = {
  'barlow_twins': {'embeddings'},
  'simclr': {'embeddings'},
  'sup_con': {'embeddings'},
  'vicreg': {'embeddings'},
  'collage': {'mixed images'},
  'flexmatch': {'counters'},
}


def step_over(toy, method, devices):
  """The step before it is compiled, and its mesh."""
  mesh = training.make_mesh(toy.BATCH, jax.devices()[:devices])
  return training.make_train_step(method, lambda t: 0.01, mesh), mesh


@pytest.fixture(scope='module')
def compiled(toy):
  """Gives a method's step in float32 on some devices, compiled once."""

  @functools.cache
  def compile_step(name, devices):
    method = toy.make(toy.config(name))
    step, _ = step_over(toy, method, devices)
    return step.lower(toy.start(method), toy.batch(method, 0)).compile()

  return compile_step


def start(toy, method):
  """A state in which every parameter has a gradient.

  A classifier that starts at zero sends the encoder none yet. And the key is
  one of those whose views of the few images are not nearly alike: where they
  are, BatchNorm magnifies rounding to 2e-5 of the gradient.
  """
  state = toy.start(method)
  params = jax.tree.map(
    lambda x: (
      x if x.any() else jax.random.normal(jax.random.key(x.size), x.shape) / 10
    ),
    state.params,
  )
  return state.replace(params=params, key=jax.random.key(8))


def train(toy, name, step, devices, steps):
  """Runs a compiled step; returns the state and the losses, on the host."""
  method = toy.make(toy.config(name))
  _, mesh = step_over(toy, method, devices)
  state = jax.device_put(start(toy, method), training.replicated(mesh))
  losses = []
  for t in range(steps):
    batch = jax.device_put(toy.batch(method, t), training.divided(mesh))
    state, metrics = step(state, batch)
    losses.append(metrics['loss'])
  state = state.replace(key=jax.random.key_data(state.key))
  return jax.device_get((state, losses))


def length(tree):
  return np.sqrt(sum(np.sum(np.square(x)) for x in jax.tree.leaves(tree)))


def test_in_float32_gradients_at_one_state_agree_on_any_number_of_devices(
  toy, compiled, name
):
  def gradients(devices):
    state, _ = train(toy, name, compiled(name, devices), devices, steps=1)
    return optax.tree.get(state.opt_state, 'trace')  # As yet nothing else.

  one = gradients(1)
  assert length(one) > 1e-3
  for devices in (2, 4, 8):
    apart = jax.tree.map(np.subtract, one, gradients(devices))
    assert length(apart) < 1e-5 * length(one)


def test_the_same_run_again_gives_the_same_bits(toy, compiled, name):
  step = compiled(name, 2)
  first, again = (train(toy, name, step, 2, steps=4) for _ in range(2))
  jax.tree.map(np.testing.assert_array_equal, first, again)
  losses = first[1]
  assert len(set(map(float, losses))) == len(losses)


def test_a_step_sends_gradients_sums_and_what_its_objective_needs(
  toy, compiled, name
):
  sent = hlo.collectives(compiled(name, 4).as_text())
  classes = {collectives.what(one) for one in sent}
  assert classes - {'scalars'} == ALWAYS | MORE.get(name, set())
  params = toy.start(toy.make(toy.config(name))).params
  size = sum(
    x.nbytes
    for path, x in jax.tree_util.tree_leaves_with_path(params)
    if 'norm' not in jax.tree_util.keystr(path).lower()
  )
  gradients = sum(
    one.bytes for one in sent if collectives.what(one) == 'gradients'
  )
  # Of each pass, where a method applies its network to one view at a time.
  assert gradients in (size, 2 * size)


def test_images_that_are_sent_around_are_noticed(toy):
  mesh = training.make_mesh(toy.BATCH, jax.devices()[:4])
  turn = jax.jit(
    lambda x: x[::-1],
    in_shardings=training.divided(mesh),
    out_shardings=training.divided(mesh),
  )
  text = turn.lower(toy.IMAGES[: toy.BATCH]).compile().as_text()
  sent = hlo.collectives(text)
  assert {collectives.what(one) for one in sent} == {collectives.UNEXPLAINED}


def export(toy, method):
  step, _ = step_over(toy, method, devices=4)
  exporting = jax.export.export(step, platforms=PLATFORMS)
  return exporting(toy.start(method), toy.batch(method, 0))


def test_a_step_is_lowered_for_cpu_gpu_and_tpu(toy, name):
  exported = export(toy, toy.make(toy.config(name)))
  assert exported.platforms == PLATFORMS
  assert exported.nr_devices == 4


def test_a_step_that_calls_the_host_is_not(toy):
  method = toy.make(toy.config('supervised'))

  def loss(params, state, batch, key):
    value, aux = method.loss(params, state, batch, key)
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    told = jax.pure_callback(np.float32, shape, jax.lax.stop_gradient(value))
    return value + 0 * told, aux

  with pytest.raises(NotImplementedError, match='callback'):
    export(toy, dataclasses.replace(method, loss=loss))
