"""Arrays in one file, as MedMNIST publishes them."""

import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.data import stored
from semisup_jax.data.dataset import UNKNOWN, Dataset, Parts
from semisup_jax.data.sources import fields
from semisup_jax.data.sources.archive import Archive, locate, read_header
from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError

# How many images are read at a time where they become part of a larger array.
_CHUNK = 1000
_SPLITS = {'train': 'train', 'validation': 'val', 'test': 'test'}
_UNLABELLED = 'unlabelled_images'


def npz(config: Mapping[str, Any]) -> Parts:
  """An `.npz` file with MedMNIST's keys, https://medmnist.com.

  `{train,val,test}_images`: uint8 [N, H, W] or [N, H, W, C];
  `{train,val,test}_labels`: integers [N] or [N, 1], or 0 and 1 [N, K], of K
  labels of which an image has any number. `val` and `test` may be
  missing; `unlabelled_images` may be there. Nothing pickled is read.

  Args:
    config: The section `data`; `path` is the file, `image_size` may resize, and
      `in_memory` says whether the images are kept, or read again when they are
      needed; then they must not be compressed.
  """
  path = fields.existing(config, 'an .npz file')
  try:
    with np.load(path, allow_pickle=False) as file:
      return _parts(file, config)
  except (
    AttributeError,  # An .npy file opens as an array, which is no context.
    EOFError,
    MemoryError,  # What a header says of the size need not be true.
    OSError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
  ) as error:
    if isinstance(error, InputError):
      raise
    raise InputError(f'{path} cannot be read as .npz: {error}') from error


def _parts(file: Any, config: Mapping[str, Any]) -> Parts:
  path = config['path']
  found = {
    name: (f'{key}_images', f'{key}_labels')
    for name, key in _SPLITS.items()
    if f'{key}_images' in file
  }
  missing = [k for keys in found.values() for k in keys if k not in file]
  if 'train' not in found or missing:
    raise InputError(
      f'{path} needs train_images and train_labels, and labels for each split '
      f'with images; it has {", ".join(sorted(file.files)) or "nothing"}'
    )
  labels = {
    name: _label_array(file[key], f'{key} in {path}')
    for name, (_, key) in found.items()
  }
  shapes = {label.shape[1:] for label in labels.values()}
  if len(shapes) > 1:
    raise InputError(f'all labels in {path} must have one number of columns')
  (num_classes,) = shapes.pop() or (
    1 + max(int(label.max(initial=0)) for label in labels.values()),
  )
  names = tuple(str(i) for i in range(num_classes))
  parts = {}
  for name, (key, _) in found.items():
    of_part = labels[name]
    joined = name == 'train' and _UNLABELLED in file
    keys = (key, _UNLABELLED) if joined else (key,)
    if not fields.in_memory(config):
      images = _stored(file, keys, config)
    elif joined:
      images = _joined(file, keys, config)
    else:
      images = _checked(file[key], f'{key} in {path}')
      images = fields.sized(images, config)
    if joined:
      shape = len(images) - len(of_part), *of_part.shape[1:]
      unknown = np.full(shape, UNKNOWN, np.int32)
      of_part = np.concatenate([of_part, unknown])
    parts[name] = Dataset(images, of_part, names)
  return parts


def _stored(
  file: Any, keys: tuple[str, ...], config: Mapping[str, Any]
) -> StoredImages:
  """The images of several arrays as one, which stay in the file."""
  _check_arrays(file, keys, config)
  path = fields.existing(config, 'an .npz file')
  arrays = [locate(path, file.zip.getinfo(f'{key}.npy')) for key in keys]
  size = config['image_size'] and fields.image_size(config)
  images, found = stored.look_through(Archive(path, arrays, size=size))
  for error in filter(None, found):
    raise error
  return images


def _check_arrays(
  file: Any, keys: tuple[str, ...], config: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
  """The shapes of arrays, which must be images that lie row by row."""
  shapes = {}
  for key in keys:
    with file.zip.open(f'{key}.npy') as stream:
      shapes[key], by_columns, dtype = read_header(stream)
    good = dtype == np.uint8 and 3 <= len(shapes[key]) <= 4 and min(shapes[key])
    if by_columns or not good or (*shapes[key], 1)[3] not in (1, 3):
      order = ' in Fortran order' if by_columns else ''
      raise InputError(
        f'{key} in {config["path"]} must be images, uint8 [N, H, W] or [N, H, '
        f'W, C] with 1 or 3 channels, row by row; got {dtype} '
        f'{list(shapes[key])}{order}'
      )
  return shapes


def _joined(
  file: Any, keys: tuple[str, ...], config: Mapping[str, Any]
) -> np.ndarray:
  """The images of several arrays as one, each read piece by piece."""
  shapes = _check_arrays(file, keys, config)
  images = fields.Images(
    sum(shape[0] for shape in shapes.values()), str(config['path'])
  )
  for key, shape in shapes.items():
    with file.zip.open(f'{key}.npy') as stream:
      read_header(stream)
      for start in range(0, shape[0], _CHUNK):
        rows = min(_CHUNK, shape[0] - start), *shape[1:]
        pixels = np.frombuffer(stream.read(math.prod(rows)), np.uint8)
        chunk = _checked(pixels.reshape(rows), f'{key} in {config["path"]}')
        images.append(fields.sized(chunk, config))
  return images.all()


def _checked(images: np.ndarray, what: str) -> np.ndarray:
  """Images as [N, H, W, C], or an error that says what they are instead."""
  if images.ndim == 3:
    images = images[..., None]
  good = images.ndim == 4 and images.dtype == np.uint8 and images.size
  if not good or images.shape[-1] not in (1, 3):
    raise InputError(
      f'{what} must be images, uint8 [N, H, W] or [N, H, W, C] with 1 or 3 '
      f'channels; got {images.dtype} {list(images.shape)}'
    )
  return images


def _label_array(labels: np.ndarray, what: str) -> np.ndarray:
  if labels.ndim == 2 and labels.shape[1] == 1:
    labels = labels[:, 0]
  if labels.ndim not in (1, 2) or not np.issubdtype(labels.dtype, np.integer):
    raise InputError(
      f'{what} must be one integer an image, [N] or [N, 1], or 0 and 1 [N, K]; '
      f'got {labels.dtype} {list(labels.shape)}'
    )
  if labels.ndim == 2 and not np.isin(labels, (0, 1)).all():
    raise InputError(
      f'{what} are {list(labels.shape)}, several labels an image, and so must '
      f'be 0 or 1; got {labels.min()} to {labels.max()}'
    )
  return labels.astype(np.int32)
