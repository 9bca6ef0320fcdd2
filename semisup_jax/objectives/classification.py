"""Objectives on class scores."""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.objectives.views import widen


def soft_cross_entropy(
  logits: jax.Array,
  targets: jax.Array,
  *,
  weights: jax.Array | None = None,
  focal_gamma: float = 0.0,
) -> jax.Array:
  """Cross-entropy with a distribution over the classes as the target.

  The mean over the batch of `-sum over c of targets_c log softmax(logits)_c`.
  Hard labels come in as `jax.nn.one_hot(labels, num_classes)`; MixUp
  (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) and collage pass mixed
  one-hot rows; the loss is linear in them, so that it equals the mix of the
  two losses. Gradients flow into `targets` as well: where they come from a
  network, stop them there.

  With `weights` the term of class c is multiplied by its weight, and the mean
  stays one over rows: PyTorch's `CrossEntropyLoss(weight=...)` of targets that
  are probabilities. (Of class indices PyTorch divides by the sum of the batch's
  weights.) With `focal_gamma` it is multiplied by `(1 - softmax(logits)_c) **
  focal_gamma`: the focal loss, Lin et al. 2017,
  https://arxiv.org/abs/1708.02002, Eq. 5, in which `weights` are alpha.

  Args:
    logits: Unnormalised class scores, float [batch, classes], finite.
    targets: Weights of the classes, [batch, classes], non-negative, rows that
      sum to 1 (not checked: under `jit` there is no value to look at).
    weights: Of each class, [classes], non-negative; None weighs none.
    focal_gamma: At least 0; 0 leaves the loss as it is.

  Returns:
    Scalar in nats, float32 or wider, the mean over all rows.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, classes >= 1];
      class indices of shape [batch] are refused here, too.
  """
  logits, targets = _checked(logits, targets, weights)
  log_p = jax.nn.log_softmax(logits)
  targets = _weighed(targets, weights)
  if focal_gamma:
    targets = targets * _focus(log_p, focal_gamma)
  per_row = -jnp.sum(targets * log_p, axis=-1)
  return jnp.mean(per_row)


def sigmoid_cross_entropy(
  logits: jax.Array,
  targets: jax.Array,
  *,
  weights: jax.Array | None = None,
  focal_gamma: float = 0.0,
) -> jax.Array:
  """Cross-entropy of K yes-or-no questions, each with a sigmoid of its own.

  The mean over images and labels of `-t log sigmoid(z) - (1 - t) log
  sigmoid(-z)`, computed as `softplus(z) - z t`, which no logit overflows:
  PyTorch's `BCEWithLogitsLoss`. The loss is linear in the
  targets, so that MixUp and collage may pass mixed rows. Gradients flow into
  `targets` as well.

  With `weights` the first term is multiplied by the label's: PyTorch's
  `pos_weight`. With `focal_gamma` each term is multiplied by what is missing
  to its probability, to that power: the focal loss of `soft_cross_entropy`.

  Args:
    logits: One a label, float [batch, labels], finite.
    targets: How far each label is there, [batch, labels] in [0, 1] (not
      checked: under `jit` there is no value to look at).
    weights: Of each label where it is there, [labels], non-negative; None
      weighs none.
    focal_gamma: At least 0; 0 leaves the loss as it is.

  Returns:
    Scalar in nats a label, float32 or wider.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, labels >= 1].
  """
  logits, targets = _checked(logits, targets, weights)
  if weights is None and not focal_gamma:
    return jnp.mean(jax.nn.softplus(logits) - logits * targets)
  log_yes, log_no = -jax.nn.softplus(-logits), -jax.nn.softplus(logits)
  yes, no = _weighed(targets, weights), 1 - targets
  if focal_gamma:
    yes = yes * _focus(log_yes, focal_gamma)
    no = no * _focus(log_no, focal_gamma)
  return -jnp.mean(yes * log_yes + no * log_no)


def balanced_class_weights(counts: np.ndarray) -> np.ndarray:
  """Weights by which each class counts as much as every other one.

  scikit-learn's `compute_class_weight('balanced')`: N / (K n_c), of the K
  classes that occur; so the mean weight of the N images is 1.

  Args:
    counts: Images of each class, integers [classes], one of them not 0.

  Returns:
    float32 [classes]; 0 for a class without an image.
  """
  occurs = counts > 0
  each = counts.sum() / (occurs.sum() * np.maximum(counts, 1))
  return np.where(occurs, each, 0).astype(np.float32)


def balanced_label_weights(counts: np.ndarray, images: int) -> np.ndarray:
  """Weights by which the images with a label count as much as those without.

  Negatives / positives, what PyTorch's `BCEWithLogitsLoss` names for its
  `pos_weight`.

  Args:
    counts: Images that have each label, integers [labels].
    images: How many there are.

  Returns:
    float32 [labels]; 1 for a label that all images have, or none.
  """
  without = images - counts
  varies = (counts > 0) & (without > 0)
  ratio = without / np.maximum(counts, 1)
  return np.where(varies, ratio, 1).astype(np.float32)


def _weighed(targets: jax.Array, weights: jax.Array | None) -> jax.Array:
  return targets if weights is None else targets * weights


def _focus(log_p: jax.Array, gamma: float) -> jax.Array:
  """(1 - p) ** gamma; above 0, where its gradient would be no number."""
  missing = -jnp.expm1(log_p)
  return jnp.maximum(missing, jnp.finfo(log_p.dtype).tiny) ** gamma


def _checked(
  logits: jax.Array, targets: jax.Array, weights: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
  """Both in float32 or wider, or an error that names their shapes."""
  shape, target_shape = jnp.shape(logits), jnp.shape(targets)
  if shape != target_shape or len(shape) != 2 or 0 in shape:
    raise ValueError(
      'logits and targets need one shape [batch >= 1, classes >= 1]; got '
      f'{shape} and {target_shape}'
    )
  if weights is not None and jnp.shape(weights) != shape[1:]:
    raise ValueError(
      f'weights need the shape {shape[1:]}; got {jnp.shape(weights)}'
    )
  return widen(logits, targets)
