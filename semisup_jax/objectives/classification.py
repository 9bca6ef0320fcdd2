"""Objectives on class scores."""

import jax
import jax.numpy as jnp

from semisup_jax.objectives.views import widen


def soft_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
  """Cross-entropy with a distribution over the classes as the target.

  The mean over the batch of `-sum over c of targets_c log softmax(logits)_c`.
  Hard labels come in as `jax.nn.one_hot(labels, num_classes)`; MixUp
  (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) and collage pass mixed
  one-hot rows; the loss is linear in them, so that it equals the mix of the
  two losses. Gradients flow into `targets` as well: where they come from a
  network, stop them there.

  Args:
    logits: Unnormalised class scores, float [batch, classes], finite.
    targets: Weights of the classes, [batch, classes], non-negative, rows that
      sum to 1 (not checked: under `jit` there is no value to look at).

  Returns:
    Scalar in nats, float32 or wider, the mean over all rows.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, classes >= 1];
      class indices of shape [batch] are refused here, too.
  """
  logits, targets = _checked(logits, targets)
  per_row = -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)
  return jnp.mean(per_row)


def sigmoid_cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
  """Cross-entropy of K yes-or-no questions, each with a sigmoid of its own.

  The mean over images and labels of `-t log sigmoid(z) - (1 - t) log
  sigmoid(-z)`, computed as `softplus(z) - z t`, which no logit overflows:
  PyTorch's `BCEWithLogitsLoss`. The loss is linear in the
  targets, so that MixUp and collage may pass mixed rows. Gradients flow into
  `targets` as well.

  Args:
    logits: One a label, float [batch, labels], finite.
    targets: How far each label is there, [batch, labels] in [0, 1] (not
      checked: under `jit` there is no value to look at).

  Returns:
    Scalar in nats a label, float32 or wider.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, labels >= 1].
  """
  logits, targets = _checked(logits, targets)
  return jnp.mean(jax.nn.softplus(logits) - logits * targets)


def _checked(
  logits: jax.Array, targets: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Both in float32 or wider, or an error that names their shapes."""
  shape, target_shape = jnp.shape(logits), jnp.shape(targets)
  if shape != target_shape or len(shape) != 2 or 0 in shape:
    raise ValueError(
      'logits and targets need one shape [batch >= 1, classes >= 1]; got '
      f'{shape} and {target_shape}'
    )
  return widen(logits, targets)
