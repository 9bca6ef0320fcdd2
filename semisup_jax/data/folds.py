"""Official folds: which images' labels may be seen, as a data set's file says.

STL-10 comes with `fold_indices.txt`, ten folds of 1,000 of its 5,000 labelled
images (https://cs.stanford.edu/~acoates/stl10/).
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.types import InputError


def read_fold(config: Mapping[str, Any]) -> np.ndarray | None:
  """Reads the rows of one fold.

  Args:
    config: The section `data`: `folds`, the path of a text file with a line a
      fold, numbers of images of the training part, from 0, with spaces between
      them; `fold`, which line, from 0.

  Returns:
    Row numbers into the training part, int64, sorted; None where `folds` is.

  Raises:
    InputError: If there is no such file or line, or if it is not of different
      numbers.
  """
  if config['folds'] is None:
    return None
  path = pathlib.Path(config['folds']).expanduser()
  try:
    lines = path.read_text('ascii').splitlines()
  except (OSError, ValueError) as error:
    raise InputError(f'data.folds: {path} cannot be read: {error}') from error
  lines = [line.split() for line in lines if line.strip()]
  if not 0 <= config['fold'] < len(lines):
    raise InputError(
      f'data.fold must be in 0 to {len(lines) - 1}, as {path} has {len(lines)} '
      f'fold(s); got {config["fold"]}'
    )
  words = lines[config['fold']]
  wrong = [word for word in words if not word.isdecimal()]
  if wrong:
    raise InputError(
      f'data.folds: {path} must have whole numbers, got {wrong[0]!r}'
    )
  rows = np.unique(np.array(words, np.int64))
  if len(rows) < len(words):
    raise InputError(
      f'data.folds: fold {config["fold"]} of {path} names an image twice'
    )
  return rows
