"""Data sets that TensorFlow Datasets has prepared, read without TensorFlow."""

import contextlib
import pathlib
import string
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from semisup_jax.data.dataset import UNKNOWN, Dataset, Parts
from semisup_jax.data.sources import fields
from semisup_jax.types import InputError


@contextlib.contextmanager
def _without_advice():
  """TFDS recommends OpenCV at every start; its errors are still heard."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


@_without_advice()
def tfds(config: Mapping[str, Any], builder_name: str) -> Parts:
  """A data set that TensorFlow Datasets has prepared; no TensorFlow needed.

  https://www.tensorflow.org/datasets/catalog; it must have `image` and `label`.
  The images of a split `unlabelled` are read as unlabelled ones.

  Args:
    config: The section `data`; `dir` is where TFDS keeps data (None is its own
      default), `image_size` may resize.
    builder_name: Such as 'cifar100'.
  """
  import tensorflow_datasets

  where = config['dir'] and pathlib.Path(config['dir']).expanduser()
  if where and not where.is_dir():
    raise InputError(f'data.dir: there is no folder {where}')
  known = f', data_dir={str(where)!r}' if where else ''
  prepare = (
    "pip install -e '.[prepare]' && python -c "
    f'"import tensorflow_datasets as tfds; tfds.builder({builder_name!r}{known}'
    ", file_format='array_record').download_and_prepare()\""
  )
  try:
    builder = tensorflow_datasets.builder(builder_name, data_dir=where)
    prepared = builder.info.splits
  except tensorflow_datasets.core.registered.DatasetNotFoundError as error:
    raise InputError(
      f'TFDS knows no data set {builder_name!r}; the names are listed at '
      'tensorflow.org/datasets/catalog'
    ) from error
  except ImportError as error:
    # Some builders want a package of their own even to be named.
    raise InputError(
      f'tfds:{builder_name} is not prepared in {where or "its default folder"} '
      f'({error}); prepare it with: {prepare}'
    ) from error
  except (AssertionError, ValueError) as error:
    raise InputError(
      f'TFDS cannot make a data set of the name {builder_name!r}: '
      f'{" ".join(str(error).split())}'
    ) from error
  if 'train' not in prepared:
    raise InputError(
      f'tfds:{builder_name} is not prepared in '
      f'{builder.data_dir}; prepare it with: {prepare}'
    )
  features = builder.info.features
  if 'image' not in features or 'label' not in features:
    raise InputError(
      f'tfds:{builder_name} must have the features image and label, has '
      f'{", ".join(features)}'
    )
  if not hasattr(features['label'], 'names'):
    raise InputError(
      f'tfds:{builder_name}: label must be one class an image, is '
      f'{features["label"]}'
    )
  names = tuple(features['label'].names)
  parts = {}
  for part in ('train', 'validation', 'test'):
    splits = [part, 'unlabelled'] if part == 'train' else [part]
    splits = [split for split in splits if split in prepared]
    if splits:
      parts[part] = Dataset(*_read(builder, splits, config, prepare), names)
  return _upright_emnist(builder, parts) if builder.name == 'emnist' else parts


def _upright_emnist(builder: Any, parts: Parts) -> Parts:
  """EMNIST as one reads it.

  TFDS has its images transposed, as NIST publishes them, and the letters under
  the labels 1 to 26 of 37 names.
  """
  letters = builder.builder_config.name == 'letters'
  found = {}
  for split, part in parts.items():
    images = np.ascontiguousarray(part.images.swapaxes(1, 2))
    if letters:  # They have no unlabelled images.
      names = tuple(string.ascii_lowercase)
      found[split] = Dataset(images, part.labels - 1, names)
    else:
      found[split] = Dataset(images, part.labels, part.class_names)
  return found


def _read(builder, splits, config, prepare) -> tuple[np.ndarray, np.ndarray]:
  """All images and labels of some splits, one split after the other."""
  try:
    sources = [builder.as_data_source(split=split) for split in splits]
  except (NotImplementedError, ValueError) as error:
    raise InputError(
      f'{builder.data_dir} is not in a format of random access; prepare it '
      f'again with: {prepare}'
    ) from error
  images = fields.Images(sum(map(len, sources)), f'tfds:{builder.name}')
  labels = []
  for split, rows in zip(splits, sources, strict=True):
    # __getitems__ reads many rows at a time, twice as fast as one by one.
    for start in range(0, len(rows), 1000):
      batch = rows.__getitems__(range(start, min(start + 1000, len(rows))))
      images.append(fields.sized([row['image'] for row in batch], config))
      labels += [
        UNKNOWN if split == 'unlabelled' else row['label'] for row in batch
      ]
  return images.all(), np.asarray(labels, np.int32)
