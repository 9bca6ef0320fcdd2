"""What a classifier's logits are to be, by what labels say of an image."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.objectives.classification import (
  balanced_class_weights,
  balanced_label_weights,
  sigmoid_cross_entropy,
  soft_cross_entropy,
)


class Target(NamedTuple):
  """How labels become targets, and logits are held against them.

  Attributes:
    encode: `(labels, num_classes, dtype) -> targets`, [N, K] of 0 and 1.
    smooth: `(targets, share) -> targets`, label smoothing.
    loss: `(logits, targets, *, weights, focal_gamma) -> scalar`.
    balanced_weights: Labels, int on the host, and K to the `weights` by which
      what is rare counts as much as what is not, float32 [K].
    right: `(logits, targets) -> share` that is predicted rightly, for the log.
    right_name: What that is called.
  """

  encode: Callable[[jax.Array, int, Any], jax.Array]
  smooth: Callable[[jax.Array, float], jax.Array]
  loss: Callable[..., jax.Array]
  balanced_weights: Callable[[np.ndarray, int], np.ndarray]
  right: Callable[[jax.Array, jax.Array], jax.Array]
  right_name: str


def _one_hot(labels, num_classes, dtype):
  return jax.nn.one_hot(labels, num_classes, dtype=dtype)


def _as_they_are(labels, num_classes, dtype):
  del num_classes
  return labels.astype(dtype)


# An image has one class: softmax. The smoothed share is spread over all classes
# (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).
ONE_CLASS = Target(
  encode=_one_hot,
  smooth=lambda targets, share: (
    (1 - share) * targets + share / targets.shape[-1]
  ),
  loss=soft_cross_entropy,
  balanced_weights=lambda labels, num_classes: balanced_class_weights(
    np.bincount(labels, minlength=num_classes)
  ),
  right=lambda logits, targets: jnp.mean(
    jnp.argmax(logits, -1) == jnp.argmax(targets, -1)
  ),
  right_name='accuracy',
)
# An image has any number of labels: a sigmoid for each. Of each label the
# smoothed share is spread over yes and no, as in Keras' `BinaryCrossentropy`.
SEVERAL_LABELS = Target(
  encode=_as_they_are,
  smooth=lambda targets, share: (1 - share) * targets + share / 2,
  loss=sigmoid_cross_entropy,
  balanced_weights=lambda labels, num_classes: balanced_label_weights(
    labels.sum(axis=0), len(labels)
  ),
  right=lambda logits, targets: jnp.mean((logits > 0) == (targets > 0.5)),
  right_name='binary_accuracy',
)


def target_of(labels: jax.Array) -> Target:
  """The target that labels ask for: by class, [N], or by label, [N, K]."""
  return SEVERAL_LABELS if labels.ndim == 2 else ONE_CLASS
