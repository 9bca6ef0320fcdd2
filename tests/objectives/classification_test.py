"""What holds for the objectives on class scores alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax.objectives import soft_cross_entropy


def random_logits(seed, batch, classes):
  return np.random.default_rng(seed).normal(size=(batch, classes))


@pytest.mark.parametrize('weight', [0.0, 0.3, 0.5, 1.0])
def test_mixed_targets_give_the_mix_of_two_losses(weight):
  logits = random_logits(0, 8, 4)
  targets = np.eye(4)[np.arange(8) % 4]
  partners = targets[::-1]
  mixed = soft_cross_entropy(logits, weight * targets + (1 - weight) * partners)
  two_terms = weight * soft_cross_entropy(logits, targets) + (
    1 - weight
  ) * soft_cross_entropy(logits, partners)
  np.testing.assert_allclose(mixed, two_terms, rtol=1e-6)


def test_hard_labels_equal_optax():
  logits = jnp.asarray(random_logits(1, 9, 5))
  labels = jnp.arange(9) % 5
  theirs = optax.losses.softmax_cross_entropy_with_integer_labels(
    logits, labels
  )
  ours = soft_cross_entropy(logits, jax.nn.one_hot(labels, 5))
  np.testing.assert_allclose(ours, theirs.mean(), rtol=1e-6)


@pytest.mark.parametrize('classes', [1, 2, 10])
def test_equal_logits_give_the_log_of_the_number_of_classes(classes):
  targets = np.eye(classes)[[0] * 3]
  loss = soft_cross_entropy(np.full((3, classes), 5.0), targets)
  np.testing.assert_allclose(loss, np.log(classes), rtol=1e-6, atol=1e-7)


def test_the_least_value_is_the_entropy_of_the_targets():
  targets = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
  entropy = -np.sum(targets * np.log(targets), axis=1).mean()
  at_targets = soft_cross_entropy(np.log(targets), targets)
  np.testing.assert_allclose(at_targets, entropy, rtol=1e-6)
  assert soft_cross_entropy(np.zeros((2, 3)), targets) > at_targets


def test_the_gradient_is_softmax_minus_targets_over_the_batch():
  logits = random_logits(2, 6, 4)
  targets = np.random.default_rng(3).dirichlet(np.ones(4), size=6)
  with jax.enable_x64(True):
    grad = jax.grad(soft_cross_entropy)(jnp.asarray(logits), targets)
    expected = (jax.nn.softmax(logits) - targets) / 6
  np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-15)


def test_class_indices_are_refused():
  with pytest.raises(ValueError, match=r'\(4, 3\) and \(4,\)'):
    soft_cross_entropy(np.zeros((4, 3)), np.zeros(4, np.int32))
