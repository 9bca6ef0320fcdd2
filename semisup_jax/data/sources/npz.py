"""Arrays in one file, as MedMNIST publishes them."""

import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.data.sources import fields
from semisup_jax.types import InputError


def npz(config: Mapping[str, Any]) -> Parts:
  """An `.npz` file with MedMNIST's keys, https://medmnist.com.

  `{train,val,test}_images`: uint8 [N, H, W] or [N, H, W, C];
  `{train,val,test}_labels`: integers [N] or [N, 1]. `val` and `test` may be
  missing. Nothing pickled is read.

  Args:
    config: The section `data`; `path` is the file, `image_size` may resize.
  """
  path = fields.existing(config, 'an .npz file')
  try:
    with np.load(path, allow_pickle=False) as file:
      arrays = {key: file[key] for key in file.files}
  except (
    AttributeError,  # An .npy file opens as an array, which is no context.
    EOFError,
    MemoryError,  # What a header says of the size need not be true.
    OSError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
  ) as error:
    raise InputError(f'{path} cannot be read as .npz: {error}') from error
  found = {
    name: (f'{key}_images', f'{key}_labels')
    for name, key in (
      ('train', 'train'),
      ('validation', 'val'),
      ('test', 'test'),
    )
    if f'{key}_images' in arrays
  }
  missing = [k for keys in found.values() for k in keys if k not in arrays]
  if 'train' not in found or missing:
    raise InputError(
      f'{path} needs train_images and train_labels, and labels for each split '
      f'with images; it has {", ".join(sorted(arrays)) or "nothing"}'
    )
  labels = {
    name: _label_vector(arrays[key], f'{key} in {path}')
    for name, (_, key) in found.items()
  }
  num_classes = 1 + max(int(label.max(initial=0)) for label in labels.values())
  names = tuple(str(i) for i in range(num_classes))
  parts = {}
  for name, (key, _) in found.items():
    images = _checked(arrays[key], f'{key} in {path}')
    parts[name] = Dataset(fields.sized(images, config), labels[name], names)
  return parts


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


def _label_vector(labels: np.ndarray, what: str) -> np.ndarray:
  if labels.ndim == 2 and labels.shape[1] == 1:
    labels = labels[:, 0]
  if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
    raise InputError(
      f'{what} must be one integer an image, [N] or [N, 1]; got '
      f'{labels.dtype} {list(labels.shape)}'
    )
  return labels.astype(np.int32)
