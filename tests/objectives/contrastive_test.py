"""What holds for the contrastive objectives alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax.objectives import dcl, nt_xent, sup_con

# Compiled with the temperature as an argument: one compilation for all of them.
fast_nt_xent, fast_dcl = jax.jit(nt_xent), jax.jit(dcl)
fast_sup_con = jax.jit(sup_con)
fast_ntxent_of_optax = jax.jit(optax.losses.ntxent)

both = pytest.mark.parametrize('loss', [nt_xent, dcl])
both_fast = pytest.mark.parametrize('loss', [fast_nt_xent, fast_dcl])


def two_views(seed, batch, dim):
  z = np.random.default_rng(seed).normal(size=(2, batch, dim))
  return z[0], z[0] + 0.5 * z[1]


@pytest.mark.parametrize('temperature', [0.07, 0.5, 2.0])
@pytest.mark.parametrize('batch', [2, 3, 8])
def test_nt_xent_equals_optax_with_two_view_labels(batch, temperature):
  z_a, z_b = two_views(batch, batch, 6)
  labels = jnp.tile(jnp.arange(batch), 2)
  with jax.enable_x64(True):
    theirs = fast_ntxent_of_optax(
      jnp.concatenate([z_a, z_b]), labels, temperature
    )
    ours = fast_nt_xent(z_a, z_b, temperature=temperature)
  np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize('temperature', [0.1, 1.0])
@pytest.mark.parametrize('batch', [2, 5, 16])
def test_nt_xent_of_identical_embeddings_is_chance(batch, temperature):
  z = np.ones((batch, 3))
  np.testing.assert_allclose(
    fast_nt_xent(z, z, temperature=temperature),
    np.log(2 * batch - 1),
    rtol=1e-5,
  )


@pytest.mark.parametrize('batch', [2, 5, 16])
def test_dcl_of_identical_embeddings_is_chance_without_the_positive(batch):
  z = np.ones((batch, 3))
  np.testing.assert_allclose(
    fast_dcl(z, z, temperature=0.5), np.log(2 * batch - 2), rtol=1e-5
  )


@pytest.mark.parametrize('temperature', [0.1, 1.0])
@pytest.mark.parametrize('batch', [2, 6])
def test_orthogonal_images_with_equal_views(batch, temperature):
  z = np.eye(batch)
  negatives = 2 * batch - 2
  np.testing.assert_allclose(
    fast_dcl(z, z, temperature=temperature),
    np.log(negatives) - 1 / temperature,
    rtol=1e-5,
  )
  np.testing.assert_allclose(
    fast_nt_xent(z, z, temperature=temperature),
    np.log1p(negatives * np.exp(-1 / temperature)),
    rtol=1e-3,
    atol=1e-6,
  )


@both_fast
def test_a_small_temperature_does_not_overflow(loss):
  z_a, z_b = two_views(0, 6, 4)
  value, grads = jax.jit(
    jax.value_and_grad(lambda z: loss(z, z_b, temperature=1e-3))
  )(z_a)
  assert np.isfinite(value)
  assert np.all(np.isfinite(grads))


def test_nt_xent_lies_above_dcl():
  z_a, z_b = two_views(1, 7, 4)
  assert fast_nt_xent(z_a, z_b, temperature=0.2) > fast_dcl(
    z_a, z_b, temperature=0.2
  )


@both_fast
def test_gradients_are_orthogonal_to_the_rows(loss):
  z_a, z_b = two_views(2, 6, 4)
  with jax.enable_x64(True):
    grad = jax.grad(lambda z: loss(z, z_b, temperature=0.2))(jnp.asarray(z_a))
  dots = np.sum(np.asarray(grad) * z_a, axis=1)
  np.testing.assert_allclose(dots, 0, atol=1e-12)


@both_fast
def test_a_learned_temperature_has_a_gradient(loss):
  z_a, z_b = two_views(3, 6, 4)
  grad = jax.grad(lambda t: loss(z_a, z_b, temperature=t))(0.3)
  assert np.isfinite(grad)
  assert grad != 0


@both
@pytest.mark.parametrize('temperature', [0, -0.1, float('nan')])
def test_a_temperature_that_is_not_positive_is_refused(loss, temperature):
  z_a, z_b = two_views(4, 4, 3)
  with pytest.raises(ValueError, match='temperature must be positive'):
    loss(z_a, z_b, temperature=temperature)


def test_sup_con_with_a_class_for_every_image_is_nt_xent():
  z_a, z_b = two_views(5, 6, 4)
  with jax.enable_x64(True):
    ours, ours_grad = jax.jit(jax.value_and_grad(sup_con))(
      z_a, z_b, np.arange(6), temperature=0.1
    )
    expected, expected_grad = jax.jit(jax.value_and_grad(nt_xent))(
      z_a, z_b, temperature=0.1
    )
  np.testing.assert_allclose(ours, expected, rtol=1e-12)
  np.testing.assert_allclose(ours_grad, expected_grad, rtol=1e-9, atol=1e-12)


def test_sup_con_of_orthogonal_classes():
  labels = np.array([0, 0, 1, 1, 1])
  z, at_temperature = np.eye(2)[labels], 1 / 0.5
  losses = []
  for size in (2, 2, 3, 3, 3):
    positives, negatives = 2 * size - 1, 2 * (5 - size)
    total = positives * np.exp(at_temperature) + negatives
    losses.append(np.log(total) - at_temperature)
  np.testing.assert_allclose(
    fast_sup_con(z, z, labels, temperature=0.5), np.mean(losses), rtol=1e-5
  )


def test_sup_con_does_not_look_at_the_names_of_the_classes():
  z_a, z_b = two_views(6, 6, 4)
  labels = np.array([0, 1, 2, 2, 1, 1])
  loss = fast_sup_con(z_a, z_b, labels, temperature=0.2)
  renamed = np.array([70, -3, 0])[labels]
  assert fast_sup_con(z_a, z_b, renamed, temperature=0.2) == loss
  assert fast_sup_con(z_a, z_b, labels[::-1], temperature=0.2) != loss


@pytest.mark.parametrize(
  'labels',
  [
    pytest.param(np.arange(3), id='too few'),
    pytest.param(np.eye(4, dtype=int), id='one-hot'),
    pytest.param(np.arange(4.0), id='not integers'),
  ],
)
def test_sup_con_refuses_labels_that_are_not_classes(labels):
  z_a, z_b = two_views(7, 4, 3)
  with pytest.raises(ValueError, match=r'labels of 4 images need shape \(4,\)'):
    sup_con(z_a, z_b, labels, temperature=0.5)


def test_sup_con_refuses_a_temperature_that_is_not_positive():
  z_a, z_b = two_views(8, 4, 3)
  with pytest.raises(ValueError, match='temperature must be positive'):
    sup_con(z_a, z_b, np.arange(4), temperature=0.0)
