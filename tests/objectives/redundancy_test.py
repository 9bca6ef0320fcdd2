"""What holds for the objectives against redundant features alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from semisup_jax.objectives import (
  barlow_twins,
  barlow_twins_terms,
  vicreg,
  vicreg_terms,
)

# Mean 0, biased variance 1, no two columns correlated.
WHITE = scipy.linalg.hadamard(8)[:, 1:6].astype(np.float64)

# All columns of a 64x64 matrix but the constant one, and two of them again.
NEARLY_WHITE = [*range(1, 64), 1, 2]

# Compiled: one by one the operations would take longer.
fast_barlow_twins = jax.jit(barlow_twins)
fast_barlow_twins_terms = jax.jit(barlow_twins_terms)
fast_vicreg = jax.jit(vicreg)
fast_vicreg_terms = jax.jit(vicreg_terms)


def two_views(seed, batch, dim):
  z = np.random.default_rng(seed).normal(size=(2, batch, dim))
  return z[0], z[0] + z[1]


def with_constant_features(z, count):
  """Features that add nothing to what is summed, but make `z` wide."""
  return jnp.concatenate([z, jnp.ones((len(z), count), z.dtype)], axis=1)


def redundancy_of_barlow_twins(z_a, z_b):
  return barlow_twins_terms(z_a, z_b).redundancy


def covariance_of_vicreg(z_a, z_b):
  # Times the dimension: a sum over the pairs of features.
  return vicreg_terms(z_a, z_b).covariance * z_a.shape[1]


both_sums = pytest.mark.parametrize(
  'summed', [redundancy_of_barlow_twins, covariance_of_vicreg]
)


@both_sums
def test_both_ways_to_the_sum_agree_in_value_and_gradient(summed):
  def padded(z_a, z_b):
    return summed(*(with_constant_features(z, 9) for z in (z_a, z_b)))

  narrow, wide = (
    jax.jit(jax.value_and_grad(loss, (0, 1))) for loss in (summed, padded)
  )
  with jax.enable_x64(True):
    value, grads = narrow(*two_views(0, 7, 5))
    wide_value, wide_grads = wide(*two_views(0, 7, 5))
  np.testing.assert_allclose(wide_value, value, rtol=1e-12)
  np.testing.assert_allclose(wide_grads, grads, rtol=1e-10, atol=1e-14)


@both_sums
@pytest.mark.parametrize(
  ('shape', 'held', 'not_held'),
  [((6, 11), '6x6', '11x11'), ((11, 6), '6x6', '11x11'), ((6, 6), '6x6', '')],
)
def test_only_the_smaller_square_matrix_is_built(summed, shape, held, not_held):
  z = np.zeros(shape, np.float32)
  program = jax.jit(jax.grad(summed)).lower(z, z).as_text()
  assert f'tensor<{held}xf32>' in program
  assert f'tensor<{not_held}xf32>' not in program


@both_sums
@pytest.mark.parametrize(
  ('z_a', 'rtol'),
  [
    pytest.param(two_views(1, 64, 256)[0], 1e-5, id='noise'),
    # As white as wide ones can be: 4 off the diagonal, 65 on it.
    pytest.param(scipy.linalg.hadamard(64)[:, NEARLY_WHITE], 1e-4, id='white'),
  ],
)
def test_little_is_lost_by_subtracting_the_diagonal(summed, z_a, rtol):
  z_b = z_a + 0.01 * np.random.default_rng(2).normal(size=z_a.shape)
  z_a = z_a.astype(np.float64)
  sum_and_grad = jax.jit(jax.value_and_grad(summed))
  with jax.enable_x64(True):
    exact, exact_grad = sum_and_grad(z_a, z_b)
  value, grad = sum_and_grad(z_a, z_b)
  np.testing.assert_allclose(value, exact, rtol=rtol)
  error = np.linalg.norm(np.asarray(grad) - np.asarray(exact_grad))
  assert error <= rtol * np.linalg.norm(exact_grad)


def test_barlow_twins_of_equal_white_views_is_zero():
  loss = fast_barlow_twins(WHITE, WHITE, redundancy_weight=1.0)
  assert 0 <= loss < 1e-8


def test_barlow_twins_of_views_that_share_nothing():
  terms = fast_barlow_twins_terms(WHITE[:, :2], WHITE[:, 2:4])
  np.testing.assert_allclose(terms.invariance, 2)
  np.testing.assert_allclose(terms.redundancy, 0, atol=1e-12)


def test_barlow_twins_of_one_feature_twice():
  z = np.repeat(WHITE[:, :1], 3, axis=1)
  terms = fast_barlow_twins_terms(z, -z)
  np.testing.assert_allclose(terms.invariance, 3 * 2**2, rtol=1e-4)
  np.testing.assert_allclose(terms.redundancy, 3 * 2, rtol=1e-4)


def test_barlow_twins_divides_by_the_biased_deviation():
  z = np.array([[0.0], [2.0]])
  # The unbiased variance is 2 and gives C = 1/2.
  assert fast_barlow_twins(z, z, redundancy_weight=1.0) < 1e-8


def test_barlow_twins_adds_its_epsilon_to_the_variance():
  z = np.sqrt(1e-5) * np.array([[-1.0], [1.0]])
  np.testing.assert_allclose(
    fast_barlow_twins(z, z, redundancy_weight=1.0), 0.5**2, rtol=1e-5
  )


@pytest.mark.parametrize('shape', [(8, 4), (4, 8)])
def test_terms_of_collapsed_views(shape):
  z = np.ones(shape)
  invariance, redundancy = fast_barlow_twins_terms(z, z)
  np.testing.assert_array_equal((invariance, redundancy), (shape[1], 0))
  invariance, variance, covariance = fast_vicreg_terms(z, z)
  assert invariance == 0
  np.testing.assert_allclose(variance, 1 - 0.01, rtol=1e-6)
  assert covariance == 0


def test_vicreg_of_equal_white_views_is_zero():
  loss = fast_vicreg(
    WHITE, WHITE, invariance_weight=1, variance_weight=1, covariance_weight=1
  )
  np.testing.assert_allclose(loss, 0, atol=1e-12)


def test_vicreg_has_the_reference_terms():
  k = np.arange(32.0).reshape(8, 4)
  z_a = np.sin(1 + k)
  z_b = 0.8 * z_a + 0.6 * np.cos(2 + 3 * k)
  np.testing.assert_allclose(
    fast_vicreg_terms(z_a, z_b),
    (0.161952459709588, 0.2709800514385262, 0.5002850292355291),
    rtol=1e-5,
  )


def test_vicreg_takes_means_where_the_authors_code_does():
  z_a = np.array([[-0.5, -0.5], [0.5, 0.5]])  # Unbiased variance 1/2.
  invariance, variance, covariance = fast_vicreg_terms(z_a, z_a + 3)
  np.testing.assert_allclose(invariance, 3**2, rtol=1e-6)
  np.testing.assert_allclose(variance, 1 - np.sqrt(0.5001), rtol=1e-5)
  # Two entries off the diagonal over two dimensions, in each of two views.
  np.testing.assert_allclose(covariance, 2 * 0.5**2, rtol=1e-6)


def test_vicreg_takes_no_variance_above_one():
  z_a, z_b = two_views(2, 16, 3)
  assert fast_vicreg_terms(10 * z_a, 10 * z_b).variance == 0


def test_the_weights_multiply_the_terms():
  z_a, z_b = two_views(3, 6, 4)
  twins = fast_barlow_twins_terms(z_a, z_b)
  np.testing.assert_allclose(
    fast_barlow_twins(z_a, z_b, redundancy_weight=0.3),
    twins.invariance + 0.3 * twins.redundancy,
    rtol=1e-6,
  )
  terms = fast_vicreg_terms(z_a, z_b)
  np.testing.assert_allclose(
    fast_vicreg(
      z_a, z_b, invariance_weight=2, variance_weight=3, covariance_weight=5
    ),
    2 * terms.invariance + 3 * terms.variance + 5 * terms.covariance,
    rtol=1e-6,
  )
