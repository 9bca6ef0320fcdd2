"""Whether a batch can be divided into the parts that a config asks for."""

import math
from typing import Any

from semisup_jax.types import InputError, require


def check(section: Any, batch_norm_groups: int) -> None:
  """Fails where a micro-batch, or a group for BatchNorm, is none.

  What a network is given holds `batch_size` images, or a multiple of them:
  views, and unlabelled images for each labelled one. So what divides
  `batch_size` divides that.

  Args:
    section: Of the config, with `batch_size` and `optimizer.accumulate`.
    batch_norm_groups: Into how many BatchNorm divides what it is given.

  Raises:
    InputError: If a part would have no whole number of images, or fewer than
      two: neither BatchNorm nor a contrastive loss makes anything of one.
  """
  choice = f'optimizer.name={section.optimizer.name}'
  require(section.optimizer, ('accumulate',), choice, 'optimizer')
  divisors = {
    'optimizer.accumulate': section.optimizer.accumulate,
    'model.batch_norm_groups': batch_norm_groups,
  }
  for name, count in divisors.items():
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
      raise InputError(
        f'{name} must be a whole number, at least 1; got {count!r}'
      )
  size, parts = section.batch_size, math.prod(divisors.values())
  if parts == 1 and size < 2:
    raise InputError(f'batch_size must be at least 2, got {size}')
  if size % parts or size < 2 * parts:
    words = ' x '.join(f'{k}={n}' for k, n in divisors.items() if n > 1)
    less = max(size // parts, 2) * parts
    raise InputError(
      f'batch_size={size} cannot be divided into {words} parts of at least 2 '
      f'images each; use {less} or {less + parts}'
    )
