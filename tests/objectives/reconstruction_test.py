"""What holds for the objectives of reconstruction alone."""

import jax
import numpy as np
import optax
import pytest

from semisup_jax.objectives import mean_squared_error, ssim

fast_ssim = jax.jit(ssim, static_argnames='window')


def noise(seed, *shape):
  return np.random.default_rng(seed).uniform(size=shape).astype(np.float32)


def test_mean_squared_error_equals_optax():
  a, b = noise(0, 3, 4, 5), noise(1, 3, 4, 5)
  expected = optax.losses.squared_error(a, b).mean()
  np.testing.assert_allclose(mean_squared_error(a, b), expected, rtol=1e-6)


def test_gradients_of_mean_squared_error_flow_into_both_arrays():
  a, b = noise(2, 3, 4), noise(3, 3, 4)
  to_prediction, to_target = jax.grad(mean_squared_error, (0, 1))(a, b)
  np.testing.assert_allclose(to_prediction, 2 * (a - b) / a.size, rtol=1e-5)
  np.testing.assert_array_equal(to_target, -to_prediction)


@pytest.mark.parametrize('window', [3, 7, 11])
@pytest.mark.parametrize('level', [None, 0.0, 0.3, 1.0, -5.0])
def test_ssim_of_equal_images_is_one(window, level):
  images = noise(4, 2, 12, 11, 3)
  if level is not None:
    images = np.full_like(images, level)
  assert fast_ssim(images, images, data_range=1.0, window=window) == 1


def test_ssim_has_its_greatest_value_at_equal_images():
  images = noise(5, 2, 12, 11, 1)
  grads = jax.grad(fast_ssim, (0, 1))(images, images, data_range=1.0)
  np.testing.assert_allclose(grads, 0, atol=1e-6)
  spoiler = noise(6, 2, 12, 11, 1)
  values = [
    fast_ssim(images, images + strength * spoiler, data_range=1.0)
    for strength in (0.0, 0.01, 0.1, 1.0)
  ]
  assert np.all(np.diff(values) < -1e-4)


def test_ssim_of_a_negative_is_negative():
  images = noise(7, 2, 12, 11, 1)
  assert fast_ssim(images, 1 - images, data_range=1.0) < -0.5


def test_ssim_has_the_reference_value_at_data_range_2():
  i = np.arange(784.0)
  a = 0.5 + 0.5 * np.sin(0.05 * i)
  b = np.clip(0.9 * a + 0.05 * np.cos(i) + 0.05, 0, 1)
  a, b = a.reshape(1, 28, 28, 1), b.reshape(1, 28, 28, 1)
  np.testing.assert_allclose(
    fast_ssim(a, b, data_range=2.0), 0.9890850467041034, rtol=1e-6
  )


def test_ssim_depends_on_values_as_shares_of_the_data_range():
  a, b = noise(8, 2, 12, 11, 1), noise(9, 2, 12, 11, 1)
  np.testing.assert_allclose(
    fast_ssim(255 * a, 255 * b, data_range=255.0),
    fast_ssim(a, b, data_range=1.0),
    rtol=1e-5,
  )


def test_ssim_is_the_mean_over_images_and_channels():
  a, b = noise(10, 2, 5, 6, 3), noise(11, 2, 5, 6, 3)
  alone = [
    fast_ssim(
      a[i, None, ..., c, None],
      b[i, None, ..., c, None],
      data_range=1.0,
      window=3,
    )
    for i in range(2)
    for c in range(3)
  ]
  np.testing.assert_allclose(
    fast_ssim(a, b, data_range=1.0, window=3), np.mean(alone), rtol=1e-5
  )


def test_ssim_of_almost_equal_images_on_a_bright_ground_keeps_its_digits():
  # Multiples of 2^-13, which float32 holds up to 1024: the same images in both.
  a, b = (
    np.round(noise(seed, 2, 12, 11, 1) * 2**13) / 2**13 for seed in (6, 7)
  )
  a, b = 100 + a, 100 + a + np.round(0.01 * b * 2**13) / 2**13
  with jax.enable_x64(True):
    exact = 1 - fast_ssim(
      a.astype(np.float64), b.astype(np.float64), data_range=1.0
    )
  lost = 1 - fast_ssim(a, b, data_range=1.0)
  np.testing.assert_allclose(lost, exact, rtol=1e-2)


def test_rounding_does_not_carry_ssim_beyond_one():
  # Flat but for one edge: there a variance of 0 is a difference of large ones.
  a = np.zeros((64, 8, 8, 1), np.float32)
  a[:, :, 4:] = 1e6 * noise(14, 64, 1, 1, 1)
  b = a * noise(15, 64, 1, 1, 1)
  values = [
    fast_ssim(a[i : i + 1], b[i : i + 1], data_range=1.0, window=3)
    for i in range(64)
  ]
  assert np.all(np.abs(values) <= 1 + 1e-6)


@pytest.mark.parametrize('shape', [(2, 8, 8, 1), (2, 12, 8, 1), (2, 8, 12, 1)])
def test_images_smaller_than_the_window_are_refused(shape):
  images = np.zeros(shape)
  with pytest.raises(ValueError, match='height >= 11, width >= 11'):
    ssim(images, images, data_range=1.0)


@pytest.mark.parametrize('window', [10, 1, -3])
def test_a_window_without_a_middle_is_refused(window):
  images = np.zeros((2, 12, 12, 1))
  with pytest.raises(ValueError, match=f'odd and at least 3, got {window}'):
    ssim(images, images, data_range=1.0, window=window)


@pytest.mark.parametrize('data_range', [0, -1.0, float('nan')])
def test_a_data_range_that_is_not_positive_is_refused(data_range):
  images = np.zeros((2, 12, 12, 1))
  with pytest.raises(ValueError, match='data_range must be positive'):
    ssim(images, images, data_range=data_range)
