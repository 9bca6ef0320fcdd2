"""Images that a classifier is asked about, read a chunk at a time."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.data.sources import fields, image_files, layouts
from semisup_jax.data.sources.file_tree import SUFFIXES, FileTree
from semisup_jax.data.sources.image_files import Header
from semisup_jax.data.sources.layouts import Entry
from semisup_jax.data.sources.problems import Problems
from semisup_jax.data.stored import in_threads
from semisup_jax.types import InputError

# Images that are in memory at one time.
CHUNK = 1024


class FoundImages:
  """Every image file of a folder, at any depth, decoded when it is asked for.

  Attributes:
    entries: The files, by path, with the labels of a table, if one is there.
  """

  def __init__(
    self,
    config: Mapping[str, Any],
    classes: Sequence[str] | None = None,
    *,
    shorter_side: int | None = None,
  ):
    """Finds the files, and opens none.

    Args:
      config: The section `data`: `path` is the folder, `labels` a table (None
        is `labels.csv` in the folder, if it is there), and `skip_unreadable`
        whether files and rows that cannot be used are passed over.
      classes: The labels of which an image may have several, the columns of a
        table; None where it has one class.
      shorter_side: See `image_files.decode`.

    Raises:
      InputError: If there are none, or the table is not one.
    """
    root = fields.existing(config, 'a folder')
    if not root.is_dir():
      raise InputError(f'data.path must be a folder, got the file {root}')
    self._problems = Problems(skip=config['skip_unreadable'])
    self._tree = FileTree(root, self._problems)
    self._headers: list[Header] = []
    self._shorter_side = shorter_side
    self.entries = layouts.read_labels(
      self._tree, config['labels'], self._problems, classes
    )
    if not self.entries:
      raise InputError(f'{root} has no image file ({", ".join(SUFFIXES)})')

  def name(self, entry: Entry) -> str:
    """Path of a file within the folder, with slashes."""
    return entry.file.relative_to(self._tree.root).as_posix()

  def chunks(
    self, image_shape: tuple[int, int, int]
  ) -> Iterator[tuple[list[Entry], np.ndarray]]:
    """Decodes them, in order; without `shorter_side` as `folder` does.

    Args:
      image_shape: What they become, (H, W, C).

    Yields:
      The next files that can be decoded, and their images, uint8 [N, H, W, C].

    Raises:
      InputError: If one cannot, and is not to be passed over.
    """
    for start in range(0, len(self.entries), CHUNK):
      entries = self.entries[start : start + CHUNK]
      with image_files.without_warnings():
        read = list(
          in_threads(lambda entry: self._read(entry, image_shape), entries)
        )
      good = self._problems.good(read)
      found = [pair for pair, fine in zip(read, good, strict=True) if fine]
      self._headers += [header for header, _ in found]
      if found:
        kept = [e for e, fine in zip(entries, good, strict=True) if fine]
        yield kept, np.stack([pixels for _, pixels in found])

  def pixels(
    self, entries: Sequence[Entry], image_shape: tuple[int, int, int]
  ) -> np.ndarray:
    """Decodes files that `chunks` has given once more.

    Args:
      entries: Of the files, at least one.
      image_shape: What they become, (H, W, C).

    Returns:
      uint8 [N, H, W, C].

    Raises:
      InputError: If one cannot be decoded any more.
    """
    read = [self._read(entry, image_shape) for entry in entries]
    for one in read:
      if isinstance(one, InputError):
        raise one
    return np.stack([pixels for _, pixels in read])

  @property
  def skipped(self) -> list[str]:
    """One line for each file or row that was passed over until now."""
    return self._problems.lines

  def notes(self, channels: int) -> list[str]:
    """Sentences on how those that were read until now were read.

    Args:
      channels: That they became.
    """
    colour = sum(not header.is_grey for header in self._headers)
    notes = [*image_files.changes_in_words(self._headers)]
    if channels == 1 and colour:
      notes.append(f'{colour:,} colour image(s) became grey, as in the run.')
    return notes

  def _read(
    self, entry: Entry, image_shape: tuple[int, int, int]
  ) -> tuple[Header, np.ndarray] | InputError:
    """A file's header and its pixels, or why there are none."""
    height, width, channels = image_shape
    try:
      header = image_files.read_header(entry.file)
      return header, image_files.decode(
        entry.file,
        grey=channels == 1,
        size=(width, height),
        shorter_side=self._shorter_side,
      )
    except InputError as error:
      return error


def picture(file: pathlib.Path, side: int) -> np.ndarray:
  """A file that was read before, for a person to look at.

  Args:
    file: Of the image.
    side: Of the square around its centre, in pixels.

  Returns:
    uint8 [side, side, 3].
  """
  with image_files.without_warnings():
    return image_files.decode(file, grey=False, size=(side, side))
