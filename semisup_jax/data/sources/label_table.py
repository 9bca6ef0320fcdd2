"""A table of labels beside the images: `labels.csv`."""

import csv
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from semisup_jax.types import InputError

COLUMNS = ('file', 'label', 'split', 'group')
# What a cell of the column split may say; an empty one is train.
SPLITS = {
  '': 'train',
  'train': 'train',
  'val': 'validation',
  'valid': 'validation',
  'validation': 'validation',
  'test': 'test',
}
_DELIMITERS = ',;\t'
# What a cell of a label's own column may say; pandas writes 1.0.
_CELLS = {'0': False, '0.0': False, '1': True, '1.0': True}

# The name of the one class of an image, or those of all labels that it has.
Label = str | tuple[str, ...]


class Row(NamedTuple):
  """One image of the table.

  Attributes:
    place: Where the row is, for an error.
    file: As it is written there.
    label: The class's name, or those of the labels, which may be none; None
      where nobody knows it.
    split: One of train, validation and test.
    group: Whose image it is, as a patient; empty where it is nobody's.
  """

  place: str
  file: str
  label: Label | None
  split: str
  group: str

  @property
  def line(self) -> str:
    """The place within the table, as `line 7`."""
    return self.place.rpartition(', ')[2]

  def __str__(self) -> str:
    """What it says of its image."""
    label = 'without a label' if self.label is None else self.label
    if isinstance(label, tuple):
      label = ' and '.join(label) or 'none of the labels'
    parts = [label, self.split]
    return ', '.join(parts + [f'group {self.group}'] * bool(self.group))


class Table(NamedTuple):
  """A table of labels.

  Attributes:
    rows: One an image.
    names: Of the labels of which an image has any number, in their order; none
      where an image has one class.
  """

  rows: list[Row]
  names: tuple[str, ...]


def read_table(
  path: pathlib.Path, classes: Sequence[int | str] | None = None
) -> Table:
  """Reads a table with a header, separated by commas, semicolons or tabs.

  The columns `file` and `label`, and perhaps `split` and `group`, in any order
  and case; others are not looked at. Without a column `label`, of two others or
  more each is a label of its own, of 0 and 1. Text is UTF-8, with or without a
  mark.

  Args:
    path: The table.
    classes: `data.classes`; where it names columns, no other one is a label.

  Raises:
    InputError: If it cannot be read, has no such columns or no rows, or if a
      cell says what it may not.
  """
  try:
    with path.open(newline='', encoding='utf-8-sig') as file:
      first = file.readline()
      file.seek(0)
      # The one that is most often in the header: a name may hold another.
      delimiter = max(_DELIMITERS, key=first.count)
      lines = csv.reader(file, delimiter=delimiter, strict=True)
      header = [name.strip() for name in next(lines, [])]
      columns = _columns([name.lower() for name in header], path)
      cells = [
        (lines.line_num, [cell.strip() for cell in line])
        for line in lines
        if any(cell.strip() for cell in line)
      ]
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    raise InputError(f'{path} cannot be read as a table: {error}') from error
  if not cells:
    raise InputError(f'{path} has a header, but no rows')
  several = _several(header, columns, classes)
  rows = [
    _row(f'{path}, line {number}', line, header, columns, several)
    for number, line in cells
  ]
  return Table(rows, tuple(several))


def _columns(header: list[str], path: pathlib.Path) -> dict[str, int]:
  """Where each of our columns is."""
  shown = ', '.join(filter(None, header)) or 'nothing'
  others = [name for name in filter(None, header) if name not in COLUMNS]
  if 'file' not in header or ('label' not in header and len(others) < 2):
    raise InputError(
      f'{path} needs a header with the columns file and label, and perhaps '
      'split and group, or for label two columns of 0 and 1 or more; it has '
      f'{shown}'
    )
  looked_at = COLUMNS if 'label' in header else (*COLUMNS, *others)
  twice = [name for name in looked_at if header.count(name) > 1]
  if twice:
    raise InputError(f'{path} has the column {twice[0]!r} twice: {shown}')
  return {name: header.index(name) for name in COLUMNS if name in header}


def _several(
  header: list[str],
  columns: dict[str, int],
  classes: Sequence[int | str] | None,
) -> dict[str, int]:
  """Where each label's own column is; nowhere, if there is a column label."""
  if 'label' in columns:
    return {}
  places = set(columns.values())
  found = {
    name: at for at, name in enumerate(header) if name and at not in places
  }
  if classes is not None and set(classes) <= set(found):
    return {name: at for name, at in found.items() if name in classes}
  return found


def _row(
  place: str,
  line: list[str],
  header: list[str],
  columns: dict[str, int],
  several: dict[str, int],
) -> Row:
  if len(line) != len(header):
    raise InputError(
      f'{place} has {len(line)} cells, the header {len(header)}; a name with a '
      'comma in it needs double quotes'
    )
  cells = {name: line[at] for name, at in columns.items()}
  split = cells.get('split', '').lower()
  if split not in SPLITS:
    raise InputError(
      f'{place}: split must be train, validation or test, or empty; got '
      f'{split!r}'
    )
  if several:
    label = _labels(place, {name: line[at] for name, at in several.items()})
  else:
    label = cells['label'] or None
  if SPLITS[split] != 'train' and label is None:
    raise InputError(
      f'{place}: an image of the {SPLITS[split]} part needs a label'
    )
  return Row(place, cells['file'], label, SPLITS[split], cells.get('group', ''))


def _labels(place: str, cells: dict[str, str]) -> tuple[str, ...] | None:
  """The names of the cells that are 1; None where all are empty.

  An image of which only some labels are known would have to count for these
  alone, which no loss and no metric here does.
  """
  if not any(cells.values()):
    return None
  for name, cell in cells.items():
    if cell not in _CELLS:
      raise InputError(
        f'{place}: {name} must be 0 or 1, or all labels of the image empty; '
        f'got {cell!r}; without a column label every column but file, split '
        'and group is a label, or those alone that data.classes names'
      )
  return tuple(name for name, cell in cells.items() if _CELLS[cell])
