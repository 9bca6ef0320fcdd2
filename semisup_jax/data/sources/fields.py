"""The fields of `config.data` that several sources share."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.types import InputError


def existing(config: Mapping[str, Any], what: str) -> pathlib.Path:
  """`data.path`, which must be there; `what` says what it should be."""
  path = config['path']
  if path is None:
    raise InputError(f'data.path is not set; give {what}: --config.data.path=')
  path = pathlib.Path(path).expanduser()
  if not path.exists():
    raise InputError(f'data.path: there is no {path}; it should be {what}')
  return path


def image_size(config: Mapping[str, Any]) -> int:
  """`data.image_size` in pixels, which is set and must be at least 4."""
  size = config['image_size']
  if size < 4:
    raise InputError(f'data.image_size must be at least 4 px, got {size}')
  return size


def sized(images: Any, config: Mapping[str, Any]) -> np.ndarray:
  """Scales uint8 images to `image_size` squares, as `folder` does."""
  if config['image_size'] is None:
    return images
  size = image_size(config)
  if isinstance(images, np.ndarray) and images.shape[1:3] == (size, size):
    return images
  from PIL import Image, ImageOps

  def fit(image):
    grey = image.shape[-1] == 1
    picture = Image.fromarray(image[..., 0] if grey else image)
    picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(size, size, -1)

  return np.stack([fit(image) for image in images])
