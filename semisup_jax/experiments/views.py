"""A few images as a method sees them, to be looked at."""

from typing import Any

import jax
import numpy as np

from semisup_jax import augment
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import Method

IMAGES, VIEWS = 6, 5


def examples(
  config: Any, method: Method, ingredients: Ingredients
) -> np.ndarray:
  """Draws views of the first training images.

  Args:
    config: The whole config.
    method: Says through which ops of `config.data` it sees them.
    ingredients: The images.

  Returns:
    Float [rows, columns, H, W, C] in [0, 1], the originals in the first column.
  """
  splits = ingredients.splits
  images = splits.train.images[splits.unlabelled[:IMAGES]]
  return of_images(images, config.data[method.ops], config.seed)


def of_images(images: np.ndarray, ops: str, seed: int) -> np.ndarray:
  """Draws views of images.

  Args:
    images: uint8 [N, H, W, C].
    ops: A string of ops.
    seed: Of the draws.

  Returns:
    Float [N, 1 + VIEWS, H, W, C] in [0, 1], the originals in the first column.

  Raises:
    InputError: If an op is unknown, or wrong.
  """
  views = augment.views(
    augment.parse_pixels(ops, augment.OPS, image_shape=images.shape[1:]),
    jax.random.key(seed),
    images,
    count=VIEWS,
  )
  original = images[:, None].astype(np.float32) / 255
  return np.concatenate([original, np.asarray(views)], axis=1)
