"""BatchNorm over the whole batch, or over each of some groups of it."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen import dtypes
from jax import lax

from semisup_jax import devices
from semisup_jax.types import InputError

FIELDS = ('batch_norm_momentum', 'batch_norm_groups')


class BatchNorm(nn.BatchNorm):
  """Flax's BatchNorm, or what as many devices as groups compute with it.

  That is BatchNorm on each device by itself ("local" BatchNorm): of N rows, the
  row i is in the group i // (N / groups), and is normalized by its group's mean
  and biased variance. The running statistics follow the mean of the groups'
  means and of their variances. It is what averaging the devices' own running
  statistics gives, whenever one does that, as a moving average is linear. It
  leaves out how far the groups' means lie apart, so the running variance is a
  little below that of the whole batch.

  The groups are a reshape of the global batch: the numbers are the same on any
  number of devices. Methods put all views of an image, and a labelled image and
  its unlabelled ones, side by side, so that a group holds them together.

  In training the numbers are Flax's but for rounding, and faster made: no
  gradient goes through the statistics that are kept, and Flax's fields for
  other axes and ways to sum are not looked at. Otherwise it is Flax's own code.
  Flax names variables after the class, so this one is called as Flax's.

  Attributes:
    groups: Into how many the batch is divided in training; 1 is global
      BatchNorm.
  """

  groups: int = 1

  def __call__(self, x: jax.Array) -> jax.Array:
    """Normalizes float [N, ..., C] over all axes but the last.

    Raises:
      ValueError: If the groups do not divide N, in training.
    """
    if self.use_running_average or self.is_initializing():
      return super().__call__(x)
    if len(x) % self.groups:
      raise ValueError(
        f'a batch of {len(x)} rows cannot be divided into {self.groups} groups '
        'for BatchNorm'
      )
    # Where a projector ends in BatchNorm it may have neither.
    scale, bias = (
      self.get_variable(
        'params', name, jnp.full(x.shape[-1], neutral, self.param_dtype)
      )
      for name, neutral in (('scale', 1), ('bias', 0))
    )
    normalize = functools.partial(
      _normalize,
      self.epsilon,
      dtypes.canonicalize_dtype(x, scale, bias, dtype=self.dtype),
      self.groups == 1,
    )
    if self.groups == 1:
      y, *found = normalize(x, scale, bias)
    else:
      y, *found = jax.vmap(normalize, in_axes=(0, None, None))(
        x.reshape(self.groups, -1, *x.shape[1:]), scale, bias
      )
      y, found = y.reshape(x.shape), [each.mean(axis=0) for each in found]
    for name, new in zip(('mean', 'var'), found, strict=True):
      old = self.get_variable('batch_stats', name)
      new = self.momentum * old + (1 - self.momentum) * new
      self.put_variable('batch_stats', name, new)
    return y


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _normalize(
  epsilon: float, dtype: Any, together: bool, x, scale, bias
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """`(y, mean, variance)` of a whole batch; only y has a gradient.

  Written out, the backward pass reads the maps twice: for the two sums that are
  the gradients of bias and scale, which devices add up in one message rather
  than in three, and for that of x.

  Args:
    epsilon: Added to the variance.
    dtype: Of y.
    together: Whether devices divide the batch, where there are some; else XLA
      sees to it.
    x: [N, ..., C].
    scale: [C].
    bias: [C].
  """
  return _forward(epsilon, dtype, together, x, scale, bias)[0]


def _forward(epsilon, dtype, together, x, scale, bias):
  wide = jnp.promote_types(dtype, jnp.float32)
  count = x.size // x.shape[-1]

  def own(total, x, scale, bias):
    x = x.astype(wide)
    mean, square = total(_sums(x, jnp.square(x))) / count
    variance = jnp.maximum(0, square - jnp.square(mean))
    y = (x - mean) * (lax.rsqrt(variance + epsilon) * scale) + bias
    return y.astype(dtype), mean, variance

  out = (devices.ROWS, devices.WHOLE, devices.WHOLE)
  y, mean, variance = devices.on_own_rows(
    own, (x,), whole=(scale, bias), out=out, divided=together
  )
  return (y, mean, variance), (x, scale, mean, variance)


def _backward(epsilon, dtype, together, saved, slopes):
  del dtype  # The slopes have it.
  x, scale, mean, variance = saved
  count = x.size // x.shape[-1]

  def own(total, x, slopes, scale, mean, variance):
    wide, g = x.astype(mean.dtype), slopes.astype(mean.dtype)
    inverse = lax.rsqrt(variance + epsilon)
    of_bias, along = total(_sums(g, g * wide))
    of_scale = (along - mean * of_bias) * inverse
    # scale * inverse * (g - mean of g - normalized * mean of g * normalized)
    lean = inverse * of_scale / count
    level = of_bias / count - mean * lean
    of_x = scale * inverse * (g - wide * lean - level)
    return of_x.astype(x.dtype), of_scale, of_bias

  of_x, *of_params = devices.on_own_rows(
    own,
    (x, slopes[0]),
    whole=(scale, mean, variance),
    out=(devices.ROWS, devices.WHOLE, devices.WHOLE),
    divided=together,
  )
  return of_x, *(each.astype(scale.dtype) for each in of_params)


_normalize.defvjp(_forward, _backward)


def _sums(*arrays: jax.Array) -> jax.Array:
  """[K, C], of K arrays [..., C] over all axes but the last."""
  return jnp.stack([x.sum(axis=range(x.ndim - 1)) for x in arrays])


def fields(section: Mapping[str, Any]) -> dict[str, Any]:
  """What the section `model` of a config says of every BatchNorm.

  Args:
    section: With `batch_norm_momentum`, in [0, 1), the share of the old running
      statistics that is kept, and `batch_norm_groups`, at least 1.

  Returns:
    These two, as the modules' attributes are called.

  Raises:
    InputError: If one of them is out of its range.
  """
  momentum, groups = (section[field] for field in FIELDS)
  if not 0 <= momentum < 1:
    raise InputError(
      f'model.batch_norm_momentum must be in [0, 1), got {momentum}'
    )
  if not isinstance(groups, int) or isinstance(groups, bool) or groups < 1:
    raise InputError(
      'model.batch_norm_groups must be a whole number, at least 1; got '
      f'{groups!r}'
    )
  return {'batch_norm_momentum': momentum, 'batch_norm_groups': groups}
