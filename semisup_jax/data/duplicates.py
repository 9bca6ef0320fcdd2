"""The same image twice, pixel for pixel, as far as it was read."""

from collections import defaultdict

import numpy as np

from semisup_jax.data import stored
from semisup_jax.data.dataset import Dataset
from semisup_jax.data.splits import Splits
from semisup_jax.data.stored import StoredImages


def digests(
  images: np.ndarray | StoredImages, rows: np.ndarray | None = None
) -> np.ndarray:
  """A number for each image, equal for equal ones.

  Two that differ have the same one with a chance of 1 in 2**61. In another
  process the numbers are others.

  Args:
    images: uint8 [N, H, W, C].
    rows: Which of them, int [M]; None is all.

  Returns:
    int64 [M].
  """
  rows = np.arange(len(images)) if rows is None else rows
  if isinstance(images, StoredImages):
    return images.take(rows).digests()
  found = (stored.digest(images[row]) for row in rows)
  return np.fromiter(found, np.int64, len(rows))


def repeated(of: np.ndarray) -> list[np.ndarray]:
  """The rows of images that are there more than once.

  Args:
    of: From `digests`.

  Returns:
    int64 rows, two or more that are the same image in each; by the first row.
  """
  rows = defaultdict(list)
  for row, digest in enumerate(of.tolist()):
    rows[digest].append(row)
  return [np.array(same) for same in rows.values() if len(same) > 1]


def leaks(splits: Splits) -> list[str]:
  """Sentences on images of one part that are in another as well.

  Args:
    splits: Of the data set.
  """
  train = digests(splits.train.images, splits.known)
  validation = digests(splits.validation.images)
  test = digests(splits.test.images)
  learned = 'among the images that are learned from'
  found = [
    _leak(splits.validation, 'validation', validation, train, learned),
    _leak(splits.test, 'test', test, train, learned),
    _leak(splits.test, 'test', test, validation, 'in the validation part'),
  ]
  return [sentence for sentence in found if sentence]


def _leak(
  part: Dataset, name: str, of: np.ndarray, others: np.ndarray, where: str
) -> str:
  rows = np.flatnonzero(np.isin(of, others))
  if not len(rows):
    return ''
  example = f', as {part.files[rows[0]]}' if part.files else ''
  return (
    f'A leak: {len(rows):,} of the {len(part):,} images of the {name} part '
    f'are {where} as well, pixel for pixel{example}.'
  )
