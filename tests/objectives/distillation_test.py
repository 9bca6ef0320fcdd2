"""What holds for the objectives that predict another network's output alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax.objectives import byol, simsiam

both = pytest.mark.parametrize('loss', [byol, simsiam])


def two_views(seed, batch, dim):
  z = np.random.default_rng(seed).normal(size=(2, batch, dim))
  return z[0], z[0] + z[1]


@pytest.mark.parametrize(
  ('target', 'distance'),
  [
    pytest.param([3.0, 0.0], 0, id='same direction'),
    pytest.param([0.0, 2.0], 2, id='orthogonal'),
    pytest.param([-5.0, 0.0], 4, id='opposite'),
    pytest.param([0.0, 0.0], 2, id='zero'),
  ],
)
def test_distance_of_two_directions(target, distance):
  prediction, target = np.array([[2.0, 0.0]] * 3), np.array([target] * 3)
  assert byol(prediction, target) == distance
  assert simsiam(prediction, target) == distance / 2 - 1


def test_equals_optax():
  z_a, z_b = two_views(0, 7, 5)
  distance = optax.losses.cosine_distance(jnp.asarray(z_a), jnp.asarray(z_b))
  np.testing.assert_allclose(byol(z_a, z_b), 2 * distance.mean(), rtol=1e-6)
  np.testing.assert_allclose(simsiam(z_a, z_b), distance.mean() - 1, rtol=1e-6)


@both
def test_no_gradient_flows_into_the_target(loss):
  z_a, z_b = (jnp.asarray(z) for z in two_views(1, 5, 3))
  to_prediction, to_target = jax.grad(loss, (0, 1))(z_a, z_b)
  np.testing.assert_array_equal(to_target, 0)
  assert np.all(np.linalg.norm(to_prediction, axis=1) > 1e-3)


@both
def test_gradients_are_orthogonal_to_the_prediction(loss):
  z_a, z_b = two_views(2, 5, 3)
  with jax.enable_x64(True):
    grad = jax.jit(jax.grad(loss))(z_a, z_b)
  np.testing.assert_allclose(
    np.sum(np.asarray(grad) * z_a, axis=1), 0, atol=1e-12
  )
