"""Objectives that predict one network's output from another's.

Both look in one direction only, from the prediction to the target; a method
that uses both views as predictions takes the mean or the sum of two calls.
"""

import jax
import jax.numpy as jnp

from semisup_jax.objectives.views import check_views, unit_rows, widen


def byol(prediction: jax.Array, target: jax.Array) -> jax.Array:
  """Squared distance of normalised prediction and target, the loss of BYOL.

  Grill et al. 2020, https://arxiv.org/abs/2006.07733, Eq. 2, in one direction:
  the mean over the rows of `2 - 2 cos`, from 0 (same direction) to 4
  (opposite). The paper adds the loss with the views exchanged.

  Args:
    prediction: Output of the online network's predictor, float [batch, dim],
      of any length: it is normalised here. A zero row has cosine 0.
    target: Projection of the other view by the target network, float
      [batch, dim]. No gradient flows into it.

  Returns:
    Scalar, float32 or wider, the mean over the batch.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, dim].
  """
  return 2 - 2 * _mean_cosine(prediction, target)


def simsiam(prediction: jax.Array, target: jax.Array) -> jax.Array:
  """Negative cosine similarity of prediction and target, the loss of SimSiam.

  Chen and He 2021, https://arxiv.org/abs/2011.10566, Eq. 1, in one direction:
  minus the mean over the rows of the cosine, from -1 (same direction) to 1. The
  paper takes the mean with the loss of the views exchanged. Its gradient is
  half that of `byol`.

  Args:
    prediction: Output of the predictor, float [batch, dim], of any length: it
      is normalised here. A zero row has cosine 0.
    target: Projection of the other view, float [batch, dim]. No gradient flows
      into it.

  Returns:
    Scalar, float32 or wider, the mean over the batch.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, dim].
  """
  return -_mean_cosine(prediction, target)


def _mean_cosine(prediction: jax.Array, target: jax.Array) -> jax.Array:
  """Means the cosine over the rows; the target is a constant."""
  check_views(prediction, target, smallest_batch=1)
  prediction, target = widen(prediction, jax.lax.stop_gradient(target))
  cosines = jnp.sum(unit_rows(prediction) * unit_rows(target), axis=-1)
  return jnp.mean(cosines)
