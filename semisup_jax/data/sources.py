"""Where images come from: a name in the config to a `Dataset` for each split.

A source returns the splits it has officially, under `train`, `validation` and
`test`; `splits.make_splits` makes the missing ones.
"""

import pathlib
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from semisup_jax.data.dataset import Dataset
from semisup_jax.types import InputError, lookup

Parts = dict[str, Dataset]


def digits(config: Mapping[str, Any]) -> Parts:
  """scikit-learn's 1,797 handwritten digits, 8x8 grey; nothing is downloaded.

  They are the test half of UCI's Optical Recognition of Handwritten Digits
  (13 writers): https://doi.org/10.24432/C50P49. There is no official split of
  them.

  Args:
    config: The section `data`; `image_size` (None keeps 8).
  """
  from sklearn import datasets

  source = datasets.load_digits()
  # Their range is 0 to 16.
  images = np.rint(source.images * (255 / 16)).astype(np.uint8)[..., None]
  names = tuple(str(name) for name in source.target_names)
  labels = source.target.astype(np.int32)
  return {'train': Dataset(_sized(images, config), labels, names)}


def npz(config: Mapping[str, Any]) -> Parts:
  """An `.npz` file with MedMNIST's keys, https://medmnist.com.

  `{train,val,test}_images`: uint8 [N, H, W] or [N, H, W, C];
  `{train,val,test}_labels`: integers [N] or [N, 1]. `val` and `test` may be
  missing. Nothing pickled is read.

  Args:
    config: The section `data`; `path` is the file, `image_size` may resize.
  """
  path = _existing(config, 'an .npz file')
  try:
    with np.load(path, allow_pickle=False) as file:
      arrays = {key: file[key] for key in file.files}
  except (
    AttributeError,  # An .npy file opens as an array, which is no context.
    EOFError,
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
    parts[name] = Dataset(_sized(images, config), labels[name], names)
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


def folder(config: Mapping[str, Any]) -> Parts:
  """A folder with one sub-folder a class, or train/test folders of such.

  Grey if every file is, else RGB. Images of another size than `image_size` are
  scaled and cut around their centre, their aspect ratio kept.

  Args:
    config: The section `data`; `path` is the folder, and `image_size` the side
      in pixels (None, if all have one size).
  """
  root = _existing(config, 'a folder')
  if not root.is_dir():
    raise InputError(f'data.path must be a folder, got the file {root}')
  subfolders = _subfolders(root)
  splits = {
    _SPLIT_FOLDERS[sub.name.lower()]: sub
    for sub in subfolders
    if sub.name.lower() in _SPLIT_FOLDERS
  }
  if splits and 'train' not in splits:
    raise InputError(
      f'{root} has {", ".join(sorted(s.name for s in splits.values()))} but no '
      'train folder'
    )
  if not splits:
    splits = {'train': root}
  classes = {name: _class_files(path) for name, path in splits.items()}
  names = tuple(sorted(classes['train']))
  for split, by_class in classes.items():
    unknown = sorted(set(by_class) - set(names))
    if unknown:
      raise InputError(
        f'{splits[split]} has the class {unknown[0]!r}, which is not in '
        f'{splits["train"]}'
      )
  everything = [f for c in classes.values() for fs in c.values() for f in fs]
  mode, size = _common_format(everything, config)
  parts = {}
  for split, by_class in classes.items():
    files = [file for name in names for file in by_class.get(name, ())]
    labels = [i for i, n in enumerate(names) for _ in by_class.get(n, ())]
    with ThreadPoolExecutor() as pool:
      images = list(pool.map(lambda f: _decode(f, mode, size), files))
    images = np.stack(images).reshape(len(files), *size[::-1], -1)
    parts[split] = Dataset(images, np.asarray(labels, np.int32), names)
  return parts


def _subfolders(path: pathlib.Path) -> list[pathlib.Path]:
  return sorted(
    sub
    for sub in path.iterdir()
    if sub.is_dir() and not sub.name.startswith('.')
  )


def _class_files(path: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  by_class = {
    sub.name: sorted(
      file
      for file in sub.iterdir()
      if file.suffix.lower() in _SUFFIXES and not file.name.startswith('.')
    )
    for sub in _subfolders(path)
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

  headers = [header(file) for file in files]
  for file, (mode, _) in zip(files, headers, strict=True):
    if mode not in _MODES:
      raise InputError(
        f'{file} is of the mode {mode}, not 8 bits a channel; convert it to 8 '
        'bits, grey or RGB'
      )
  mode = 'L' if all(mode in ('L', '1') for mode, _ in headers) else 'RGB'
  if config['image_size'] is not None:
    return mode, (_image_size(config),) * 2
  sizes = sorted({size for _, size in headers})
  if len(sizes) > 1:
    shown = ', '.join(f'{w}x{h}' for w, h in sizes[:3])
    raise InputError(
      f'the images have {len(sizes)} different sizes ({shown}, ...); choose '
      'one with --config.data.image_size=PIXELS'
    )
  return mode, sizes[0]


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


def tfds(config: Mapping[str, Any], builder_name: str) -> Parts:
  """A data set that TensorFlow Datasets has prepared; no TensorFlow needed.

  https://www.tensorflow.org/datasets/catalog; it must have `image` and `label`.

  Args:
    config: The section `data`; `dir` is where TFDS keeps data (None is its own
      default), `image_size` may resize.
    builder_name: Such as 'cifar100'.
  """
  import tensorflow_datasets
  from absl import logging

  where = config['dir'] and pathlib.Path(config['dir']).expanduser()
  if where and not where.is_dir():
    raise InputError(f'data.dir: there is no folder {where}')
  known = f', data_dir={str(where)!r}' if where else ''
  prepare = (
    "pip install 'semisup_jax[prepare]' && python -c "
    f'"import tensorflow_datasets as tfds; tfds.builder({builder_name!r}{known}'
    ", file_format='array_record').download_and_prepare()\""
  )
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)  # It recommends OpenCV at every start.
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
  finally:
    logging.set_verbosity(verbosity)
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
  for split in ('train', 'validation', 'test'):
    if split not in prepared:
      continue
    try:
      rows = builder.as_data_source(split=split)
    except (NotImplementedError, ValueError) as error:
      raise InputError(
        f'{builder.data_dir} is not in a format of random access; prepare it '
        f'again with: {prepare}'
      ) from error
    images, labels = [], []
    # __getitems__ reads many rows at a time, twice as fast as one by one.
    for start in range(0, len(rows), 1000):
      batch = rows.__getitems__(range(start, min(start + 1000, len(rows))))
      images += [row['image'] for row in batch]
      labels += [row['label'] for row in batch]
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1 and config['image_size'] is None:
      raise InputError(
        f'tfds:{builder_name} has {len(shapes)} different image shapes; choose '
        'one size with --config.data.image_size=PIXELS'
      )
    images = _sized(np.stack(images) if len(shapes) == 1 else images, config)
    parts[split] = Dataset(images, np.asarray(labels, np.int32), names)
  return parts


def _existing(config: Mapping[str, Any], what: str) -> pathlib.Path:
  path = config['path']
  if path is None:
    raise InputError(f'data.path is not set; give {what}: --config.data.path=')
  path = pathlib.Path(path).expanduser()
  if not path.exists():
    raise InputError(f'data.path: there is no {path}; it should be {what}')
  return path


def _image_size(config: Mapping[str, Any]) -> int:
  size = config['image_size']
  if size < 4:
    raise InputError(f'data.image_size must be at least 4 px, got {size}')
  return size


def _sized(images: Any, config: Mapping[str, Any]) -> np.ndarray:
  """Scales uint8 images to `image_size` squares, as `folder` does."""
  if config['image_size'] is None:
    return images
  size = _image_size(config)
  if isinstance(images, np.ndarray) and images.shape[1:3] == (size, size):
    return images
  from PIL import Image, ImageOps

  def fit(image):
    grey = image.shape[-1] == 1
    picture = Image.fromarray(image[..., 0] if grey else image)
    picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(size, size, -1)

  return np.stack([fit(image) for image in images])


SOURCES = {'digits': digits, 'npz': npz, 'folder': folder, 'tfds': tfds}


def load(config: Mapping[str, Any]) -> Parts:
  """Reads the data set that `config.data` names.

  Args:
    config: The section `data`: `name` ('digits', 'npz', 'folder' or
      'tfds:<builder>'), `path`, `dir`, `image_size`.

  Returns:
    A `Dataset` for each official split: `train`, and perhaps `validation` and
    `test`.

  Raises:
    InputError: If it is not there, or not what it should be.
  """
  name, colon, builder = config['name'].partition(':')
  source = lookup(SOURCES, name, 'data.name')
  if (name == 'tfds') != bool(builder):
    raise InputError(
      f'data.name must be tfds:<builder>, as tfds:cifar100, or one of '
      f'{", ".join(sorted(set(SOURCES) - {"tfds"}))}; got '
      f'{name + colon + builder!r}'
    )
  parts = source(config, builder) if builder else source(config)
  shapes = {split: part.images.shape[1:] for split, part in parts.items()}
  if len(set(shapes.values())) > 1:
    shown = ', '.join(f'{split} {list(s)}' for split, s in shapes.items())
    raise InputError(f'all images must be of one shape [H, W, C]; got {shown}')
  if parts['train'].num_classes < 2:
    raise InputError(
      f'data.name={config["name"]} has one class; two are needed'
    )
  return parts
