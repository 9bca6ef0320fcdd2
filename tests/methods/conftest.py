"""A toy problem that every method can learn from in seconds."""

import types

import jax
import numpy as np
import optax
import pytest

from semisup_jax import augment, data, methods, models, training
from semisup_jax.types import Task

BATCH = 16
NUM_CLASSES = 3
STEPS = 60
VIEWS = 'color_jitter(0.4, 0.4, 0.0, 0.0)|noise(0.1)|normalize'
PROJECTOR = {
  'projector_hidden': 8,
  'projector_output': 4,
  'projector_hidden_layers': 1,
}
SEMI_SUPERVISED = {
  'unlabelled_ratio': 2,
  'ema_decay': 0.9,
  'batch_norm_images': 'all',
}
FIELDS = {
  'autoencoder': {
    'objective': 'mse',
    'ssim_window': 5,
    'decoder_width': 4,
    'input_noise': 0.1,
  },
  'barlow_twins': {'redundancy_weight': 0.05, **PROJECTOR},
  'byol': {'target_decay': 0.9, 'predictor_hidden': 8, **PROJECTOR},
  'fixmatch': {
    'threshold': 0.5,
    'lowest_threshold': None,
    'unlabelled_weight': 1.0,
    **SEMI_SUPERVISED,
  },
  'mean_teacher': {
    'consistency_weight': 1.0,
    'ramp_up': 0.1,
    **SEMI_SUPERVISED,
  },
  'simclr': {
    'objective': 'nt_xent',
    'temperature': 0.2,
    'block_size': None,
    **PROJECTOR,
  },
  'simsiam': {'predictor_hidden': 4, **PROJECTOR},
  'sup_con': {'temperature': 0.2, **PROJECTOR},
  'supervised': {
    'label_smoothing': 0.1,
    'mixing': 'none',
    'mixing_alpha': 1.0,
    'mixing_per': 'batch',
    'class_weights': 'none',
    'focal_gamma': 0.0,
    'head_init': 'zeros',
  },
  'vicreg': {
    'invariance_weight': 25.0,
    'variance_weight': 25.0,
    'covariance_weight': 1.0,
    **PROJECTOR,
  },
}
# What a method can be told that makes it another one.
VARIANTS = {
  'flexmatch': ('fixmatch', {'lowest_threshold': 0.4}),
  'labelled BatchNorm': ('fixmatch', {'batch_norm_images': 'labelled'}),
  'ssim': ('autoencoder', {'objective': 'ssim'}),
  'collage': ('supervised', {'mixing': 'collage', 'mixing_per': 'image'}),
}
SCHEDULE = optax.constant_schedule(0.01)
TX = optax.sgd(SCHEDULE, momentum=0.9)


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


def config(name, dtype='float32', **method):
  name, more = VARIANTS.get(name, (name, {}))
  return {
    'model': {
      'name': 'convnet',
      'width': 4,
      'strides': (2,),
      'dtype': dtype,
      'batch_norm_momentum': 0.9,
      'batch_norm_groups': 1,
      'remat': False,
    },
    'method': {'name': name, **FIELDS.get(name, {}), **more, **method},
    'data': {'views': VIEWS, 'augment': VIEWS},
  }


def transform(ops):
  table = augment.with_statistics(*data.channel_statistics(IMAGES))
  return augment.parse(ops, table)


TASK = Task(
  num_classes=NUM_CLASSES,
  num_images=len(IMAGES),
  num_unlabelled=len(IMAGES),
  image_shape=IMAGES.shape[1:],
  transform=transform,
  steps=lambda streams: STEPS,
)


def make(settings):
  encoder = models.make_encoder(settings['model'])
  return methods.make_method(settings, encoder, TASK)


def batch(method, step):
  """A batch of every stream that the method reads, of different rows."""
  streams = {}
  for i, (name, ratio) in enumerate(method.streams.items()):
    random = np.random.default_rng((step, i))
    rows = random.permutation(len(IMAGES))[: BATCH * ratio]
    streams[name] = {'image': IMAGES[rows], 'index': rows.astype(np.int32)}
    if name == 'labelled':
      streams[name]['label'] = LABELS[rows]
  return streams


def start(method):
  key = jax.random.key(0)
  return training.create_state(method, TX, key, batch(method, 0))


def runs(method, marks, devices=1):
  """Trains; yields the losses and the state, on the host, at each mark."""
  mesh = training.make_mesh(BATCH, jax.devices()[:devices])
  assert mesh.size == devices
  step = training.make_train_step(method, SCHEDULE, mesh)
  state = training.everywhere(start(method), mesh)
  losses = []
  for mark in marks:
    for t in range(len(losses), mark):
      placed = jax.tree.map(
        lambda x: data.put(x, training.divided(mesh)), batch(method, t)
      )
      state, metrics = step(state, placed)
      losses.append(float(metrics['loss']))
    yield list(losses), jax.device_get(state)


def run(method, steps, devices=1):
  """Trains; returns the losses and the last state, on the host."""
  return next(runs(method, (steps,), devices))


@pytest.fixture(scope='session')
def toy():
  return types.SimpleNamespace(
    BATCH=BATCH,
    IMAGES=IMAGES,
    LABELS=LABELS,
    NUM_CLASSES=NUM_CLASSES,
    STEPS=STEPS,
    TASK=TASK,
    TX=TX,
    VIEWS=VIEWS,
    batch=batch,
    config=config,
    make=make,
    run=run,
    runs=runs,
    start=start,
    transform=transform,
  )


def pytest_generate_tests(metafunc):
  """Gives a test of `name` every method, and every variant of one."""
  if 'name' in metafunc.fixturenames:
    metafunc.parametrize('name', [*sorted(methods.METHODS), *VARIANTS])
