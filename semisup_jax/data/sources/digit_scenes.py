"""Several of the embedded digits in one image: many labels, some rare."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.data import drawing
from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.data.sources import fields
from semisup_jax.data.sources.digits import digits

SCENES = {'train': 1400, 'validation': 300, 'test': 400}
# Of the digits that each part's scenes are made of; no two parts share one.
SHARES = {'train': 0.6, 'validation': 0.2, 'test': 0.2}
EMPTY = 0.4  # The share of empty cells.
# A class is so much rarer than the one before it: 9 has about an eighth of 0.
RARER = 0.8
CELL, CELLS = 8, 2  # Pixels, and cells in a row.


def digit_scenes(config: Mapping[str, Any]) -> Parts:
  """2,100 scenes, 16x16 grey, of 2x2 cells: each empty, or one of the digits.

  The labels say which digits are there, int32 [N, 10]. They are as those of
  medical images: any number an image, and later classes are rarer. The scenes
  are the same in every run; those of two parts have no digit image in common.

  Args:
    config: The section `data`; `image_size` (None keeps 16).
  """
  source = digits({'image_size': None})['train']
  order = drawing.stratified_order(source.labels, (0,))
  ends = np.rint(np.cumsum([*SHARES.values()]) * len(order)).astype(int)
  parts = {}
  for i, (name, rows) in enumerate(
    zip(SHARES, np.split(order, ends[:-1]), strict=True)
  ):
    images, labels = _scenes(source.take(rows), SCENES[name], seed=(1, i))
    parts[name] = Dataset(
      fields.sized(images, config), labels, source.class_names
    )
  return parts


def _scenes(
  source: Dataset, count: int, *, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
  """Images uint8 [N, 16, 16, 1], and which classes are in each, [N, K]."""
  random = np.random.default_rng(seed)
  classes = source.num_classes
  weights = RARER ** np.arange(classes)
  drawn = random.choice(
    classes, size=(count, CELLS, CELLS), p=weights / weights.sum()
  )
  empty = random.uniform(size=drawn.shape) < EMPTY
  cells = np.zeros((*drawn.shape, CELL, CELL), np.uint8)
  for k in range(classes):
    places = (drawn == k) & ~empty
    rows = random.choice(np.flatnonzero(source.labels == k), places.sum())
    cells[places] = source.images[rows, ..., 0]
  side = CELLS * CELL
  images = cells.swapaxes(2, 3).reshape(count, side, side, 1)
  there = (drawn[..., None] == np.arange(classes)) & ~empty[..., None]
  return images, there.any(axis=(1, 2)).astype(np.int32)
