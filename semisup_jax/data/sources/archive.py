"""Arrays of an .npz file, of which each image is read when it is needed."""

import math
import pathlib
import struct
import zipfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from semisup_jax.data.sources import fields
from semisup_jax.types import InputError


class Rows(NamedTuple):
  """Images that lie one after the other in a file.

  Attributes:
    start: Of the first, in bytes from the beginning of the file.
    shape: (N, H, W, C).
  """

  start: int
  shape: tuple[int, int, int, int]


class Archive:
  """The images of some arrays of a file, one array after the other.

  Attributes:
    image_shape: (H, W, C) of all of them.
  """

  def __init__(
    self, path: pathlib.Path, arrays: Sequence[Rows], *, size: int | None
  ):
    """Takes where the images lie, and the side to which they are scaled.

    Raises:
      InputError: If they are of different shapes then.
    """
    height, width, channels = arrays[0].shape[1:]
    self.image_shape = (size or height, size or width, channels)
    for _, (_, *shape) in arrays:
      shape = (size or shape[0], size or shape[1], shape[2])
      fields.check_shape(str(path), self.image_shape, shape)
    self._path = path
    self._arrays = arrays
    self._size = size
    self._ends = np.cumsum([rows.shape[0] for rows in arrays])

  def __len__(self) -> int:
    return int(self._ends[-1])

  def read(self, row: int) -> np.ndarray:
    """Reads one, uint8 [H, W, C].

    Raises:
      InputError: If it is no longer there.
    """
    which = int(np.searchsorted(self._ends, row, side='right'))
    start, (count, *shape) = self._arrays[which]
    size = math.prod(shape)
    start += (row - int(self._ends[which]) + count) * size
    try:
      image = np.fromfile(self._path, np.uint8, size, offset=start)
      return fields.resized(image.reshape(shape), self._size)
    except (OSError, ValueError) as error:
      raise InputError(f'{self._path} cannot be read: {error}') from error


def locate(path: pathlib.Path, member: zipfile.ZipInfo) -> Rows:
  """Finds the images of an array that is not compressed.

  Args:
    path: Of the .npz file.
    member: Of it; uint8 [N, H, W] or [N, H, W, C].

  Raises:
    InputError: If it is compressed.
    ValueError: If it is cut off.
  """
  if member.compress_type != zipfile.ZIP_STORED:
    raise InputError(
      f'{member.filename} in {path} is compressed, so no image of it can be '
      'read by itself; save it by np.savez, or leave data.in_memory=True'
    )
  with path.open('rb') as file:
    # Before the member its name stands again, and perhaps some fields.
    file.seek(member.header_offset + 26)
    first = sum(struct.unpack('<HH', file.read(4))) + file.tell()
    file.seek(first)
    shape, _, _ = read_header(file)
    start = file.tell()
  # What headers say of the size need not be true.
  end = min(first + member.file_size, path.stat().st_size)
  if start + math.prod(shape) > end:
    raise ValueError(f'{member.filename} is cut off')
  return Rows(start, (*shape, 1)[:4])


def read_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
  """Shape, whether it is in Fortran order, and dtype of an .npy file."""
  version = np.lib.format.read_magic(stream)
  if version == (1, 0):
    return np.lib.format.read_array_header_1_0(stream)
  return np.lib.format.read_array_header_2_0(stream)
