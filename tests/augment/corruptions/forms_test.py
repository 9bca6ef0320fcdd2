"""Every corruption eager and jitted, on grey images, and for accelerators."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.augment import corruptions

_NAMES = list(corruptions.CORRUPTIONS)


@pytest.mark.parametrize('name', _NAMES)
def test_eager_is_jit(make_levels, name):
  corruption = corruptions.CORRUPTIONS[name]
  image = jnp.asarray(make_levels(12, 14, 3))
  key = jax.random.key(0)
  eager = corruption(key, image, 3)
  jitted = jax.jit(corruption, static_argnums=2)(key, image, 3)
  assert eager.dtype == jitted.dtype == jnp.float32
  assert -1e-6 < jnp.min(eager) <= jnp.max(eager) < 1 + 1e-6
  # What is truncated on the way may end on the level below.
  far = np.abs(eager - jitted) > 1e-5
  assert np.mean(far) < 2e-3
  np.testing.assert_allclose(eager, jitted, atol=1.1 / 255)


# Where channels do not mix and the same is drawn for any number of them.
_OF_EACH_CHANNEL = [
  *('defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur', 'snow', 'fog'),
  *('brightness', 'contrast', 'elastic_transform', 'pixelate'),
  *('jpeg_compression', 'gaussian_blur'),
]


@pytest.mark.parametrize('name', [n for n in _NAMES if n != 'saturate'])
def test_grey_images_have_one_channel_and_any_two_sides(make_pixels, name):
  grey = np.stack([make_pixels(9, 13, 1, seed) for seed in range(2)])
  corrupt = jax.jit(
    functools.partial(corruptions.corrupt, name=name, severity=5, seed=0)
  )
  result = np.asarray(corrupt(grey, np.arange(2)))
  assert result.shape == grey.shape
  assert np.any(result != grey)
  if name in _OF_EACH_CHANNEL:
    colored = np.asarray(corrupt(grey.repeat(3, -1), np.arange(2)))
    difference = np.abs(colored.astype(int) - result)
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.01


@pytest.mark.parametrize('name', _NAMES)
def test_corruptions_lower_for_every_platform(name):
  # Fails on callbacks to the host.
  corrupt = functools.partial(
    corruptions.corrupt, name=name, severity=3, seed=0
  )
  exported = jax.export.export(
    jax.jit(corrupt), platforms=('cpu', 'cuda', 'tpu')
  )(np.zeros((2, 8, 9, 3), np.uint8), np.arange(2))
  assert exported.out_avals[0].shape == (2, 8, 9, 3)
