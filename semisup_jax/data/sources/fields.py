"""What sources share: fields of `config.data`, and one array for all images."""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from semisup_jax.data.sources.image_files import fit
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


def in_memory(config: Mapping[str, Any]) -> bool:
  """`data.in_memory`; true in a config from before there was the field."""
  return config.get('in_memory') is not False


def workers(config: Mapping[str, Any]) -> int:
  """`data.workers`, the processes that read; none in a config without it."""
  count = config.get('workers') or 0
  if not isinstance(count, int) or count < 0:
    raise InputError(
      f'data.workers must be a whole number, at least 0; got {count!r}'
    )
  return count


def sized(images: Any, config: Mapping[str, Any]) -> np.ndarray:
  """Scales uint8 images to `image_size` squares, as `folder` does."""
  if config['image_size'] is None:
    return images
  size = image_size(config)
  if isinstance(images, np.ndarray) and images.shape[1:3] == (size, size):
    return images
  return np.stack([resized(image, size) for image in images])


def resized(image: np.ndarray, size: int | None) -> np.ndarray:
  """Scales an image, uint8 [H, W, C], to a square; None leaves it as it is."""
  if size is None or image.shape[:2] == (size, size):
    return image
  from PIL import Image

  grey = image.shape[-1] == 1
  picture = Image.fromarray(image[..., 0] if grey else image)
  return np.asarray(fit(picture, (size, size))).reshape(size, size, -1)


def check_shape(
  source: str, first: tuple[int, ...], shape: tuple[int, ...]
) -> None:
  """Fails on an image that is of another shape than the first one."""
  if shape != first:
    raise InputError(
      f'{source} has images of different shapes, as {list(first)} and '
      f'{list(shape)}; choose one size with --config.data.image_size=PIXELS'
    )


class Images:
  """One array that is filled piece by piece: no image is there twice."""

  def __init__(self, count: int, source: str):
    """Makes room for images of a size that the first one says.

    Args:
      count: How many there will be.
      source: What an error calls it.
    """
    self._count = count
    self._source = source
    self._images = None
    self._filled = 0

  def append(self, images: Iterable[np.ndarray]) -> None:
    """Adds images, uint8 [H, W, C] each.

    Raises:
      InputError: If one is of another shape than those before.
    """
    for image in images:
      if self._images is None:
        self._images = np.empty((self._count, *image.shape), np.uint8)
      check_shape(self._source, self._images.shape[1:], image.shape)
      self._images[self._filled] = image
      self._filled += 1

  def all(self) -> np.ndarray:
    """All of them, uint8 [N, H, W, C]."""
    assert self._filled == self._count > 0, 'every image must have come'
    return self._images
