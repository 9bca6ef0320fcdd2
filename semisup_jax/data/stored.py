"""Images that stay in their files, and are read when they are indexed."""

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np

from semisup_jax.types import InputError

# Arguments that a thread is given at a time: of few a small share, so that all
# threads have some, and of many no more than this.
_SHARE, _MOST = 1 / 32, 64


class Source(Protocol):
  """Files with images of one shape; small, so that processes may send it.

  Attributes:
    image_shape: (H, W, C).
  """

  image_shape: tuple[int, int, int]

  def __len__(self) -> int:
    """How many images there are."""

  def read(self, row: int) -> np.ndarray:
    """Reads an image, uint8 [H, W, C].

    Raises:
      InputError: If its file cannot be read.
    """


class Summary(NamedTuple):
  """What there is to know of each of N images without reading it again.

  Attributes:
    digests: int64 [N], see `digest`.
    sums: int64 [N, C], of the values of each channel.
    squares: int64 [N, C], of the squares of the values.
  """

  digests: np.ndarray
  sums: np.ndarray
  squares: np.ndarray


def digest(image: np.ndarray) -> int:
  """A number of 64 bits, equal for equal images, in this process alone."""
  return hash(image.tobytes())


@dataclasses.dataclass(frozen=True, eq=False)
class StoredImages:
  """uint8 [N, H, W, C] as an array is, of which what is indexed is read.

  Attributes:
    source: Where from.
    locations: int64 [N], each image's row in the source.
    summary: Of every image of the source.
  """

  source: Source
  locations: np.ndarray
  summary: Summary

  dtype = np.dtype(np.uint8)
  ndim = 4

  @property
  def shape(self) -> tuple[int, int, int, int]:
    """(N, H, W, C)."""
    return len(self), *self.source.image_shape

  def __len__(self) -> int:
    return len(self.locations)

  def __getitem__(self, index: Any) -> np.ndarray:
    """Reads one image, or those of a slice or an array, in several threads.

    Raises:
      InputError: If a file cannot be read any more.
    """
    rows = self.locations[index]
    if not rows.ndim:
      return self.source.read(int(rows))
    return read(self.source, rows, in_threads)

  def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
    """Fails: what has become an array by mistake may not fit into memory."""
    raise TypeError('stored images are no array; index those that are needed')

  def take(self, rows: np.ndarray) -> 'StoredImages':
    """The images of `rows`, int [M]; nothing is read."""
    return dataclasses.replace(self, locations=self.locations[rows])

  def digests(self) -> np.ndarray:
    """Of each image, int64 [N]; nothing is read."""
    return self.summary.digests[self.locations]

  def moments(self) -> tuple[np.ndarray, np.ndarray]:
    """Sums and sums of squares over all pixels, int64 [C]; nothing is read."""
    sums, squares = self.summary.sums, self.summary.squares
    return sums[self.locations].sum(0), squares[self.locations].sum(0)


def look_through(source: Source) -> tuple[StoredImages, list[Any]]:
  """Reads every image once and keeps none.

  Args:
    source: All of whose images there will be.

  Returns:
    The images; and for each None, or the `InputError` that it gave.
  """
  count, channels = len(source), source.image_shape[-1]
  summary = Summary(
    np.zeros(count, np.int64),
    *(np.zeros((count, channels), np.int64) for _ in range(2)),
  )

  def look(row):
    try:
      image = source.read(row)
    except InputError as error:
      return error
    pixels = image.reshape(-1, channels).astype(np.uint32)
    summary.digests[row] = digest(image)
    summary.sums[row] = pixels.sum(0)
    summary.squares[row] = np.square(pixels).sum(0)
    return None

  found = list(in_threads(look, range(count)))
  return StoredImages(source, np.arange(count), summary), found


def read(
  source: Source, rows: np.ndarray, each: Callable[..., Iterable[Any]] = map
) -> np.ndarray:
  """Reads images, uint8 [M, H, W, C].

  Args:
    source: Where from.
    rows: Its rows, int [M].
    each: `map`, or `in_threads`.
  """
  images = np.empty((len(rows), *source.image_shape), np.uint8)

  def one(i):
    images[i] = source.read(int(rows[i]))

  for _ in each(one, range(len(rows))):
    pass
  return images


def in_threads(function: Callable[[Any], Any], arguments: Any) -> Iterable[Any]:
  """`map` over a sequence, in several threads; the results are in its order."""
  count = len(arguments)
  size = min(max(int(_SHARE * count), 1), _MOST)

  def several(start):
    return [function(x) for x in arguments[start : start + size]]

  with ThreadPoolExecutor() as pool:
    for results in pool.map(several, range(0, count, size)):
      yield from results
