"""The filters of a network's first convolution, as small pictures."""

import math
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from semisup_jax.types import Variables


def first_kernel(
  model: nn.Module, variables: Variables, images: Any
) -> np.ndarray | None:
  """The kernel of the convolution that a network calls first.

  Args:
    model: Is called as `model.apply(variables, images, train=False)`.
    variables: Its variables.
    images: float [N, H, W, C], or their shape; nothing is computed.

  Returns:
    float32 [h, w, C, F], or None where the network has no convolution.
  """
  paths = []

  def watch(call, args, kwargs, context):
    if isinstance(context.module, nn.Conv):
      paths.append(context.module.path)
    return call(*args, **kwargs)

  with nn.intercept_methods(watch):
    jax.eval_shape(
      lambda variables, x: model.apply(variables, x, train=False),
      variables,
      images,
    )
  if not paths:
    return None
  parameters = variables['params']
  for name in paths[0]:
    parameters = parameters[name]
  return np.asarray(parameters['kernel'], np.float32)


def filter_grid(kernel: np.ndarray) -> np.ndarray:
  """Filters in rows and columns, a weight of zero as the middle grey.

  All are on one scale, on which the largest weight of any is black or white, so
  that a filter which does little looks as grey as it is.

  Args:
    kernel: float [h, w, C, F], C of 1 or 3.

  Returns:
    float32 [rows, columns, h, w, C] in [0, 1], the first filter at the top
    left and the second at its right; NaN where there are no more.

  Raises:
    ValueError: If the kernel has another shape.
  """
  kernel = np.asarray(kernel, np.float32)
  if kernel.ndim != 4 or kernel.shape[2] not in (1, 3):
    raise ValueError(f'kernel is {kernel.shape}; expected [h, w, 1 or 3, F]')
  height, width, channels, count = kernel.shape
  rows, columns = grid_shape(count)
  largest = max(float(np.abs(kernel).max()), np.finfo(np.float32).tiny)
  grid = np.full((rows * columns, height, width, channels), np.nan, np.float32)
  grid[:count] = np.moveaxis(0.5 + 0.5 * kernel / largest, -1, 0)
  return grid.reshape(rows, columns, height, width, channels)


def grid_shape(count: int) -> tuple[int, int]:
  """Rows and columns for `count` pictures, as 8 and 12 for 96.

  None is left empty where a shape at most twice as wide as it is high allows
  it; else it is the smallest that is no higher than wide.

  Raises:
    ValueError: If `count` is below 1.
  """
  if count < 1:
    raise ValueError(f'count must be at least 1, got {count}')
  square = math.isqrt(count - 1) + 1
  for columns in range(square, math.isqrt(2 * count) + 1):
    if count % columns == 0:
      return count // columns, columns
  return -(-count // square), square
