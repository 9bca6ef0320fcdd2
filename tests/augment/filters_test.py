"""Blur against scipy, sharpness against Pillow, noise against its moments."""

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageFilter
import pytest
import scipy.ndimage
import scipy.stats

from semisup_jax.augment import filters
from semisup_jax.types import InputError


def _scipy_blur(image, sigma, kernel_size):
  return scipy.ndimage.gaussian_filter(
    image.astype(np.float64),
    sigma,
    radius=kernel_size // 2,
    mode='mirror',
    axes=(0, 1),
  )


@pytest.mark.parametrize('sigma', [0.1, 0.8, 2.0, 30.0])
@pytest.mark.parametrize('kernel_size', [1, 3, 9])
@pytest.mark.parametrize('channels', [1, 3])
def test_gaussian_blur_is_scipys(make_image, sigma, kernel_size, channels):
  image = make_image(13, 8, channels)
  blur = jax.jit(filters.gaussian_blur, static_argnames='kernel_size')
  ours = blur(image, sigma, kernel_size=kernel_size)
  expected = _scipy_blur(image, sigma, kernel_size)
  np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize(
  ('height', 'width', 'kernel_size'),
  [(8, 8, 3), (20, 40, 3), (50, 40, 5), (224, 224, 23)],
)
def test_the_kernel_is_a_tenth_of_the_shorter_side(
  draw, make_image, height, width, kernel_size
):
  image = make_image(height, width, 1)
  ours = draw(1, filters.random_gaussian_blur, image, 1.5, 1.5, p=1.0)[0]
  expected = _scipy_blur(image, 1.5, kernel_size)
  np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_random_blur_draws_sigma_and_coin(draw):
  # The centre of a blurred spot tells sigma: 1 / (1 + 2 exp(-1 / 2 sigma^2)),
  # squared, with three weights a side.
  image = jnp.zeros((7, 7, 1)).at[3, 3].set(1.0)
  images = draw(1500, filters.random_gaussian_blur, image, 0.5, 1.5, p=0.7)
  center = images[:, 3, 3, 0]
  blurred = center < 1
  assert abs(blurred.mean() - 0.7) < 4 * np.sqrt(0.7 * 0.3 / 1500)
  neighbour = (1 / np.sqrt(center[blurred]) - 1) / 2
  sigma = np.sqrt(-0.5 / np.log(neighbour))
  assert scipy.stats.kstest(sigma, 'uniform', (0.5, 1.0)).pvalue > 1e-3


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    ((0.0, 1.0), 'sigma'),
    ((2.0, 1.0), 'sigma'),
    ((1.0, 2.0, -0.5), 'p must'),
    ((1.0, 2.0, 0.5, 4), 'kernel_size'),
    ((1.0, 2.0, 0.5, 3.0), 'kernel_size'),
    ((1.0, 2.0, 0.5, 0), 'kernel_size'),
  ],
)
def test_random_gaussian_blur_refuses_bad_amounts(args, message):
  with pytest.raises(InputError, match=message):
    filters.random_gaussian_blur(jax.random.key(0), jnp.zeros((8, 8, 1)), *args)


@pytest.mark.parametrize('channels', [1, 3])
def test_smooth_is_pillows(make_image, channels):
  pixels = np.round(255 * make_image(9, 12, channels)).astype(np.uint8)
  picture = PIL.Image.fromarray(pixels.squeeze())
  expected = np.asarray(picture.filter(PIL.ImageFilter.SMOOTH))
  ours = jax.jit(filters.smooth)(jnp.array(pixels / 255, jnp.float32))
  # Pillow rounds to 8 bits.
  np.testing.assert_allclose(
    255 * ours, expected.reshape(pixels.shape), atol=0.51
  )
  np.testing.assert_allclose(255 * ours[0], pixels[0], atol=1e-4)


@pytest.mark.parametrize('factor', [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize('channels', [1, 3])
def test_adjust_sharpness_is_pillows(make_image, factor, channels):
  pixels = np.round(255 * make_image(9, 12, channels)).astype(np.uint8)
  enhancer = PIL.ImageEnhance.Sharpness(PIL.Image.fromarray(pixels.squeeze()))
  expected = np.asarray(enhancer.enhance(factor)).reshape(pixels.shape)
  ours = filters.adjust_sharpness(jnp.array(pixels / 255, jnp.float32), factor)
  # Pillow rounds the smoothed value to 8 bits, and then the mixture down.
  np.testing.assert_allclose(255 * ours, expected, atol=1.6)


@pytest.mark.parametrize(('amount', 'low'), [(0.4, 0.6), (1.5, 0.0)])
def test_random_sharpness_draws_its_factor_and_coin(draw, amount, low):
  # A spot of height 0.1 becomes 0.1 * (factor + (1 - factor) * 5 / 13).
  image = jnp.full((5, 5, 1), 0.5).at[2, 2].set(0.6)
  pixels = draw(1000, filters.random_sharpness, image, amount, p=0.7)
  spot = (pixels[:, 2, 2, 0] - 0.5) / 0.1
  factor = (spot - 5 / 13) / (8 / 13)
  changed = np.any(pixels != np.asarray(image, np.float64), axis=(1, 2, 3))
  assert abs(changed.mean() - 0.7) < 4 * np.sqrt(0.7 * 0.3 / 1000)
  uniform = scipy.stats.uniform(low, 1 + amount - low)
  assert scipy.stats.kstest(factor[changed], uniform.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
  ('args', 'message'), [((-0.1,), 'amount must'), ((0.5, 2), 'p must')]
)
def test_random_sharpness_refuses_bad_amounts(args, message):
  with pytest.raises(InputError, match=message):
    filters.random_sharpness(jax.random.key(0), jnp.zeros((8, 8, 1)), *args)


def test_add_noise_clips():
  image = jnp.array([0.2, 0.5, 0.9]).reshape(1, 3, 1)
  noise = jnp.array([-0.3, 0.1, 0.3]).reshape(1, 3, 1)
  result = filters.add_noise(image, noise)
  np.testing.assert_allclose(np.ravel(result), [0.0, 0.6, 1.0], atol=1e-6)


def test_random_noise_is_gaussian_and_of_each_value_its_own():
  image = jnp.full((40, 40, 3), 0.5)
  noise = filters.random_noise(jax.random.key(0), image, 0.05) - image
  assert scipy.stats.kstest(np.ravel(noise) / 0.05, 'norm').pvalue > 1e-3
  channels = np.reshape(noise, (-1, 3)).T
  assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 0.1


def test_random_noise_refuses_a_negative_std():
  with pytest.raises(InputError, match='std must be a number at least 0'):
    filters.random_noise(jax.random.key(0), jnp.zeros((4, 4, 1)), -0.1)
