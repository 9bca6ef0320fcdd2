"""The one type that every source returns, and its pixels' statistics."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError

# The label of an image whose class nobody knows: an unlabelled one. Of several
# labels an image, all are this.
UNKNOWN = -1


@dataclasses.dataclass(frozen=True)
class Reading:
  """What was met when the files of a source were read.

  Attributes:
    notes: Sentences for whoever reads the results.
    skipped: One line for each file or row that was passed over.
    sizes: How many files are of a size, (width, height) in pixels.
    kinds: How many files are of a format and mode, as `JPEG RGB`.
  """

  notes: tuple[str, ...] = ()
  skipped: tuple[str, ...] = ()
  sizes: Mapping[tuple[int, int], int] = dataclasses.field(default_factory=dict)
  kinds: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Dataset:
  """Images with labels.

  Attributes:
    images: uint8 [N, H, W, C], C 1 or 3; stored ones are read when indexed.
    labels: int32 [N], in [0, len(class_names)), or `UNKNOWN`: each image has
      one class. Or int32 [N, len(class_names)] of 0 and 1, or rows of
      `UNKNOWN`: it has any number of labels.
    class_names: One name a class, or a label.
    files: Path of each image within its folder; None where they are no files.
    groups: int32 [N], the same for images that must be on one side of every
      split, as those of a patient; -1 for an image of its own. None is -1 for
      all.
    reading: Of the whole source.
  """

  images: np.ndarray | StoredImages
  labels: np.ndarray
  class_names: tuple[str, ...]
  files: tuple[str, ...] | None = None
  groups: np.ndarray | None = None
  reading: Reading = dataclasses.field(default_factory=Reading)

  def __post_init__(self):
    images, labels = self.images, self.labels
    if images.dtype != np.uint8 or images.ndim != 4:
      raise InputError(
        'images must be uint8 [N, H, W, C], got '
        f'{images.dtype} {list(images.shape)}'
      )
    if images.shape[-1] not in (1, 3):
      raise InputError(
        f'images must have 1 or 3 channels, got {images.shape[-1]}'
      )
    shape = (len(images), self.num_classes)[: labels.ndim]
    if labels.shape != shape or labels.dtype != np.int32:
      raise InputError(
        f'labels must be int32 {list(shape)}, one for each image, got '
        f'{labels.dtype} {list(labels.shape)}'
      )
    highest = 1 if self.multi_label else self.num_classes - 1
    if labels.size and not (
      labels.min() >= UNKNOWN and labels.max() <= highest
    ):
      raise InputError(
        f'labels must be in 0 to {highest}, got {labels.min()} to '
        f'{labels.max()}'
      )

  def __len__(self) -> int:
    return len(self.images)

  @property
  def num_classes(self) -> int:
    """K, the number of class names."""
    return len(self.class_names)

  @property
  def multi_label(self) -> bool:
    """Whether an image has any number of labels, and not one class."""
    return self.labels.ndim == 2

  def take(self, rows: np.ndarray) -> 'Dataset':
    """Returns the images of `rows` (int [M]) and all that is theirs.

    Images that are in memory are copied, stored ones are not read.
    """
    stored = isinstance(self.images, StoredImages)
    return dataclasses.replace(
      self,
      images=self.images.take(rows) if stored else self.images[rows],
      labels=self.labels[rows],
      files=self.files and tuple(self.files[row] for row in rows),
      groups=None if self.groups is None else self.groups[rows],
    )


# By split: train, and perhaps validation and test. The images of train whose
# label is `UNKNOWN` are a source's unlabelled ones: in one array with the
# others, of which 100,000 at 96 px are 2.8 GB that nobody has twice.
Parts = dict[str, Dataset]


def channel_statistics(
  images: np.ndarray | StoredImages,
  rows: np.ndarray | None = None,
  *,
  batch_size: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
  """Mean and standard deviation of each channel over all pixels, in batches.

  Args:
    images: uint8 [N, H, W, C].
    rows: Which of them count, int [M]; None is all.
    batch_size: Images that are counted at one time; any gives the same.

  Returns:
    `(mean, std)`, float64 [C] each, on the scale [0, 1]; the std is the biased
    one, and 1 where a channel is constant, so that one may divide by it.
  """
  rows = np.arange(len(images)) if rows is None else rows
  if isinstance(images, StoredImages):
    sums, squares = images.take(rows).moments()
  else:
    sums, squares = _moments(images, rows, batch_size)
  # Sums of integers are exact, so the difference of the squares is safe.
  pixels = len(rows) * images.shape[1] * images.shape[2]
  mean = sums / pixels
  std = np.sqrt(np.maximum(squares / pixels - np.square(mean), 0))
  return mean / 255, np.where(std > 0, std / 255, 1.0)


def _moments(images, rows, batch_size) -> tuple[np.ndarray, np.ndarray]:
  """Sums and sums of squares over all pixels, int64 [C]."""
  levels = np.arange(256)
  counts = np.zeros((images.shape[-1], 256), np.int64)
  for start in range(0, len(rows), batch_size):
    batch = images[rows[start : start + batch_size]]
    for channel in range(images.shape[-1]):
      pixels = batch[..., channel].ravel()
      counts[channel] += np.bincount(pixels, minlength=256)
  return counts @ levels, counts @ levels**2
