"""Each method: it learns, and it is the same on any number of devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax import augment, methods, models, training
from semisup_jax.data import channel_statistics
from semisup_jax.types import InputError

BATCH = 16
NUM_CLASSES = 3
VIEWS = (
  'random_affine(15, (0.8, 1.2), 10, 0.1)|color_jitter(0.4, 0.4, 0.0, 0.0)'
  '|noise(0.05)|normalize'
)


def config(name, dtype='float32', **method):
  fields = {
    'simclr': {
      'objective': 'nt_xent',
      'temperature': 0.2,
      'projector_hidden': 8,
      'projector_output': 4,
      'projector_hidden_layers': 1,
    },
    'supervised': {'label_smoothing': 0.1},
  }
  return {
    'model': {
      'name': 'convnet',
      'width': 4,
      'strides': (1, 2),
      'dtype': dtype,
      'batch_norm_momentum': 0.9,
    },
    'method': {'name': name, **fields.get(name, {}), **method},
    'data': {'views': VIEWS, 'augment': VIEWS},
  }


def pictures():
  """Three kinds of picture: bright on the left, above, or in the middle."""
  random = np.random.default_rng(0)
  images = random.integers(0, 60, (64, 8, 8, 1))
  labels = np.arange(64) % NUM_CLASSES
  for image, label in zip(images, labels, strict=True):
    place = [np.s_[:, :3], np.s_[:3], np.s_[3:6, 3:6]][label]
    image[place] += 180
  return images.astype(np.uint8), labels.astype(np.int32)


IMAGES, LABELS = pictures()


def make(settings, images=IMAGES):
  return methods.make_method(
    settings,
    models.make_encoder(settings['model']),
    partial(
      augment.parse,
      table=augment.with_statistics(*channel_statistics(images)),
    ),
    NUM_CLASSES,
  )


def batch(step):
  rows = np.random.default_rng(step).permutation(len(IMAGES))[:BATCH]
  stream = {'image': IMAGES[rows], 'index': rows.astype(np.int32)}
  return {
    'unlabelled': stream,
    'labelled': {**stream, 'label': LABELS[rows]},
  }


SCHEDULE = optax.constant_schedule(0.01)
TX = optax.sgd(SCHEDULE, momentum=0.9)


def start(method):
  return training.create_state(method, TX, jax.random.key(0), batch(0))


def run(method, steps, devices):
  mesh = training.make_mesh(BATCH, jax.devices()[:devices])
  assert mesh.size == devices
  step = training.make_train_step(method, SCHEDULE, mesh)
  state = jax.device_put(start(method), training.replicated(mesh))
  losses = []
  for t in range(steps):
    placed = jax.device_put(batch(t), training.divided(mesh))
    state, metrics = step(state, placed)
    losses.append(float(metrics['loss']))
  return losses, jax.device_get(state.variables)


@pytest.mark.parametrize('name', sorted(methods.METHODS))
def test_in_float64_two_devices_equal_one_over_twenty_steps(name):
  with jax.enable_x64(True):
    method = make(config(name, 'float64'))
    one_losses, one = run(method, 20, 1)
    two_losses, two = run(method, 20, 2)
  np.testing.assert_allclose(one_losses, two_losses, rtol=0, atol=1e-9)
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
    assert a.dtype == np.float64
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize('name', sorted(methods.METHODS))
def test_in_float32_gradients_at_one_state_agree_on_any_number_of_devices(name):
  method = make(config(name))
  state = start(method)
  # A classifier that starts at zero sends the encoder no gradient yet.
  params = jax.tree.map(
    lambda x: x + 0.1 * jax.random.normal(jax.random.key(x.size), x.shape),
    state.params,
  )

  def gradients(devices):
    mesh = training.make_mesh(BATCH, jax.devices()[:devices])
    whole, part = training.replicated(mesh), training.divided(mesh)
    grad = jax.jit(
      lambda p, b: jax.grad(method.loss, has_aux=True)(
        p, state, b, jax.random.key(1)
      )[0],
      in_shardings=(whole, part),
      out_shardings=whole,
    )
    return jax.device_get(grad(params, jax.device_put(batch(0), part)))

  one = jax.tree.leaves(gradients(1))
  size = np.sqrt(sum(np.sum(x**2) for x in one))
  assert size > 1e-3
  for devices in (2, 4, 8):
    other = jax.tree.leaves(gradients(devices))
    apart = np.sqrt(
      sum(np.sum((a - b) ** 2) for a, b in zip(one, other, strict=True))
    )
    assert apart < 1e-5 * size


@pytest.mark.parametrize('name', sorted(methods.METHODS))
def test_the_loss_falls_and_the_statistics_move(name):
  method = make(config(name))
  losses, variables = run(method, 60, 2)
  assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
  fresh = jax.device_get(start(method).variables)
  for a, b in zip(
    jax.tree.leaves(fresh['batch_stats']),
    jax.tree.leaves(variables['batch_stats']),
    strict=True,
  ):
    assert not np.array_equal(a, b)


def test_simclr_is_its_objective_on_two_views_of_the_whole_batch():
  settings = config('simclr')
  method = make(settings)
  state = start(method)
  key = jax.random.key(3)
  images = batch(0)['unlabelled']['image']
  loss, (_, batch_stats, _) = method.loss(state.params, state, batch(0), key)

  table = augment.with_statistics(*channel_statistics(IMAGES))
  x = augment.views(augment.parse(VIEWS, table), key, images, 2)
  both = jnp.concatenate([x[:, 0], x[:, 1]])  # Order is nothing to BatchNorm.
  (z, _), updates = method.model.apply(
    state.variables, both, train=True, mutable=['batch_stats']
  )
  # The oracle wants one matrix and says which rows are of one image.
  expected = optax.losses.ntxent(
    z, jnp.tile(jnp.arange(BATCH), 2), temperature=0.2
  )
  np.testing.assert_allclose(loss, expected, rtol=1e-5)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
    batch_stats,
    updates['batch_stats'],
  )


def test_a_step_of_supervised_reports_the_accuracy_on_the_batch():
  method = make(config('supervised', label_smoothing=0.0))
  state = start(method)
  loss, (metrics, _, _) = method.loss(
    state.params, state, batch(0), jax.random.key(0)
  )
  # A classifier of zeros gives every class the same probability.
  np.testing.assert_allclose(loss, np.log(NUM_CLASSES), rtol=1e-5)
  expected = np.mean(batch(0)['labelled']['label'] == 0)
  np.testing.assert_allclose(metrics['accuracy'], expected)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    (config('simclrr'), "'simclrr'; known: simclr, supervised"),
    (config('simclr', objective='infonce'), "'infonce'; known: dcl, nt_xent"),
    (config('simclr', temperature=0.0), 'temperature must be positive, got 0'),
    (config('supervised', label_smoothing=1.0), r'in \[0, 1\), got 1.0'),
  ],
)
def test_wrong_fields_are_named(settings, message):
  with pytest.raises(InputError, match=message):
    make(settings)
