"""Pairs of images and of their labels, mixed across a batch.

Images are float [N, H, W, C] of any range, already augmented and normalized;
targets are float [N, K] whose rows sum to 1, and so do those of the result. An
image's partner is another image of the batch, the same for pixels and labels.
Both arrays are those of the global batch: under `jit` a sharded one gives what
one device would. The caller's `per` is 'batch', for one draw of the Beta
distribution and one place of the cut a batch, or 'image', for one an image.
"""

from collections.abc import Callable
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import amounts, boxes

Mixed = tuple[jax.Array, jax.Array]
# (key, images, targets, *, alpha, per) -> (images, targets)
Mix = Callable[..., Mixed]


def derangement(key: jax.Array, n: int) -> jax.Array:
  """Draws a partner for each row, never the row itself.

  Every row is the partner of one: a permutation that is one cycle, any of the
  (n - 1)! with the same probability.

  Args:
    key: A PRNG key.
    n: The number of rows, >= 2, static.

  Returns:
    int32 [n].

  Raises:
    ValueError: If there are fewer than two rows.
  """
  if n < 2:
    raise ValueError(f'a partner needs 2 rows or more, got {n}')
  cycle = jax.random.permutation(key, jnp.arange(n, dtype=jnp.int32))
  return jnp.zeros_like(cycle).at[cycle].set(jnp.roll(cycle, -1))


def _check(
  images: jax.Array, targets: jax.Array, alpha: float, per: str
) -> None:
  """Checks what the three have in common, or raises."""
  amounts.check_positive('alpha', alpha)
  amounts.check_choice('per', per, ('batch', 'image'))
  if images.ndim != 4 or targets.ndim != 2 or len(images) != len(targets):
    raise ValueError(
      'images must be [N, H, W, C] and targets [N, K], got '
      f'{list(images.shape)} and {list(targets.shape)}'
    )
  for name, array in (('images', images), ('targets', targets)):
    if array.dtype not in (jnp.float32, jnp.float64):
      raise ValueError(f'{name} must be float32 or float64, got {array.dtype}')


def _draw_weights(
  key: jax.Array, images: jax.Array, alpha: float, per: str
) -> jax.Array:
  """Draws from Beta(alpha, alpha) in the images' dtype, float [1] or [N].

  By way of Student's t with nu = 2 alpha degrees of freedom: where T is drawn
  from it, T / sqrt(nu + T^2) is 2 lambda - 1. And T is one coordinate of a
  point in the plane at a random angle (Bailey 1994, Polar generation of random
  variates with the t-distribution, https://doi.org/10.2307/2153537). Exact, and
  without the loops of `jax.random.beta`, which take seconds to compile.
  """
  count = 1 if per == 'batch' else len(images)
  u, v = amounts.uniform(key, images, 0, 1, (2, count))
  cos = jnp.cos(2 * np.pi * v)
  # nu / (radius of the point)^2, from 0 to infinity; T = radius * cos.
  spread = 1 / jnp.expm1(-jnp.log(u) / alpha)
  return 0.5 + 0.5 * cos / jnp.sqrt(spread + jnp.square(cos))


def interpolate(
  rows: jax.Array, partner: jax.Array, weight: jax.Array
) -> jax.Array:
  """Moves every row towards its partner.

  Args:
    rows: Float [N, ...].
    partner: Whose row, int [N].
    weight: Of the row itself, float [N] or [1] in [0, 1].

  Returns:
    Float [N, ...], of the dtype of `rows`.
  """
  weight = weight.astype(rows.dtype).reshape(-1, *[1] * (rows.ndim - 1))
  return weight * rows + (1 - weight) * rows[partner]


def splice(
  images: jax.Array, targets: jax.Array, partner: jax.Array, keep: jax.Array
) -> Mixed:
  """Takes some pixels from the partner, and of the label as large a share.

  Args:
    images: Float [N, H, W, C].
    targets: Float [N, K].
    partner: Whose pixels, int [N].
    keep: Which pixels an image keeps, bool [N, H, W] or [1, H, W].

  Returns:
    Images and targets, of the same shapes and dtypes.
  """
  pixels = keep.shape[1] * keep.shape[2]
  kept = jnp.sum(keep, axis=(1, 2), dtype=jnp.int32)
  weight = kept.astype(targets.dtype) / pixels
  spliced = jnp.where(keep[..., None], images, images[partner])
  return spliced, interpolate(targets, partner, weight)


def mixup(
  key: jax.Array,
  images: jax.Array,
  targets: jax.Array,
  *,
  alpha: float,
  per: str,
) -> Mixed:
  """Takes convex combinations of images and of labels.

  Zhang et al. 2018, https://arxiv.org/abs/1710.09412.

  Args:
    key: A PRNG key.
    images: Float [N, H, W, C].
    targets: Float [N, K].
    alpha: > 0; an image's own weight is drawn from Beta(alpha, alpha).
    per: 'batch' or 'image', as above.

  Returns:
    Images and targets, of the same shapes and dtypes.

  Raises:
    InputError: If alpha is not positive, or `per` is another word.
    ValueError: If the shapes do not fit, a dtype is neither float32 nor
      float64, or N < 2.
  """
  _check(images, targets, alpha, per)
  key_partner, key_weight = jax.random.split(key)
  partner = derangement(key_partner, len(images))
  weight = _draw_weights(key_weight, images, alpha, per)
  mixed = interpolate(images, partner, weight)
  return mixed, interpolate(targets, partner, weight)


def cutmix(
  key: jax.Array,
  images: jax.Array,
  targets: jax.Array,
  *,
  alpha: float,
  per: str,
) -> Mixed:
  """Replaces a box of each image by the partner's.

  Yun et al. 2019, https://arxiv.org/abs/1905.04899: the box has the image's
  shape and, rounded to whole pixels, the area 1 - lambda with lambda from
  Beta(alpha, alpha). Its centre is uniform, and what lies outside is clipped; a
  label weighs exactly the area that is kept, so more than lambda on average.

  Args:
    key: A PRNG key.
    images: Float [N, H, W, C].
    targets: Float [N, K].
    alpha: > 0, of the Beta distribution.
    per: 'batch' or 'image', as above.

  Returns:
    Images and targets, of the same shapes and dtypes.

  Raises:
    InputError: If alpha is not positive, or `per` is another word.
    ValueError: If the shapes do not fit, a dtype is neither float32 nor
      float64, or N < 2.
  """
  _check(images, targets, alpha, per)
  key_partner, key_weight, key_row, key_column = jax.random.split(key, 4)
  share = jnp.sqrt(1 - _draw_weights(key_weight, images, alpha, per))
  inside = []
  for key_center, side in zip(
    (key_row, key_column), images.shape[1:3], strict=True
  ):
    center = jax.random.randint(key_center, share.shape, 0, side, jnp.int32)
    length = jnp.round(share * side).astype(jnp.int32)
    inside.append(boxes.stretch(side, center, length))
  keep = ~(inside[0][:, :, None] & inside[1][:, None, :])
  partner = derangement(key_partner, len(images))
  return splice(images, targets, partner, keep)


def _first(size: int, share: jax.Array, from_end: jax.Array) -> jax.Array:
  """Marks a share of a side from one end, bool [B, size].

  Args:
    size: Of the side, static.
    share: Float [B] in [0, 1], rounded to whole positions.
    from_end: Whether from the last position backwards, bool [B].
  """
  length = jnp.round(share * size).astype(jnp.int32)[:, None]
  position = jnp.arange(size)
  backwards = size - 1 - position
  return jnp.where(from_end[:, None], backwards, position) < length


def collage(
  key: jax.Array,
  images: jax.Array,
  targets: jax.Array,
  *,
  alpha: float,
  per: str,
) -> Mixed:
  """Joins two images along one straight cut.

  The cut is vertical or horizontal; on one of its sides, either as likely, the
  image keeps a share of its columns or rows, drawn from Beta(alpha, alpha) and
  rounded to whole ones. The rest is the partner's, at the places where it was.
  A label weighs exactly the area that is kept.

  Args:
    key: A PRNG key.
    images: Float [N, H, W, C].
    targets: Float [N, K].
    alpha: > 0, of the Beta distribution.
    per: 'batch' or 'image', as above.

  Returns:
    Images and targets, of the same shapes and dtypes.

  Raises:
    InputError: If alpha is not positive, or `per` is another word.
    ValueError: If the shapes do not fit, a dtype is neither float32 nor
      float64, or N < 2.
  """
  _check(images, targets, alpha, per)
  key_partner, key_weight, key_coins = jax.random.split(key, 3)
  share = _draw_weights(key_weight, images, alpha, per)
  vertical, from_end = jax.random.bernoulli(key_coins, 0.5, (2, *share.shape))
  height, width = images.shape[1:3]
  rows = _first(height, share, from_end)[:, :, None]
  columns = _first(width, share, from_end)[:, None, :]
  keep = jnp.where(vertical[:, None, None], columns, rows)
  partner = derangement(key_partner, len(images))
  return splice(images, targets, partner, keep)


def unmixed(
  key: jax.Array,
  images: jax.Array,
  targets: jax.Array,
  *,
  alpha: float,
  per: str,
) -> Mixed:
  """Returns images and targets as they are, whatever the arguments."""
  del key, alpha, per
  return images, targets


MIXING: MappingProxyType[str, Mix] = MappingProxyType(
  {'none': unmixed, 'mixup': mixup, 'cutmix': cutmix, 'collage': collage}
)
