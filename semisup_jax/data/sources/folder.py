"""Image files in a folder, with their classes in sub-folders or a table."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.data import stored
from semisup_jax.data.dataset import Dataset, Parts, Reading
from semisup_jax.data.sources import fields, image_files, layouts
from semisup_jax.data.sources.file_tree import SUFFIXES, FileTree
from semisup_jax.data.sources.image_files import Header, ImageFiles
from semisup_jax.data.sources.layouts import Entry
from semisup_jax.data.sources.problems import Problems
from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError


def folder(config: Mapping[str, Any]) -> Parts:
  """Image files with a table of labels, or in class folders.

  `layouts` says how a folder is read, `image_files` what becomes of an image:
  grey if every file is, else RGB. One of another size than `image_size` is
  scaled and cut around its centre, its aspect ratio kept.

  Args:
    config: The section `data`; `path` is the folder, `labels` a table (None is
      `labels.csv` in the folder, if it is there), `image_size` the side in
      pixels (None, if all have one size), `skip_unreadable` whether files and
      rows that cannot be used are passed over and counted, and `in_memory`
      whether the images are kept, or decoded again when they are needed.
  """
  root = fields.existing(config, 'a folder')
  if not root.is_dir():
    raise InputError(f'data.path must be a folder, got the file {root}')
  problems = Problems(skip=config['skip_unreadable'])
  tree = FileTree(root, problems)
  entries, notes, several = layouts.read_layout(
    tree, config['labels'], problems, config['classes']
  )
  layouts.check_groups(entries)
  with image_files.without_warnings():
    entries, headers = _readable(entries, problems)
    if not entries:
      raise InputError(f'{root} has no image file ({", ".join(SUFFIXES)})')
    grey = all(header.is_grey for header in headers)
    size = _common_size(headers, config)
    in_memory = fields.in_memory(config)
    decode = _decoded if in_memory else _looked_through
    decoded = {
      split: decode(own, problems, grey=grey, size=size)
      for split, own in _by_split(entries).items()
    }
  if not in_memory:
    image_files.never_warn()
  usable = [entry for own, _ in decoded.values() for entry in own]
  layouts.check_classes(usable)
  alone = layouts.alone(usable, problems)
  for split, (own, images) in decoded.items():
    keep = [entry not in alone for entry in own]
    decoded[split] = _selected(own, images, keep)
  of_file = dict(zip(entries, headers, strict=True))
  read = [of_file[entry] for own, _ in decoded.values() for entry in own]
  notes += [*image_files.changes_in_words(read), *problems.in_words()]
  reading = Reading(
    notes=tuple(notes),
    skipped=tuple(problems.lines),
    sizes=Counter(header.size for header in read),
    kinds=Counter(f'{header.format} {header.mode}' for header in read),
  )
  return _parts(tree, decoded, several, reading)


def _parts(
  tree: FileTree,
  decoded: Mapping[str, tuple[Sequence[Entry], np.ndarray | StoredImages]],
  several: tuple[str, ...],
  reading: Reading,
) -> Parts:
  """The files of each split and their images, as data sets."""
  entries = [entry for own, _ in decoded.values() for entry in own]
  names = several or layouts.class_names(entries)
  groups = sorted({e.group for e in entries if e.group is not None})
  of_group = {group: i for i, group in enumerate(groups)}
  parts = {}
  for split, (own, images) in decoded.items():
    sides = [of_group.get(entry.group, -1) for entry in own]
    parts[split] = Dataset(
      images,
      layouts.label_array(own, names, several=bool(several)),
      names,
      files=tuple(e.file.relative_to(tree.root).as_posix() for e in own),
      groups=np.array(sides, np.int32) if groups else None,
      reading=reading,
    )
  return parts


def _by_split(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
  found: dict[str, list[Entry]] = {'train': []}
  for entry in entries:
    found.setdefault(entry.split, []).append(entry)
  return found


def _each(
  function: Callable[[Any], Any], arguments: Sequence[Any]
) -> list[Any]:
  """Results in several threads; an `InputError` takes the place of one."""

  def attempt(argument):
    try:
      return function(argument)
    except InputError as error:
      return error

  return list(stored.in_threads(attempt, arguments))


def _readable(
  entries: Sequence[Entry], problems: Problems
) -> tuple[list[Entry], list[Header]]:
  """Those whose headers can be read, and these."""
  headers = _each(image_files.read_header, [entry.file for entry in entries])
  good = problems.good(headers)
  compress = itertools.compress
  return list(compress(entries, good)), list(compress(headers, good))


def _common_size(
  headers: Sequence[Header], config: Mapping[str, Any]
) -> tuple[int, int]:
  """The width and height that all will have."""
  if config['image_size'] is not None:
    return (fields.image_size(config),) * 2
  sizes = sorted({header.size for header in headers})
  if len(sizes) > 1:
    shown = ', '.join(f'{w}x{h}' for w, h in sizes[:3])
    raise InputError(
      f'the images have {len(sizes)} different sizes ({shown}, ...); choose '
      'one with --config.data.image_size=PIXELS'
    )
  return sizes[0]


def _decoded(
  entries: Sequence[Entry],
  problems: Problems,
  *,
  grey: bool,
  size: tuple[int, int],
) -> tuple[list[Entry], np.ndarray]:
  """Those that can be decoded, and their images, uint8 [N, H, W, C]."""
  images = np.empty((len(entries), *size[::-1], 1 if grey else 3), np.uint8)

  def decode(i):
    images[i] = image_files.decode(entries[i].file, grey=grey, size=size)

  good = problems.good(_each(decode, range(len(entries))))
  return _selected(entries, images, good)


def _looked_through(
  entries: Sequence[Entry],
  problems: Problems,
  *,
  grey: bool,
  size: tuple[int, int],
) -> tuple[list[Entry], StoredImages]:
  """Those that can be decoded, and their images, which stay in their files."""
  files = tuple(str(entry.file) for entry in entries)
  images, found = stored.look_through(ImageFiles(files, grey=grey, size=size))
  return _selected(entries, images, problems.good(found))


def _selected(
  entries: Sequence[Entry],
  images: np.ndarray | StoredImages,
  keep: Sequence[bool],
) -> tuple[list[Entry], np.ndarray | StoredImages]:
  """Some of the entries, and their images, moved to the front of an array."""
  rows = np.flatnonzero(keep)
  own = [entries[row] for row in rows]
  if isinstance(images, StoredImages):
    return own, images.take(rows)
  if len(rows) < len(images):
    for i, row in enumerate(rows):
      images[i] = images[row]
  return own, images[: len(rows)]
