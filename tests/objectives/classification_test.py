"""What holds for the objectives on class scores alone."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import optax
import pytest
import sklearn.utils.class_weight

from semisup_jax.objectives import (
  balanced_class_weights,
  balanced_label_weights,
  sigmoid_cross_entropy,
  soft_cross_entropy,
)


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


WEIGHTS = np.array([0.5, 2.0, 4.0, 0.0])
LOSSES = [soft_cross_entropy, sigmoid_cross_entropy]


def slow(loss, logits, targets, weights, gamma):
  """By the formulas, one term at a time: (1 - p)^gamma times -w t log p."""
  terms = []
  for row, wanted in zip(logits, targets, strict=True):
    of_row = 0.0
    for z, t, w in zip(row, wanted, weights, strict=True):
      if loss is soft_cross_entropy:
        p = np.exp(z) / np.exp(row).sum()
        of_row -= w * t * (1 - p) ** gamma * np.log(p)
      else:
        p = 1 / (1 + np.exp(-z))
        of_row -= w * t * (1 - p) ** gamma * np.log(p)
        of_row -= (1 - t) * p**gamma * np.log(1 - p)
    terms.append(of_row / (1 if loss is soft_cross_entropy else len(row)))
  return np.mean(terms)


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
def test_weights_and_focus_are_those_of_the_formulas(loss, gamma):
  logits = random_logits(4, 7, 4)
  targets = np.random.default_rng(5).dirichlet(np.ones(4), size=7)

  def value(z):
    return loss(z, targets, weights=jnp.asarray(WEIGHTS), focal_gamma=gamma)

  with jax.enable_x64(True):
    expected = slow(loss, logits, targets, WEIGHTS, gamma)
    np.testing.assert_allclose(value(jnp.asarray(logits)), expected, rtol=1e-12)
    jax.test_util.check_grads(value, (jnp.asarray(logits),), 2, eps=1e-5)
  np.testing.assert_allclose(jax.jit(value)(logits), expected, rtol=1e-5)


@pytest.mark.parametrize('loss', LOSSES)
def test_weights_of_one_and_no_focus_leave_the_loss(loss):
  logits = jnp.asarray(random_logits(6, 5, 3))
  targets = jnp.eye(3)[jnp.arange(5) % 3]
  plain = loss(logits, targets)
  assert plain == loss(logits, targets, weights=None, focal_gamma=0.0)
  ones = loss(logits, targets, weights=jnp.ones(3))
  np.testing.assert_allclose(ones, plain, rtol=1e-6)


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize('gamma', [0.5, 1.0, 2.0])
def test_focus_is_finite_where_a_prediction_is_certain(loss, gamma):
  logits = jnp.array([[200.0, -200.0], [-200.0, 200.0], [0.0, 0.0]])
  targets = jnp.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
  value, grad = jax.value_and_grad(loss)(logits, targets, focal_gamma=gamma)
  assert np.isfinite(value)
  assert np.isfinite(grad).all()


def test_balanced_weights_are_scikit_learns():
  labels = np.repeat([0, 1, 2], [70, 25, 5])
  ours = balanced_class_weights(np.bincount(labels))
  theirs = sklearn.utils.class_weight.compute_class_weight(
    'balanced', classes=np.arange(3), y=labels
  )
  np.testing.assert_allclose(ours, theirs, rtol=1e-6)
  np.testing.assert_allclose(ours[labels].mean(), 1, rtol=1e-6)
  # A class without an image changes nothing.
  np.testing.assert_array_equal(
    balanced_class_weights(np.array([70, 25, 5, 0])), [*ours, 0]
  )


def test_balanced_label_weights_are_negatives_by_positives():
  # PyTorch's own example: 100 positives and 300 negatives weigh 3.
  ours = balanced_label_weights(np.array([100, 0, 400, 399]), 400)
  np.testing.assert_allclose(ours, [3, 1, 1, 1 / 399], rtol=1e-6)


@pytest.mark.parametrize('loss', LOSSES)
def test_weights_of_another_number_are_refused(loss):
  with pytest.raises(ValueError, match=r'the shape \(3,\); got \(2,\)'):
    loss(np.zeros((4, 3)), np.zeros((4, 3)), weights=np.ones(2))
