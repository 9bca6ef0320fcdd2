"""How people lay out image files: what a folder says of each of them."""

import pathlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from semisup_jax.data.dataset import UNKNOWN
from semisup_jax.data.sources.file_tree import FileTree
from semisup_jax.data.sources.label_table import Label, Row, Table, read_table
from semisup_jax.data.sources.problems import Problems
from semisup_jax.types import InputError

TABLE = 'labels.csv'
_SPLIT_FOLDERS = {
  'train': 'train',
  'val': 'validation',
  'valid': 'validation',
  'validation': 'validation',
  'test': 'test',
}
_UNLABELLED_FOLDERS = ('unlabelled', 'unlabeled')


class Entry(NamedTuple):
  """An image file, and what is known of it.

  Attributes:
    file: It.
    label: The name of its class, or those of its labels; None where nobody
      knows it.
    split: One of train, validation and test.
    group: Whose it is, as a patient; None where it is nobody's.
  """

  file: pathlib.Path
  label: Label | None = None
  split: str = 'train'
  group: str | None = None


class Layout(NamedTuple):
  """The files of a folder.

  Attributes:
    entries: One a file; of a split those without a label are the last.
    notes: Sentences for whoever reads the results.
    names: Of the labels, where an image has any number of them; else none.
  """

  entries: list[Entry]
  notes: list[str]
  names: tuple[str, ...] = ()


def read_layout(
  tree: FileTree,
  table: str | None,
  problems: Problems,
  classes: Sequence[int | str] | None = None,
) -> Layout:
  """Finds the image files of a folder, and what their places say.

  With a table: it says everything, and where a file lies says nothing. Without
  one, sub-folders train, val(idation) and test, or else the folder itself, have
  a sub-folder for each class, with images at any depth. Images of a sub-folder
  `unlabelled`, and images in the folder itself, have no label. Where the files
  of a split are named by different whole numbers they are in this order, as the
  data set has numbered them.

  Args:
    tree: The folder.
    table: Path of the table; None is `labels.csv` in the folder, if it is
      there.
    problems: Hears of rows that cannot be used.
    classes: See `read_table`.

  Raises:
    InputError: If the table cannot be read, or contradicts itself.
  """
  path = _table(tree, table)
  if path is None:
    return _by_folders(tree)
  read = read_table(path, classes)
  return Layout(_by_table(tree, read, problems), [], read.names)


def read_labels(
  tree: FileTree,
  table: str | None,
  problems: Problems,
  classes: Sequence[str] | None = None,
) -> list[Entry]:
  """Every image file of a folder, and what a table, if one is there, says.

  Where a file lies says nothing.

  Args:
    tree: The folder.
    table: See `read_layout`.
    problems: Hears of rows that cannot be used.
    classes: See `read_table`.

  Raises:
    InputError: If the table cannot be read, or contradicts itself.
  """
  path = _table(tree, table)
  if path is None:
    return [Entry(file) for file in tree.images(tree.root, deep=True)]
  entries = _by_table(tree, read_table(path, classes), problems)
  return sorted(entries, key=lambda entry: entry.file)


def _table(tree: FileTree, table: str | None) -> pathlib.Path | None:
  """The table of labels: the one that is asked for, or the folder's, if any."""
  path = tree.root / TABLE
  if table is not None:
    path = pathlib.Path(table).expanduser()
    if not path.is_file():
      raise InputError(
        f'data.labels: there is no file {path}; it should be a table with the '
        'columns file and label'
      )
  elif not path.is_file() or not tree.is_inside(path):
    return None
  return path


def _by_table(tree: FileTree, table: Table, problems: Problems) -> list[Entry]:
  """The files that a table names, and then those that it does not."""
  files = {
    file.relative_to(tree.root).as_posix(): file
    for file in tree.images(tree.root, deep=True)
  }
  named = _named(table.rows, files, tree.root, problems)
  entries = [
    Entry(file, row.label, row.split, row.group or None)
    if (row := named.get(name))
    else Entry(file)
    for name, file in sorted(files.items())
  ]
  return sorted(entries, key=lambda entry: entry.label is None)


def _named(
  rows: Sequence[Row],
  files: dict[str, pathlib.Path],
  root: pathlib.Path,
  problems: Problems,
) -> dict[str, Row]:
  """The row of each file; two that disagree are nobody's to choose from."""
  by_name = defaultdict(list)
  for name in files:
    by_name[name.rpartition('/')[2]].append(name)
  found: dict[str, Row] = {}
  missing = []
  for row in rows:
    name = row.file.replace('\\', '/').removeprefix('./')
    # A name without a folder is enough where there is one such file.
    names = [name] if name in files else by_name.get(name, [])
    if not row.file:
      problems.met(f'{row.place} names no file')
    elif not names:
      missing.append(row)
    elif len(names) > 1:
      problems.met(
        f'{row.place}: {row.file} lies in several folders, as {names[0]} and '
        f'{names[1]}; write which'
      )
    elif names[0] not in found:
      found[names[0]] = row
    elif found[names[0]][2:] == row[2:]:
      line = found[names[0]].line
      problems.met(f'{row.place}: {row.file} was named in {line} already')
    else:
      other = found[names[0]]
      raise InputError(
        f'{row.place}: {row.file} is {row} here, and {other} in {other.line}'
      )
  if missing and not found:
    raise InputError(
      f'none of the {len(rows):,} images of the table is in {root}, the first '
      f'is {rows[0].file!r}; files are named from there, as '
      f'{next(iter(files), "cat/1.png")}'
    )
  for row in missing:
    problems.met(f'{row.place}: there is no image {row.file!r} in {root}')
  return found


def _by_folders(tree: FileTree) -> Layout:
  """The files of class folders, and of those for unlabelled images."""
  splits = _split_folders(tree)
  entries, notes, unlabelled = [], [], []
  for path in dict.fromkeys((tree.root, splits['train'])):
    for sub in tree.folders(path):
      if sub.name.lower() in _UNLABELLED_FOLDERS:
        unlabelled += tree.images(sub, deep=True)
    loose = tree.images(path, deep=False)
    unlabelled += loose
    if loose and tree.folders(path):
      notes.append(
        f'{len(loose):,} image(s) lie in {path} itself, in no sub-folder: they '
        'are unlabelled.'
      )
  for split, path in splits.items():
    of_split, empty = _class_files(tree, path, split)
    entries += _in_order(of_split)
    notes += [f'{sub} has no image and is no class.' for sub in empty]
  return Layout(entries + [Entry(file) for file in unlabelled], notes)


def _split_folders(tree: FileTree) -> dict[str, pathlib.Path]:
  """The folder of each split; `train` alone where there are none for them."""
  splits = {
    _SPLIT_FOLDERS[sub.name.lower()]: sub
    for sub in tree.folders(tree.root)
    if sub.name.lower() in _SPLIT_FOLDERS
  }
  if splits and 'train' not in splits:
    raise InputError(
      f'{tree.root} has {", ".join(sorted(s.name for s in splits.values()))} '
      'but no train folder'
    )
  return splits or {'train': tree.root}


def _class_files(
  tree: FileTree, path: pathlib.Path, split: str
) -> tuple[list[Entry], list[pathlib.Path]]:
  """The images of the class folders, and the sub-folders that have none."""
  entries, empty = [], []
  for sub in tree.folders(path):
    if sub.name.lower() in _UNLABELLED_FOLDERS:
      continue
    files = tree.images(sub, deep=True)
    entries += [Entry(file, sub.name, split) for file in files]
    if not files:
      empty.append(sub)
  return entries, empty


def _in_order(entries: list[Entry]) -> list[Entry]:
  """By number, where all files are named by numbers of which none is twice."""
  stems = [entry.file.stem for entry in entries]
  if not all(stem.isdecimal() for stem in stems):
    return entries
  numbers = [int(stem) for stem in stems]
  if len(set(numbers)) < len(numbers):
    return entries
  return [entries[i] for i in np.argsort(numbers)]


def class_names(entries: Sequence[Entry]) -> tuple[str, ...]:
  """The classes, by number where all are numbers."""
  names = {entry.label for entry in entries if entry.label is not None}
  numbers = all(name.isdecimal() for name in names)
  return tuple(sorted(names, key=int if numbers else str))


def label_array(
  entries: Sequence[Entry], names: Sequence[str], *, several: bool
) -> np.ndarray:
  """Labels as numbers, as a `Dataset` has them.

  Args:
    entries: Whose labels.
    names: Of all classes, or labels.
    several: Whether an image has any number of labels.

  Returns:
    int32 [N], or [N, K] of several labels.
  """
  if not several:
    numbers = {name: i for i, name in enumerate(names)}
    labels = [numbers.get(entry.label, UNKNOWN) for entry in entries]
    return np.array(labels, np.int32)
  rows = np.full((len(entries), len(names)), UNKNOWN, np.int32)
  for row, entry in zip(rows, entries, strict=True):
    if entry.label is not None:
      row[:] = [name in entry.label for name in names]
  return rows


def _classes(entry: Entry) -> tuple[str | None, ...]:
  """The classes that an image is of; None alone where nobody knows."""
  return entry.label if isinstance(entry.label, tuple) else (entry.label,)


def check_classes(entries: Sequence[Entry]) -> None:
  """Fails where a class is tested on that cannot be learned.

  Raises:
    InputError: Naming it.
  """
  known = {name for e in entries if e.split == 'train' for name in _classes(e)}
  for entry in entries:
    for name in _classes(entry):
      if name not in known:
        raise InputError(
          f'the {entry.split} part has the class {name!r}, which is not in the '
          'train part'
        )


def check_groups(entries: Sequence[Entry]) -> None:
  """Fails where the labelled images of a group are on two sides of a split.

  Its unlabelled ones are left out where it is tested on.

  Raises:
    InputError: Naming the group and two of its files.
  """
  first: dict[str, Entry] = {}
  for entry in entries:
    if entry.group is None or entry.label is None:
      continue
    other = first.setdefault(entry.group, entry)
    if other.split != entry.split:
      raise InputError(
        f'the group {entry.group!r} is in two parts: {other.file.name} is '
        f'{other.split}, {entry.file.name} is {entry.split}; whose images are '
        'tested on must not be learned from'
      )


def alone(entries: Sequence[Entry], problems: Problems) -> set[Entry]:
  """The entries that are the one image of their class, which is a problem.

  Of several labels none is: the image is learned from for the others.
  """
  counts = Counter(entry.label for entry in entries)
  found = {
    entry
    for entry in entries
    if isinstance(entry.label, str) and counts[entry.label] == 1
  }
  for entry in sorted(found):
    problems.met(
      f'the class {entry.label!r} has one image, {entry.file}; two are needed, '
      'to learn from and to test on'
    )
  return found
