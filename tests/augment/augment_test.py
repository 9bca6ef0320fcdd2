"""What all ops share: forms, range, dtype, keys, and no communication."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from semisup_jax import augment

_OPS = [
  'random_resized_crop(0.2, 1.0)',
  'random_crop(2)',
  "random_crop(2, mode='reflect')",
  'flip_left_right',
  'color_jitter(0.4, 0.4, 0.4, 0.1, p=0.8)',
  'grayscale(0.2)',
  'gaussian_blur(0.1, 2.0)',
  'random_affine(15, (0.8, 1.2), 10, 0.1)',
  'noise(0.05)',
  'sharpness(0.9, p=0.8)',
  'solarize(0.5)',
  'posterize(0.5, 4)',
  'autocontrast(0.5)',
  'equalize(0.5)',
  'cutout(0.5)',
  'rand_augment(2)',
  'normalize',
]
_ALL = '|'.join(_OPS)
_TABLE = augment.with_statistics(0.5, 0.2)


def _images(count, channels):
  # Large enough for equalize, which needs more than 255 pixels.
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (count, 18, 16, channels), np.uint8)


def _two_views(spec):
  transform = augment.parse(spec, _TABLE)
  return lambda key, images: augment.views(transform, key, images, 2)


# For what does not depend on how well XLA optimizes.
_COMPILE_FAST = {'xla_backend_optimization_level': 0}


@functools.cache
def _compiled_fast(spec):
  return jax.jit(_two_views(spec), compiler_options=_COMPILE_FAST)


@pytest.mark.parametrize(
  ('spec', 'channels'),
  [(spec, 3) for spec in _OPS]
  + [
    ('color_jitter(0.4, 0.4, 0.4, 0.1)', 1),
    ('grayscale(0.2)', 1),
    ('rand_augment(2)', 1),
  ],
)
def test_eager_jit_and_vmap_agree(spec, channels):
  transform = augment.parse(spec, _TABLE)
  images = jnp.array(_images(3, channels) / 255, jnp.float32)
  keys = jax.random.split(jax.random.key(0), 3)
  one = jax.jit(transform)
  jitted = jnp.stack([one(k, x) for k, x in zip(keys, images, strict=True)])
  eager = transform(keys[0], images[0])
  vmapped = jax.jit(jax.vmap(transform))(keys, images)
  assert vmapped.shape == images.shape
  np.testing.assert_allclose(eager, jitted[0], atol=1e-5)
  np.testing.assert_allclose(vmapped, jitted, atol=1e-5)


@pytest.mark.parametrize('spec', _OPS[:-1])
def test_values_stay_in_range_and_extremes_are_reached(spec):
  images = np.where(_images(16, 3) < 128, 0, 255).astype(np.uint8)
  result = _compiled_fast(spec)(jax.random.key(0), images)
  # Weights of a blur or a resize sum to 1 up to rounding.
  assert -1e-6 < result.min() < 0.05
  assert 0.95 < result.max() < 1 + 1e-6


@pytest.mark.parametrize('spec', _OPS[:-1])
def test_views_depend_on_the_key_alone(spec):
  two_views = _compiled_fast(spec)
  images = np.tile(_images(1, 3), (16, 1, 1, 1))
  result = two_views(jax.random.key(0), images)
  again = two_views(jax.random.key(0), images)
  other = two_views(jax.random.key(1), images)
  np.testing.assert_array_equal(result, again)
  assert np.any(result != other)
  # Neither views of one image nor one view of equal images are all alike.
  assert np.any(result[:, 0] != result[:, 1])
  assert np.any(result[0] != result[1:])


def test_a_sharded_batch_needs_no_communication():
  mesh = jax.make_mesh((8,), ('data',), axis_types=(AxisType.Auto,))
  replicated = NamedSharding(mesh, PartitionSpec())
  sharded = NamedSharding(mesh, PartitionSpec('data'))
  key, images = jax.random.key(0), _images(16, 3)
  compiled = (
    jax.jit(
      _two_views(_ALL),
      in_shardings=(replicated, sharded),
      out_shardings=sharded,
    )
    .lower(key, images)
    .compile(compiler_options=_COMPILE_FAST)
  )
  result = compiled(
    jax.device_put(key, replicated), jax.device_put(images, sharded)
  )
  # normalize divides by 0.2, and so multiplies the rounding by 5.
  expected = _compiled_fast(_ALL)(key, images)
  np.testing.assert_allclose(0.2 * result, 0.2 * expected, atol=1e-6)
  text = compiled.as_text()
  assert 'num_partitions=8' in text
  for collective in (
    'all-gather',
    'all-reduce',
    'all-to-all',
    'collective-permute',
    'reduce-scatter',
  ):
    assert collective not in text


@pytest.mark.parametrize('channels', [1, 3])
def test_float64_images_meet_no_narrower_float(channels):
  transform = augment.parse(_ALL, _TABLE)
  with jax.enable_x64(True):
    views = lambda key, images: augment.views(  # noqa: E731
      transform, key, images, 2, jnp.float64
    )
    trace = jax.make_jaxpr(views)(jax.random.key(0), _images(2, channels))
  assert trace.out_avals[0].dtype == jnp.float64
  assert 'f32' not in str(trace)
  assert 'bf16' not in str(trace)


def test_the_pipeline_lowers_for_every_platform():
  # Fails on callbacks to the host.
  exported = jax.export.export(
    jax.jit(_two_views(_ALL)), platforms=('cpu', 'cuda', 'tpu')
  )(jax.random.key(0), _images(4, 3))
  assert exported.out_avals[0].shape == (4, 2, 18, 16, 3)


def test_preprocess_is_the_same_each_time_and_for_each_image():
  transform = augment.parse('random_crop(2)|noise(0.1)', _TABLE)
  images = np.tile(_images(1, 3), (4, 1, 1, 1))
  first = augment.preprocess(transform, images)
  np.testing.assert_array_equal(first, augment.preprocess(transform, images))
  np.testing.assert_array_equal(first, np.tile(first[:1], (4, 1, 1, 1)))
