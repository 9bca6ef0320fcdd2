"""The training steps that are compared, as all frameworks make them."""

from typing import Any, NamedTuple

import numpy as np

from configs import simclr

MEAN, STD = 0.5, 0.25  # By which images are normalized.


class Case(NamedTuple):
  """A recipe of configs/simclr.py, on images of some shape.

  Attributes:
    variant: Of the recipe.
    image_shape: (H, W, C).
    batch_sizes: On a CPU, and on an accelerator.
  """

  variant: str
  image_shape: tuple[int, int, int]
  batch_sizes: tuple[tuple[int, ...], tuple[int, ...]]


CASES = {
  'resnet18': Case('cifar100', (32, 32, 3), ((64,), (256, 1024))),
  'digits': Case('digits', (8, 8, 1), ((256,), (256,))),
}
TITLES = {
  'resnet18': 'ResNet-18 with the CIFAR stem, 32 px',
  'digits': 'the main job: a small network, 8 px',
}


def config(case: str, batch_size: int, dtype: str) -> Any:
  """The recipe of a case."""
  made = simclr.get_config(CASES[case].variant)
  made.batch_size = batch_size
  made.model.dtype = dtype
  return made


def images(case: str, batch_size: int) -> np.ndarray:
  """uint8 [N, H, W, C], of several batches, the same wherever it is called."""
  shape = (4 * batch_size, *CASES[case].image_shape)
  return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def projections(rows: int, dim: int) -> np.ndarray:
  """Two views, float32 [2, rows, dim], that agree in part."""
  a, b = np.random.default_rng(0).normal(size=(2, rows, dim))
  return np.stack([a, a + b]).astype(np.float32)
