"""Objectives that tell an image's other view from all other images.

Plain global-batch code: under `jit` with the batch sharded over devices the
negatives are those of the whole batch, with no collective written by hand. A
`block_size` gives the same value and gradient with memory linear in the batch,
and is divided over devices where a mesh is in context, see
`contrastive_blocks`.
"""

import jax
import jax.numpy as jnp

from semisup_jax.objectives.contrastive_blocks import logsumexp_of_others
from semisup_jax.objectives.views import check_views, unit_rows, widen


def nt_xent(
  z_a: jax.Array,
  z_b: jax.Array,
  *,
  temperature: float,
  block_size: int | None = None,
) -> jax.Array:
  """Normalised temperature-scaled cross-entropy, the loss of SimCLR.

  Chen et al. 2020, https://arxiv.org/abs/2002.05709, Eq. 1: each of the 2N
  views has its partner to find among the 2N - 1 others,

    mean over i of  logsumexp over k != i of s_ik / T  -  s_ip(i) / T,

  where s is the cosine similarity and p(i) the other view of i's image. The
  mean is over all 2N views; the authors' code averages over N and so reports
  twice this value. The least value depends on the batch: N identical pairs of
  views that are all alike have ln(2N - 1), not 0.

  The similarities are multiplied out at the highest precision, also where the
  device's default is TensorFloat-32 or bfloat16: dividing by a small
  temperature magnifies their error.

  Args:
    z_a: Projections of view A, float [batch, dim], of any length: they are
      normalised here.
    z_b: Projections of view B of the same images, float [batch, dim].
    temperature: T, positive; SimCLR uses 0.1 to 0.5.
    block_size: Rows of a block of the similarity matrix, which then is never
      whole in memory; None computes it at once. It changes no value. A number
      takes gradients in reverse mode alone, and once.

  Returns:
    Scalar in nats, float32 or wider, the mean over the 2N views. Memory grows
    as (2N)^2, with a block size as 2N.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim] (one image
      has no negatives, and the loss would be 0 whatever the projections), if
      the temperature is a number that is not positive, or if the block size is
      no whole number of at least 1.
  """
  if block_size is not None:
    return _block_wise(z_a, z_b, temperature, block_size, left_out=1)
  similarities, positives = _similarities(z_a, z_b, temperature)
  n = positives.shape[1]
  same_view = jnp.eye(2 * n, dtype=bool).reshape(2, n, 2, n)
  return _mean_loss(similarities, positives, left_out=same_view)


def dcl(
  z_a: jax.Array,
  z_b: jax.Array,
  *,
  temperature: float,
  block_size: int | None = None,
) -> jax.Array:
  """Decoupled contrastive loss: the positive is left out of the denominator.

  Yeh et al. 2021, https://arxiv.org/abs/2110.06848, L_DC, without the
  optional von Mises-Fisher weights:

    mean over i of  logsumexp over k not in {i, p(i)} of s_ik / T
                    -  s_ip(i) / T,

  over the 2N views with the notation of `nt_xent`. It can be negative: its
  least value lies below 0 as soon as positives are closer than negatives.

  Args:
    z_a: Projections of view A, float [batch, dim], of any length: they are
      normalised here.
    z_b: Projections of view B of the same images, float [batch, dim].
    temperature: T, positive.
    block_size: Rows of a block of the similarity matrix, which then is never
      whole in memory; None computes it at once. It changes no value. A number
      takes gradients in reverse mode alone, and once.

  Returns:
    Scalar in nats, float32 or wider, the mean over the 2N views. Memory grows
    as (2N)^2, with a block size as 2N.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim] (one image
      has no negatives, and the denominator would be empty), if the temperature
      is a number that is not positive, or if the block size is no whole number
      of at least 1.
  """
  if block_size is not None:
    return _block_wise(z_a, z_b, temperature, block_size, left_out=2)
  similarities, positives = _similarities(z_a, z_b, temperature)
  n = positives.shape[1]
  same_image = jnp.eye(n, dtype=bool)[None, :, None, :]
  return _mean_loss(similarities, positives, left_out=same_image)


def sup_con(
  z_a: jax.Array, z_b: jax.Array, labels: jax.Array, *, temperature: float
) -> jax.Array:
  """Supervised contrastive loss: all views of a class are positives.

  Khosla et al. 2020, https://arxiv.org/abs/2004.11362, Eq. 2 (L_out), the sum
  over the positives outside the logarithm and divided by their number:

    mean over i of  logsumexp over k != i of s_ik / T
                    -  mean over p in P(i) of s_ip / T,

  over the 2N views with the notation of `nt_xent`; P(i) are the views p != i
  with the label of i, the other view of its own image always among them. The
  authors' code multiplies by T / T_base; here there is no such factor. Labels
  that all differ give `nt_xent`.

  Args:
    z_a: Projections of view A, float [batch, dim], of any length: they are
      normalised here.
    z_b: Projections of view B of the same images, float [batch, dim].
    labels: Classes of the images, integer [batch]. Any number is a class: one
      that stands for "no label" would make positives of all such images.
    temperature: T, positive; the paper uses 0.1.

  Returns:
    Scalar in nats, float32 or wider, the mean over the 2N views. Memory grows
    as (2N)^2.

  Raises:
    ValueError: If the shapes of the views differ or are not
      [batch >= 2, dim], if the labels are not integers of shape [batch], or if
      the temperature is a number that is not positive.
  """
  similarities, own = _similarities(z_a, z_b, temperature)
  n = own.shape[1]
  labels = _check_labels(labels, n)
  same_view = jnp.eye(2 * n, dtype=bool).reshape(2, n, 2, n)
  same_class = (labels[:, None] == labels)[None, :, None, :]
  positive = same_class & ~same_view
  # Never an empty mean: the other view of one's own image is positive.
  positives = jnp.mean(similarities, axis=(2, 3), where=positive)
  return _mean_loss(similarities, positives, left_out=same_view)


def _similarities(
  z_a: jax.Array, z_b: jax.Array, temperature: float
) -> tuple[jax.Array, jax.Array]:
  """Returns s / T of all pairs, [2, N, 2, N], and of the positives, [2, N]."""
  _check(z_a, z_b, temperature)
  # Views are stacked and not concatenated: the batch axis stays an axis of its
  # own, so that a sharded one needs no reshuffling of its rows.
  views = unit_rows(jnp.stack(widen(z_a, z_b)))
  similarities = jnp.einsum(
    'vid,wjd->viwj', views, views, precision=jax.lax.Precision.HIGHEST
  )
  positives = jnp.sum(views * views[::-1], axis=-1)
  return similarities / temperature, positives / temperature


def _block_wise(
  z_a: jax.Array,
  z_b: jax.Array,
  temperature: float,
  block_size: int,
  *,
  left_out: int,
) -> jax.Array:
  """The loss without the matrix; so many views of the own image left out."""
  _check(z_a, z_b, temperature)
  # The views of an image stand next to each other, so that a sharded batch
  # keeps its rows where they are. Inner products are s / T, and the gradient of
  # a learned temperature comes with that of the rows.
  views = unit_rows(jnp.stack(widen(z_a, z_b), axis=1)) / jnp.sqrt(temperature)
  n, _, dim = views.shape
  others = logsumexp_of_others(
    views.reshape(2 * n, dim), group=left_out, block_size=block_size
  )
  positives = jnp.sum(views[:, 0] * views[:, 1], axis=-1)
  return jnp.mean(others.reshape(n, 2) - positives[:, None])


def _check(z_a: jax.Array, z_b: jax.Array, temperature: float) -> None:
  check_views(z_a, z_b, smallest_batch=2)
  # A traced temperature (a learned one) has no value to look at yet.
  if isinstance(temperature, int | float) and not temperature > 0:
    raise ValueError(f'temperature must be positive, got {temperature}')


def _check_labels(labels: jax.Array, batch: int) -> jax.Array:
  """Returns the labels as an array, or fails."""
  labels = jnp.asarray(labels)
  if labels.shape != (batch,) or not jnp.issubdtype(labels.dtype, jnp.integer):
    raise ValueError(
      f'labels of {batch} images need shape ({batch},) and integers; got '
      f'{labels.shape} and {labels.dtype}'
    )
  return labels


def _mean_loss(
  similarities: jax.Array, positives: jax.Array, *, left_out: jax.Array
) -> jax.Array:
  """Means logsumexp - positive; `left_out` broadcasts to [2, N, 2, N]."""
  others = jnp.where(left_out, -jnp.inf, similarities)
  return jnp.mean(jax.nn.logsumexp(others, axis=(2, 3)) - positives)
