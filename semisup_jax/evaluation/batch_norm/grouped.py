"""One pass of a network in which groups of rows have statistics of their own.

What a batch of 4 or of 512 test images does to BatchNorm is a matter of which
rows share their statistics. So rows are data here, not shapes: one compiled
program serves every batch size, every order and every mixture, the short last
batch too, and rows that pad belong to no group.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.types import Variables


class Groups(NamedTuple):
  """Which rows share statistics, and what these are made of.

  The statistics of group g are
  `prior[g] * running + carry[g] * those of group g - 1 + own[g] * its moments`,
  where the group before the first has the running ones. Means are mixed with
  means, variances with variances.

  Attributes:
    of_row: int32 [B], the group of each row, in [0, B); B of a row that pads.
    prior: Float [B], by group; there can be as many groups as rows.
    own: Float [B].
    carry: Float [B]; None where no group has any, which saves going through
      them one by one.
  """

  of_row: jax.Array
  prior: jax.Array
  own: jax.Array
  carry: jax.Array | None = None


def apply(
  model: nn.Module, variables: Variables, x: jax.Array, groups: Groups
) -> tuple[jax.Array, Any]:
  """Applies a model, each BatchNorm layer with the statistics of `groups`.

  A layer's moments are those of what reaches it, which the layers before have
  normalized in the same manner.

  Args:
    model: Returns `(output, features)`; its norms are Flax's BatchNorm over the
      last axis, or ours.
    variables: `params` and `batch_stats`.
    x: Normalized images, float [B, H, W, C].
    groups: Of the B rows.

  Returns:
    The output [B, ...] and, in the form of `batch_stats`, the statistics of the
    last group.
  """

  def intercept(next_function, args, kwargs, context):
    module = context.module
    if (
      not isinstance(module, nn.BatchNorm) or context.method_name != '__call__'
    ):
      return next_function(*args, **kwargs)
    return _normalize(module, *args, groups)

  with nn.intercept_methods(intercept):
    (output, _), updates = model.apply(
      variables, x, train=False, mutable=['batch_stats']
    )
  return output, updates['batch_stats']


def _normalize(module: nn.BatchNorm, x: jax.Array, groups: Groups) -> jax.Array:
  """What the module does in eval mode, with statistics by group."""
  running = jnp.stack(
    [module.get_variable('batch_stats', name) for name in ('mean', 'var')]
  )
  wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
  statistics, last = _mixed(_moments(wide, groups.of_row), running, groups)
  for name, value in zip(('mean', 'var'), last, strict=True):
    module.put_variable('batch_stats', name, value)
  of_row = _of_rows(statistics, groups.of_row, x.ndim)
  factor = jax.lax.rsqrt(of_row[1] + module.epsilon)
  y = (wide - of_row[0]) * factor
  if module.use_scale:
    y = y * module.get_variable('params', 'scale')
  if module.use_bias:
    y = y + module.get_variable('params', 'bias')
  return y.astype(module.dtype or x.dtype)


def _moments(x: jax.Array, of_row: jax.Array) -> jax.Array:
  """Mean and biased variance of each group, [2, B, C]; 0 of one without rows.

  In two passes: after a shift the mean can be far larger than the spread, and
  the difference of squares would be lost in rounding.
  """
  rows = len(x)
  inner = tuple(range(1, x.ndim - 1))

  def mean_of_groups(values):
    total = jax.ops.segment_sum(values.mean(inner), of_row, rows)
    return total / jnp.maximum(count, 1)[:, None]

  count = jax.ops.segment_sum(jnp.ones(rows, x.dtype), of_row, rows)
  mean = mean_of_groups(x)
  centred = x - _of_rows(mean, of_row, x.ndim)
  return jnp.stack([mean, mean_of_groups(jnp.square(centred))])


def _mixed(
  moments: jax.Array, running: jax.Array, groups: Groups
) -> tuple[jax.Array, jax.Array]:
  """Statistics of each group, [2, B, C], and of the last, [2, C]."""
  running = running.astype(moments.dtype)
  prior, own = (
    share.astype(moments.dtype)[:, None] for share in (groups.prior, groups.own)
  )
  statistics = prior * running[:, None] + own * moments
  if groups.carry is not None:

    def step(before, group):
      fresh, share = group
      now = fresh + share * before
      return now, now

    by_group = statistics.swapaxes(0, 1), groups.carry.astype(moments.dtype)
    _, statistics = jax.lax.scan(step, running, by_group)
    statistics = statistics.swapaxes(0, 1)
  rows = len(groups.of_row)
  last = jnp.max(jnp.where(groups.of_row < rows, groups.of_row, 0))
  return statistics, statistics[:, last]


def _of_rows(by_group: jax.Array, of_row: jax.Array, ndim: int) -> jax.Array:
  """[..., B, C] by group to [..., B, 1, 1, C] by row, to go with x."""
  by_row = jnp.take(by_group, of_row, axis=-2, mode='clip')
  return jnp.expand_dims(by_row, tuple(range(-ndim + 1, -1)))
