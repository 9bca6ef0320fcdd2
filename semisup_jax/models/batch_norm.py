"""BatchNorm over the whole batch, or over each of some groups of it."""

from collections.abc import Mapping
from typing import Any

import jax
from flax import linen as nn

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

  Flax names variables after the class, so this one is called as Flax's.

  Attributes:
    groups: Into how many the batch is divided in training; 1 is global
      BatchNorm, Flax's own code.
  """

  groups: int = 1

  def __call__(self, x: jax.Array) -> jax.Array:
    """Normalizes float [N, ..., C] over all axes but the last.

    Raises:
      ValueError: If the groups do not divide N, in training.
    """
    if self.groups == 1 or self.use_running_average or self.is_initializing():
      return super().__call__(x)
    if len(x) % self.groups:
      raise ValueError(
        f'a batch of {len(x)} rows cannot be divided into {self.groups} groups '
        'for BatchNorm'
      )
    variables = self.variables
    alone = self.clone(groups=1, parent=None)
    y, updates = jax.vmap(
      lambda group: alone.apply(variables, group, mutable=['batch_stats'])
    )(x.reshape(self.groups, -1, *x.shape[1:]))
    for name, of_groups in updates['batch_stats'].items():
      self.put_variable('batch_stats', name, of_groups.mean(axis=0))
    return y.reshape(x.shape)


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
