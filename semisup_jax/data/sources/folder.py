"""Image files in one sub-folder a class."""

import pathlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from semisup_jax.data.dataset import UNKNOWN, Dataset, Parts
from semisup_jax.data.sources import fields
from semisup_jax.types import InputError

_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.gif', '.tif', '.tiff')
# Pillow's 8-bit modes; it would clip deeper ones without a word.
_MODES = ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'CMYK', 'YCbCr')
_SPLIT_FOLDERS = {
  'train': 'train',
  'val': 'validation',
  'valid': 'validation',
  'validation': 'validation',
  'test': 'test',
}
_UNLABELLED_FOLDERS = ('unlabelled', 'unlabeled')


def folder(config: Mapping[str, Any]) -> Parts:
  """A folder with one sub-folder a class, or train/test folders of such.

  Among them there may be a folder `unlabelled`, with images at any depth.
  Grey if every file is, else RGB. Images of another size than `image_size` are
  scaled and cut around their centre, their aspect ratio kept. Where the files
  of a split are named by different whole numbers they are in this order, as the
  data set has numbered them; otherwise class by class, sorted by name.

  Args:
    config: The section `data`; `path` is the folder, and `image_size` the side
      in pixels (None, if all have one size).
  """
  root = fields.existing(config, 'a folder')
  if not root.is_dir():
    raise InputError(f'data.path must be a folder, got the file {root}')
  splits = _split_folders(root)
  classes = {name: _class_files(path) for name, path in splits.items()}
  names = tuple(sorted(classes['train']))
  for split, by_class in classes.items():
    unknown = sorted(set(by_class) - set(names))
    if unknown:
      raise InputError(
        f'{splits[split]} has the class {unknown[0]!r}, which is not in '
        f'{splits["train"]}'
      )
  files = {
    split: _in_order(
      [
        (file, label)
        for label, name in enumerate(names)
        for file in by_class.get(name, ())
      ]
    )
    for split, by_class in classes.items()
  }
  where = dict.fromkeys((root, splits['train']))
  files['train'] += [(f, UNKNOWN) for path in where for f in _unlabelled(path)]
  everything = [file for pairs in files.values() for file, _ in pairs]
  _check_inside(root, everything)
  mode, size = _common_format(everything, config)
  return {
    split: Dataset(
      _decoded([file for file, _ in pairs], mode, size),
      np.array([label for _, label in pairs], np.int32),
      names,
    )
    for split, pairs in files.items()
  }


def _in_order(
  pairs: list[tuple[pathlib.Path, int]],
) -> list[tuple[pathlib.Path, int]]:
  """By number, where all files are named by numbers of which none is twice."""
  stems = [file.stem for file, _ in pairs]
  if not all(stem.isdecimal() for stem in stems):
    return pairs
  numbers = [int(stem) for stem in stems]
  if len(set(numbers)) < len(numbers):
    return pairs
  return [pairs[i] for i in np.argsort(numbers)]


def _split_folders(root: pathlib.Path) -> dict[str, pathlib.Path]:
  """The folder of each split; `train` alone where there are none for them."""
  splits = {
    _SPLIT_FOLDERS[sub.name.lower()]: sub
    for sub in _subfolders(root)
    if sub.name.lower() in _SPLIT_FOLDERS
  }
  if splits and 'train' not in splits:
    raise InputError(
      f'{root} has {", ".join(sorted(s.name for s in splits.values()))} but no '
      'train folder'
    )
  return splits or {'train': root}


def _unlabelled(path: pathlib.Path) -> list[pathlib.Path]:
  """The images of the sub-folders that hold unlabelled ones, at any depth."""
  return [
    file
    for sub in _subfolders(path)
    if sub.name.lower() in _UNLABELLED_FOLDERS
    for file in sorted(sub.rglob('*'))
    if _is_image(file)
  ]


def _subfolders(path: pathlib.Path) -> list[pathlib.Path]:
  return sorted(
    sub
    for sub in path.iterdir()
    if sub.is_dir() and not sub.name.startswith('.')
  )


def _check_inside(root: pathlib.Path, files: list[pathlib.Path]) -> None:
  """Fails on a link that leads out of the folder, as one from elsewhere may."""
  inside = root.resolve()
  for file in files:
    if not file.resolve().is_relative_to(inside):
      raise InputError(
        f'{file} is, or lies in, a link that leads outside of {root}, to '
        f'{file.resolve()}; copy what it leads to'
      )


def _is_image(file: pathlib.Path) -> bool:
  """By its name; what cannot be read as one is an error, not passed over."""
  return file.suffix.lower() in _SUFFIXES and not file.name.startswith('.')


def _class_files(path: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  by_class = {
    sub.name: sorted(file for file in sub.iterdir() if _is_image(file))
    for sub in _subfolders(path)
    if sub.name.lower() not in _UNLABELLED_FOLDERS
  }
  by_class = {name: files for name, files in by_class.items() if files}
  if len(by_class) < 2:
    raise InputError(
      f'{path} needs a sub-folder of images for each of two or more classes '
      f'({", ".join(_SUFFIXES)}); found {len(by_class)}'
    )
  return by_class


def _common_format(
  files: list[pathlib.Path], config: Mapping[str, Any]
) -> tuple[str, tuple[int, int]]:
  """The mode ('L' or 'RGB') and the (width, height) that all will have."""
  from PIL import Image

  def header(file):
    try:
      with Image.open(file) as image:
        return image.mode, image.size
    except (OSError, SyntaxError, ValueError) as error:
      raise InputError(f'{file} cannot be read as an image') from error
    except Image.DecompressionBombError as error:
      raise InputError(f'{file} is too large to be decoded: {error}') from error

  headers = [header(file) for file in files]
  for file, (mode, _) in zip(files, headers, strict=True):
    if mode not in _MODES:
      raise InputError(
        f'{file} is of the mode {mode}, not 8 bits a channel; convert it to 8 '
        'bits, grey or RGB'
      )
  mode = 'L' if all(mode in ('L', '1') for mode, _ in headers) else 'RGB'
  if config['image_size'] is not None:
    return mode, (fields.image_size(config),) * 2
  sizes = sorted({size for _, size in headers})
  if len(sizes) > 1:
    shown = ', '.join(f'{w}x{h}' for w, h in sizes[:3])
    raise InputError(
      f'the images have {len(sizes)} different sizes ({shown}, ...); choose '
      'one with --config.data.image_size=PIXELS'
    )
  return mode, sizes[0]


def _decoded(
  files: list[pathlib.Path], mode: str, size: tuple[int, int]
) -> np.ndarray:
  """The images, uint8 [N, H, W, C], decoded into the one array."""
  channels = 1 if mode == 'L' else 3
  images = np.empty((len(files), *size[::-1], channels), np.uint8)

  def decode(i):
    images[i] = _decode(files[i], mode, size).reshape(images.shape[1:])

  with ThreadPoolExecutor() as pool:
    list(pool.map(decode, range(len(files))))
  return images


def _decode(file: pathlib.Path, mode: str, size: tuple[int, int]) -> np.ndarray:
  from PIL import Image, ImageOps

  try:
    with Image.open(file) as image:
      image = image.convert(mode)
  except (OSError, SyntaxError, ValueError) as error:
    raise InputError(f'{file} cannot be decoded: {error}') from error
  if image.size != size:
    image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
  return np.asarray(image)
