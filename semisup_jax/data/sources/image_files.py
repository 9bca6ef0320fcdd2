"""One image file as people have them: what it is, and its pixels, 8 bits.

A picture is turned as its EXIF orientation says, 16 bits of grey are scaled to
8, CMYK becomes RGB, transparency is dropped, and of an animation or a file of
several pages the first is taken.
"""

import contextlib
import functools
import pathlib
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from semisup_jax.types import InputError

_ORIENTATION = 0x0112  # The tag in EXIF.
_TURNED = {
  2: Image.Transpose.FLIP_LEFT_RIGHT,
  3: Image.Transpose.ROTATE_180,
  4: Image.Transpose.FLIP_TOP_BOTTOM,
  5: Image.Transpose.TRANSPOSE,
  6: Image.Transpose.ROTATE_270,
  7: Image.Transpose.TRANSVERSE,
  8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)
# Whatever a file is named: for some others, as EPS, Pillow starts a program.
_FORMATS = ('BMP', 'GIF', 'JPEG', 'PNG', 'TIFF', 'WEBP')
# Pillow's modes: those of 8 bits or less, and of grey with 16.
_DEEP = ('I', 'I;16', 'I;16B', 'I;16L', 'I;16N')
_GREY = ('1', 'L', 'LA', *_DEEP)
_MODES = (*_GREY, 'P', 'PA', 'RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr')


class Header(NamedTuple):
  """What a file says of its image.

  Attributes:
    format: As `JPEG`.
    mode: Pillow's.
    size: Width and height in pixels, after it was turned.
    changes: What reading will do to it: keys of `CHANGES`.
  """

  format: str
  mode: str
  size: tuple[int, int]
  changes: tuple[str, ...]

  @property
  def is_grey(self) -> bool:
    """Whether one channel holds it."""
    return self.mode in _GREY


# What is done to a file, in the words of a report that begin with a count.
CHANGES = {
  'turned': 'turned as the EXIF orientation says',
  'deep': 'of 16 bits scaled to 8',
  'cmyk': 'of CMYK converted to RGB',
  'transparent': 'without their transparency',
  'first': 'of several frames or pages, of which the first was taken',
}


def read_header(file: pathlib.Path) -> Header:
  """Reads what a file says, without its pixels.

  Raises:
    InputError: If it cannot be read as an image, is too large to be decoded, or
      has pixels of another kind.
  """
  with _opened(file, 'read as an image') as image:
    mode, turn = image.mode, _orientation(image)
    if mode not in _MODES:
      raise InputError(
        f'{file} is of the mode {mode}; save it as grey or RGB, with 8 bits or '
        '16'
      )
    on_its_side = turn in _ON_ITS_SIDE and image.format != 'TIFF'
    size = image.size[::-1] if on_its_side else image.size
    done = {
      'turned': turn != 1,
      'deep': mode in _DEEP,
      'cmyk': mode == 'CMYK',
      'transparent': mode in ('LA', 'PA', 'RGBA')
      or 'transparency' in image.info,
      'first': bool(getattr(image, 'is_animated', False)),
    }
    changes = tuple(name for name, is_done in done.items() if is_done)
    return Header(image.format or '', mode, size, changes)


def decode(
  file: str | pathlib.Path,
  *,
  grey: bool,
  size: tuple[int, int] | None,
  shorter_side: int | None = None,
) -> np.ndarray:
  """Decodes an image.

  Args:
    file: Its file.
    grey: Whether it becomes grey, or RGB.
    size: Width and height in pixels, to which it is scaled and cut around its
      centre, its aspect ratio kept; None leaves it as it is.
    shorter_side: In pixels, to which that of the image is scaled before `size`
      is cut out, as published networks are tested; None scales no further than
      to what covers `size`.

  Returns:
    uint8 [H, W, C], C 1 or 3.

  Raises:
    InputError: If it cannot be decoded.
  """
  with _opened(file, 'decoded') as image:
    if size is not None and shorter_side is None:
      # A JPEG far larger than needed is decoded at a fraction of its size, yet
      # at twice what is left of it.
      image.draft(None, (2 * max(size), 2 * max(size)))
    # Of TIFF Pillow turns the image, and its size, itself.
    turn = 1 if image.format == 'TIFF' else _orientation(image)
    mode = 'L' if grey else 'RGB'
    image = _of_8_bits(image, file).convert(mode)
    if turn in _TURNED:
      image = image.transpose(_TURNED[turn])
    if shorter_side is not None:
      image = _middle(image, size, shorter_side)
    elif size is not None:
      image = fit(image, size)
    pixels = np.asarray(image)
  return pixels.reshape(*pixels.shape[:2], 1 if grey else 3)


class ImageFiles:
  """Image files of which each is decoded when it is needed.

  Attributes:
    image_shape: (H, W, C) of all of them.
  """

  def __init__(
    self, files: Sequence[str], *, grey: bool, size: tuple[int, int]
  ):
    """Takes the files' paths, and what `decode` makes of them."""
    self.image_shape = (*size[::-1], 1 if grey else 3)
    self._files = files
    self._decode = functools.partial(decode, grey=grey, size=size)

  def __len__(self) -> int:
    return len(self._files)

  def read(self, row: int) -> np.ndarray:
    """Decodes one, uint8 [H, W, C]; see `decode`."""
    return self._decode(self._files[row])


def fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
  """Scales and cuts around the centre to (width, height), as every source."""
  from PIL import ImageOps

  if image.size == size:
    return image
  return ImageOps.fit(image, size, Image.Resampling.BILINEAR)


def _middle(
  image: Image.Image, size: tuple[int, int], shorter_side: int
) -> Image.Image:
  """Scales the shorter side, and cuts (width, height) out of the middle."""
  scale = shorter_side / min(image.size)
  whole = [round(scale * side) for side in image.size]
  starts = [(a - b) // 2 for a, b in zip(whole, size, strict=True)]
  ends = [a + b for a, b in zip(starts, size, strict=True)]
  # Only what is kept is scaled: of a very long image the whole would be huge.
  box = [
    place * side / scaled
    for places in (starts, ends)
    for place, side, scaled in zip(places, image.size, whole, strict=True)
  ]
  return image.resize(size, Image.Resampling.BILINEAR, box=box)


def _of_8_bits(image: Image.Image, file: str | pathlib.Path) -> Image.Image:
  """Scales 16 bits to 8; the full range of one is that of the other."""
  if image.mode not in _DEEP:
    if image.mode == 'P' and 'transparency' in image.info:
      return image.convert('RGBA')  # Straight to RGB Pillow warns.
    return image
  values = np.asarray(image).astype(np.int64)
  if values.min() < 0 or values.max() > 65535:
    raise InputError(
      f'{file} has values from {values.min()} to {values.max()}, beyond 16 '
      'bits; scale them to 0 to 65535'
    )
  return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _orientation(image: Image.Image) -> int:
  """The EXIF orientation, 1 to 8; 1, as it is, where there is no good one."""
  if image.format == 'PNG' and 'exif' not in image.info:
    return 1  # Pillow would decode the whole file to look behind the pixels.
  try:
    turn = image.getexif().get(_ORIENTATION, 1)
  except Exception:  # Whatever a broken block of EXIF leads to.
    return 1
  return turn if turn in _TURNED else 1


@contextlib.contextmanager
def _opened(file: str | pathlib.Path, what: str) -> Iterator[Image.Image]:
  """Opens an image, and says in one line why that, or what is done, fails."""
  try:
    with Image.open(file, formats=_FORMATS) as image:
      yield image
  except InputError:
    raise
  except Image.DecompressionBombError as error:
    raise InputError(f'{file} is too large to be decoded: {error}') from error
  except Exception as error:  # A damaged file leads Pillow anywhere.
    text = ' '.join(str(error).split()).replace(f'{str(file)!r}', 'it')
    raise InputError(f'{file} cannot be {what}: {text}') from error


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
  """Keeps Pillow from warning of what is large, yet will be decoded."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    yield


def never_warn() -> None:
  """The same from now on, for what is decoded later and by any thread."""
  warnings.filterwarnings('ignore', module='PIL')


def changes_in_words(headers: Sequence[Header]) -> list[str]:
  """One sentence of what was done to the files; none, if nothing was."""
  counts = {
    name: sum(name in header.changes for header in headers) for name in CHANGES
  }
  parts = [f'{n:,} {CHANGES[name]}' for name, n in counts.items() if n]
  if not parts:
    return []
  return [f'Of {len(headers):,} image files were read {"; ".join(parts)}.']
