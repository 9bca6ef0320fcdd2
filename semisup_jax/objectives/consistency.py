"""Objectives on class scores of two views of an unlabelled image."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from semisup_jax.objectives.views import widen


class PseudoLabelTerms(NamedTuple):
  """What `pseudo_label` is the mean of, row by row.

  Attributes:
    loss_per_row: Float [batch], the cross-entropy of the strong view in nats
      where the row is kept, else 0.
    kept: Bool [batch], where the weak view is sure enough. Its mean is the
      share of the batch that is learned from.
    labels: int32 [batch], the class that the weak view finds most probable,
      for rows that are not kept, too.
  """

  loss_per_row: jax.Array
  kept: jax.Array
  labels: jax.Array


def pseudo_label(
  weak_logits: jax.Array,
  strong_logits: jax.Array,
  *,
  threshold: float | jax.Array,
) -> jax.Array:
  """Cross-entropy with the weak view's most probable class, where it is sure.

  Sohn et al. 2020 (FixMatch), https://arxiv.org/abs/2001.07685, Eq. 4. The mean
  is over all rows, kept or not, so that a batch with few sure rows weighs
  little, and one with none is 0 with zero gradients; the mean over the kept
  rows would be another loss.

  Args:
    weak_logits: Unnormalised class scores of the weakly augmented view, float
      [batch, classes], finite. No gradient flows into them.
    strong_logits: Those of the strongly augmented view of the same images,
      float [batch, classes], finite.
    threshold: The probability from which on a row is kept, in [0, 1]: one for
      all rows, or float [batch], one a row (FlexMatch, Zhang et al. 2021,
      https://arxiv.org/abs/2110.08263, has one a class and takes each row's
      from its pseudo-label). FixMatch uses 0.95.

  Returns:
    Scalar in nats, float32 or wider, the mean over all rows.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, classes >= 1], if
      the threshold is neither a scalar nor [batch], or a number outside [0, 1].
  """
  terms = pseudo_label_terms(weak_logits, strong_logits, threshold=threshold)
  return jnp.mean(terms.loss_per_row)


def pseudo_label_terms(
  weak_logits: jax.Array,
  strong_logits: jax.Array,
  *,
  threshold: float | jax.Array,
) -> PseudoLabelTerms:
  """The rows of `pseudo_label`: for its loss, and for what a method logs.

  Args:
    weak_logits: Float [batch, classes], finite. No gradient flows into them.
    strong_logits: Float [batch, classes], finite.
    threshold: In [0, 1], one for all rows or float [batch].

  Returns:
    The loss, whether it is kept, and the pseudo-label of every row.

  Raises:
    ValueError: As `pseudo_label` does.
  """
  _check(weak_logits, strong_logits, threshold)
  weak_logits = jax.lax.stop_gradient(weak_logits)
  weak_logits, strong_logits = widen(weak_logits, strong_logits)
  labels = jnp.argmax(weak_logits, axis=-1).astype(jnp.int32)
  confidence = jnp.max(jax.nn.softmax(weak_logits), axis=-1)
  kept = confidence >= threshold
  log_probabilities = jnp.take_along_axis(
    jax.nn.log_softmax(strong_logits), labels[:, None], axis=-1
  )[:, 0]
  return PseudoLabelTerms(
    loss_per_row=jnp.where(kept, -log_probabilities, 0),
    kept=kept,
    labels=labels,
  )


def _check(
  weak_logits: jax.Array, strong_logits: jax.Array, threshold: float | jax.Array
) -> None:
  """Fails unless the shapes fit and a plain threshold is a probability."""
  shape, strong_shape = jnp.shape(weak_logits), jnp.shape(strong_logits)
  if shape != strong_shape or len(shape) != 2 or 0 in shape:
    raise ValueError(
      'weak and strong logits need one shape [batch >= 1, classes >= 1]; got '
      f'{shape} and {strong_shape}'
    )
  if jnp.shape(threshold) not in ((), shape[:1]):
    raise ValueError(
      f'the threshold of logits {shape} is one number or has shape '
      f'{shape[:1]}; got {jnp.shape(threshold)}'
    )
  # A traced threshold (an adaptive one) has no value to look at yet.
  if isinstance(threshold, int | float) and not 0 <= threshold <= 1:
    raise ValueError(
      f'threshold is a probability and lies in [0, 1], got {threshold}'
    )
