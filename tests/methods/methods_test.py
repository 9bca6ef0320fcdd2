"""Each method: it learns, and it is the same on any number of devices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from semisup_jax import augment, models, training
from semisup_jax.methods import passes
from semisup_jax.types import InputError

# What is compared with one device besides two: one method of each kind.
MORE_DEVICES = dict.fromkeys(('simclr', 'barlow_twins', 'byol'), (4, 8))


def kept(state):
  """Everything of a state that a run goes on with, but its random key."""
  return jax.device_get(
    (state.params, state.batch_stats, state.ema, state.method_state)
  )


def same_after_20_steps(one, other):
  np.testing.assert_allclose(one[0], other[0], rtol=0, atol=1e-9)
  for a, b in zip(
    jax.tree.leaves(kept(one[1])), jax.tree.leaves(kept(other[1])), strict=True
  ):
    assert a.dtype in (np.float64, np.int32)
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


def test_two_devices_equal_one_and_the_loss_falls(toy, name):
  with jax.enable_x64(True):
    method = toy.make(toy.config(name, 'float64'))
    one = toy.run(method, 20, 1)
    two, (losses, last) = toy.runs(method, (20, toy.STEPS), 2)
    more = [toy.run(method, 20, d) for d in MORE_DEVICES.get(name, ())]
  for other in (two, *more):
    same_after_20_steps(one, other)
  before, after = np.mean(losses[:5]), np.mean(losses[-5:])
  assert after < before - 0.05 * abs(before)
  for a, b in zip(
    jax.tree.leaves(two[1].batch_stats),
    jax.tree.leaves(last.batch_stats),
    strict=True,
  ):
    assert not np.array_equal(a, b)


def with_dropout(toy, name, dtype='float32'):
  settings = toy.config(name, dtype)
  settings['model'] |= {'name': 'resnet9', 'width': 2, 'dropout': 0.5}
  return toy.make(settings)


def test_every_pass_of_every_method_has_a_key_for_dropout(toy, name):
  method = with_dropout(toy, name)
  state, batch = toy.start(method), toy.batch(method, 0)
  run = jax.eval_shape(method.loss, state.params, state, batch, state.key)
  assert run[0].shape == ()


def test_what_dropout_drops_is_the_same_on_two_devices(toy):
  with jax.enable_x64(True):
    method = with_dropout(toy, 'supervised', 'float64')
    one, two = (toy.run(method, 20, devices) for devices in (1, 2))
  same_after_20_steps(one, two)


def test_two_views_drop_different_features(toy):
  method = with_dropout(toy, 'barlow_twins')
  state = toy.start(method)
  x = np.repeat(toy.IMAGES[:8, None].astype(np.float32) / 255, 2, axis=1)
  variables = {'params': state.params, 'batch_stats': state.batch_stats}
  _, (a, b), _ = passes.two_passes(
    method.model, variables, x, jax.random.key(0)
  )
  np.testing.assert_array_equal(a['pooled'], b['pooled'])
  assert (a['embedding'] != b['embedding']).any()


def test_every_batch_norm_has_the_groups_of_the_config(toy, name):
  settings = toy.config(name)
  settings['model']['batch_norm_groups'] = 4
  method = toy.make(settings)
  groups = []

  def look(call, args, kwargs, context):
    if isinstance(context.module, nn.BatchNorm):
      groups.append(context.module.groups)
    return call(*args, **kwargs)

  init = functools.partial(method.model.init, train=False)
  with nn.intercept_methods(look):
    jax.eval_shape(init, jax.random.key(0), toy.IMAGES[:1].astype(np.float32))
  assert set(groups) == {4}


def test_computing_blocks_again_changes_no_number_and_takes_less_memory(toy):
  mesh = training.make_mesh(toy.BATCH, jax.devices()[:1])
  memory, states = [], []
  for remat in (False, True):
    settings = toy.config('supervised')
    settings['model'] |= {'strides': (1, 1, 1), 'remat': remat}
    method = toy.make(settings)
    state, batch = toy.start(method), toy.batch(method, 0)
    step = training.make_train_step(method, lambda t: 0.01, mesh)
    compiled = step.lower(state, batch).compile()
    memory.append(compiled.memory_analysis().temp_size_in_bytes)
    states.append(kept(compiled(state, batch)[0]))
  assert memory[1] < 0.8 * memory[0]
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *states
  )


def test_fixmatch_with_pseudo_labels_is_the_same_on_any_number_of_devices(toy):
  # At the toy's own threshold none is kept in 20 steps.
  with jax.enable_x64(True):
    method = toy.make(toy.config('fixmatch', 'float64', threshold=0.34))
    one, *others = (toy.run(method, 20, devices) for devices in (1, 2, 4, 8))
    _, (metrics, *_) = method.loss(
      one[1].params, one[1], toy.batch(method, 20), jax.random.key(0)
    )
  assert metrics['pseudo_labels'] > 0
  for other in others:
    same_after_20_steps(one, other)


@pytest.mark.parametrize('averaging', ['fixmatch', 'mean_teacher'])
def test_the_averaged_weights_are_those_of_a_loop(toy, averaging):
  method = toy.make(toy.config(averaging, ema_decay=0.6))
  state = toy.start(method)
  expected = jax.device_get(state.variables)
  mesh = training.make_mesh(toy.BATCH, jax.devices()[:1])
  step = training.make_train_step(method, optax.constant_schedule(0.01), mesh)
  for t in range(1, 4):
    state, _ = step(state, toy.batch(method, t))
    decay = min(method.ema_decay, 1 - 1 / (t + 1))
    expected = jax.tree.map(
      lambda old, new, d=decay: d * old + (1 - d) * np.asarray(new),
      expected,
      state.variables,
    )
  evaluated = method.predict_variables(state)
  for a, b in zip(
    jax.tree.leaves(evaluated), jax.tree.leaves(expected), strict=True
  ):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_simclr_is_its_objective_on_two_views_of_the_whole_batch(toy):
  method = toy.make(toy.config('simclr'))
  state = toy.start(method)
  key = jax.random.key(3)
  batch = toy.batch(method, 0)
  loss, (_, batch_stats, _) = method.loss(state.params, state, batch, key)

  images = batch['unlabelled']['image']
  x = augment.views(toy.transform(toy.VIEWS), key, images, 2)
  both = jnp.concatenate([x[:, 0], x[:, 1]])  # Order is nothing to BatchNorm.
  (z, _), updates = method.model.apply(
    state.variables, both, train=True, mutable=['batch_stats']
  )
  # The oracle wants one matrix and says which rows are of one image.
  expected = optax.losses.ntxent(
    z, jnp.tile(jnp.arange(toy.BATCH), 2), temperature=0.2
  )
  np.testing.assert_allclose(loss, expected, rtol=1e-5)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
    batch_stats,
    updates['batch_stats'],
  )


@pytest.mark.parametrize('devices', [1, 4])
def test_simclr_block_by_block_learns_the_same(toy, devices):
  def run(block_size):
    settings = toy.config('simclr', 'float64', block_size=block_size)
    return toy.run(toy.make(settings), 3, devices)

  with jax.enable_x64(True):
    (whole_losses, whole), (losses, blocks) = run(None), run(5)
  np.testing.assert_allclose(losses, whole_losses, rtol=1e-12)
  for a, b in zip(
    jax.tree.leaves(kept(blocks)), jax.tree.leaves(kept(whole)), strict=True
  ):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_step_of_supervised_reports_the_accuracy_on_the_batch(toy):
  method = toy.make(toy.config('supervised', label_smoothing=0.0))
  state = toy.start(method)
  batch = toy.batch(method, 0)
  loss, (metrics, _, _) = method.loss(
    state.params, state, batch, jax.random.key(0)
  )
  # A classifier of zeros gives every class the same probability.
  np.testing.assert_allclose(loss, np.log(toy.NUM_CLASSES), rtol=1e-5)
  expected = np.mean(batch['labelled']['label'] == 0)
  np.testing.assert_allclose(metrics['accuracy'], expected)


def test_a_new_classifier_is_zero_or_as_xavier_has_it(toy):
  kernels = {}
  for head_init in ('zeros', 'xavier'):
    method = toy.make(toy.config('supervised', head_init=head_init))
    params = toy.start(method).params
    kernels[head_init], bias = models.linear_head({'params': params})
    assert not bias.any()
  assert not kernels['zeros'].any()
  # Uniform in +- sqrt(6 / (inputs + outputs)).
  limit = np.sqrt(6 / sum(kernels['xavier'].shape))
  assert 0.6 * limit < np.abs(kernels['xavier']).max() <= limit


@pytest.mark.parametrize(
  ('method', 'fields', 'message'),
  [
    ('simclrr', {}, "'simclrr'; known: autoencoder, barlow_twins"),
    ('simclr', {'objective': 'infonce'}, "'infonce'; known: dcl, nt_xent"),
    ('simclr', {'temperature': 0.0}, 'temperature must be positive, got 0'),
    ('simclr', {'block_size': 0}, 'block_size .* number, at least 1; got 0'),
    ('simclr', {'block_size': 2.5}, 'block_size .* number, .* got 2.5'),
    ('simclr', {'projector_hidden': 0}, 'a whole number, at least 1; got 0'),
    ('supervised', {'label_smoothing': 1.0}, r'in \[0, 1\), got 1.0'),
    ('supervised', {'head_init': 'he'}, "unknown method.head_init 'he'"),
    ('supervised', {'class_weights': 'rare'}, "'none' or 'balanced', got 'r"),
    ('supervised', {'focal_gamma': -1.0}, 'focal_gamma must be at least 0, go'),
    ('supervised', {'mixing': 'blend'}, "'blend'; known: collage, cutmix"),
    ('supervised', {'mixing_per': 'epoch'}, "'batch' or 'image', got 'epoch'"),
    ('supervised', {'mixing_alpha': 0.0}, 'alpha must be positive, got 0.0'),
    ('barlow_twins', {'redundancy_weight': -1}, 'at least 0, got -1'),
    ('vicreg', {'variance_weight': 'x'}, "at least 0, got 'x'"),
    ('byol', {'target_decay': 1.5}, r'in \[0, 1\], got 1.5'),
    ('simsiam', {'predictor_hidden': 1.5}, 'a whole number, .* got 1.5'),
    ('ssim', {'ssim_window': 4}, 'odd and at most .* 8 pixels, got 4'),
    ('ssim', {'ssim_window': 9}, 'odd and at most .* 8 pixels, got 9'),
    ('autoencoder', {'objective': 'l1'}, "'l1'; known: mse, ssim"),
    ('fixmatch', {'threshold': 1.1}, r'in \[0, 1\], got 1.1'),
    ('fixmatch', {'lowest_threshold': 0.6}, r'in \[0, 0.5\], got 0.6'),
    ('fixmatch', {'batch_norm_images': 'none'}, "all, labelled, .*'none'"),
    ('mean_teacher', {'ema_decay': 1.0}, r'in \[0, 1\), got 1.0'),
    ('mean_teacher', {'unlabelled_ratio': 0}, 'at least 1; got 0'),
  ],
)
def test_wrong_fields_are_named(toy, method, fields, message):
  with pytest.raises(InputError, match=message):
    toy.make(toy.config(method, **fields))


def test_a_field_that_a_recipe_lacks_is_named(toy):
  settings = toy.config('byol')
  del settings['method']['target_decay']
  with pytest.raises(InputError, match=r'needs method\.target_decay'):
    toy.make(settings)
