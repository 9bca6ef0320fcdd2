"""A few images, mixed, for the reader: mixed.npz."""

import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from semisup_jax import augment, data
from semisup_jax.experiments.ingredients import Ingredients

NAME = 'mixed.npz'
IMAGES = 6


class MixedSheet(NamedTuple):
  """Mixed images and what they count as.

  Attributes:
    images: uint8 [N, H, W, C].
    targets: Float32 [N, K]; of one class an image, rows sum to 1.
    names: Of the K classes.
  """

  images: np.ndarray
  targets: np.ndarray
  names: list[str]


def write(config: Any, ingredients: Ingredients, workdir: pathlib.Path) -> None:
  """Writes it, of images of different classes, or combinations of labels, if
  `config.method` mixes any.

  They are mixed as they are, where training may augment them first.

  Args:
    config: The whole config.
    ingredients: Whose labelled images.
    workdir: Where to.
  """
  section = config.method
  if section.get('mixing', 'none') == 'none':
    return
  splits = ingredients.splits
  strata = data.strata(splits.train.labels[splits.labelled])
  order = np.random.default_rng(config.seed).permutation(len(strata))
  _, first = np.unique(strata[order], return_index=True)  # One of each class.
  rows = splits.labelled[order[np.sort(first)[:IMAGES]]]
  if len(rows) < 2:
    return
  images = splits.train.images[rows].astype(np.float32) / 255
  labels, num_classes = splits.train.labels[rows], ingredients.num_classes
  targets = data.members(labels, num_classes)[:, :num_classes]
  mixed, targets = augment.MIXING[section.mixing](
    jax.random.key(config.seed),
    images,
    targets.astype(np.float32),
    alpha=section.mixing_alpha,
    per=section.mixing_per,
  )
  np.savez_compressed(
    workdir / NAME,
    images=np.rint(255 * np.asarray(mixed)).astype(np.uint8),
    targets=targets,
    names=np.array(splits.train.class_names, str),
  )


def read(workdir: pathlib.Path) -> MixedSheet | None:
  """What `write` wrote; None where it wrote nothing.

  Args:
    workdir: Of a run.
  """
  try:
    with np.load(workdir / NAME, allow_pickle=False) as sheet:
      return MixedSheet(
        sheet['images'], sheet['targets'], sheet['names'].tolist()
      )
  except FileNotFoundError:
    return None
