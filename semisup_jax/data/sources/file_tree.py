"""The image files of a folder, at any depth, and none from elsewhere."""

import os
import pathlib
from collections.abc import Iterator

from semisup_jax.data.sources.problems import Problems

SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.gif', '.tif', '.tiff')


class FileTree:
  """A folder that somebody else has filled; hidden files are not looked at.

  What is named as an image is taken for one; what cannot be read as one is a
  problem then. A link that leads out of the folder, as one from elsewhere may,
  is a problem at once: nothing outside is read.
  """

  def __init__(self, root: pathlib.Path, problems: Problems):
    """Reads nothing yet.

    Args:
      root: The folder.
      problems: Hears of links that lead outside, and of names in no text.
    """
    self.root = root
    self._inside = root.resolve()
    self._problems = problems
    self._met: set[str] = set()

  def folders(self, path: pathlib.Path) -> list[pathlib.Path]:
    """The sub-folders right below `path`, by name; each is inside the root."""
    return [entry for entry in self._entries(path) if entry.is_dir()]

  def images(self, path: pathlib.Path, *, deep: bool) -> list[pathlib.Path]:
    """The image files below `path`, by name.

    Args:
      path: The root, or a folder below it.
      deep: Whether those of its sub-folders are among them.
    """
    return sorted(self._images(path, frozenset(), deep=deep))

  def _images(
    self, path: pathlib.Path, above: frozenset[pathlib.Path], *, deep: bool
  ) -> Iterator[pathlib.Path]:
    here = path.resolve()
    if here in above:
      return  # A link to a folder above would be followed for ever.
    for entry in self._entries(path):
      if entry.is_dir():
        if deep:
          yield from self._images(entry, above | {here}, deep=True)
      elif entry.suffix.lower() in SUFFIXES:
        yield entry

  def _entries(self, path: pathlib.Path) -> Iterator[pathlib.Path]:
    with os.scandir(path) as found:
      entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
      if entry.name.startswith('.'):
        continue
      if not _is_text(entry.name):
        self._met_once(
          f'the name of {entry.path!a} is no UTF-8, so no table or page can '
          'name it; rename it'
        )
        continue
      if entry.is_symlink() and not self.is_inside(entry.path):
        self._met_once(
          f'{entry.path} is a link that leads outside of {self.root}, to '
          f'{os.path.realpath(entry.path)}; copy what it leads to'
        )
        continue
      yield pathlib.Path(entry.path)

  def _met_once(self, problem: str) -> None:
    if problem in self._met:
      return  # A folder may be looked through more than once.
    self._met.add(problem)
    self._problems.met(problem)

  def is_inside(self, path: str | pathlib.Path) -> bool:
    """Whether a path, its links followed, leads to a place in the folder."""
    return pathlib.Path(path).resolve().is_relative_to(self._inside)


def _is_text(name: str) -> bool:
  """Whether a file's name is UTF-8; others Python reads as lone surrogates."""
  try:
    name.encode()
  except UnicodeEncodeError:
    return False
  return True
