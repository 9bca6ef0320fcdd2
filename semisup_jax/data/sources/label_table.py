"""A table of labels beside the images: `labels.csv`."""

import csv
import pathlib
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


class Row(NamedTuple):
  """One image of the table.

  Attributes:
    place: Where the row is, for an error.
    file: As it is written there.
    label: The class's name; empty where nobody knows it.
    split: One of train, validation and test.
    group: Whose image it is, as a patient; empty where it is nobody's.
  """

  place: str
  file: str
  label: str
  split: str
  group: str

  @property
  def line(self) -> str:
    """The place within the table, as `line 7`."""
    return self.place.rpartition(', ')[2]

  def __str__(self) -> str:
    """What it says of its image."""
    parts = [self.label or 'without a label', self.split]
    return ', '.join(parts + [f'group {self.group}'] * bool(self.group))


def read_table(path: pathlib.Path) -> list[Row]:
  """Reads a table with a header, separated by commas, semicolons or tabs.

  The columns `file` and `label`, and perhaps `split` and `group`, in any order
  and case; others are not looked at. Text is UTF-8, with or without a mark.

  Args:
    path: The table.

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
      header = [name.strip().lower() for name in next(lines, [])]
      columns = _columns(header, path)
      cells = [
        (lines.line_num, [cell.strip() for cell in line])
        for line in lines
        if any(cell.strip() for cell in line)
      ]
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    raise InputError(f'{path} cannot be read as a table: {error}') from error
  if not cells:
    raise InputError(f'{path} has a header, but no rows')
  return [
    _row(f'{path}, line {number}', line, header, columns)
    for number, line in cells
  ]


def _columns(header: list[str], path: pathlib.Path) -> dict[str, int]:
  """Where each of our columns is."""
  shown = ', '.join(filter(None, header)) or 'nothing'
  missing = [name for name in ('file', 'label') if name not in header]
  if missing:
    raise InputError(
      f'{path} needs a header with the columns file and label, and perhaps '
      f'split and group; it has {shown}'
    )
  twice = [name for name in COLUMNS if header.count(name) > 1]
  if twice:
    raise InputError(f'{path} has the column {twice[0]!r} twice: {shown}')
  return {name: header.index(name) for name in COLUMNS if name in header}


def _row(
  place: str, line: list[str], header: list[str], columns: dict[str, int]
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
  if SPLITS[split] != 'train' and not cells['label']:
    raise InputError(
      f'{place}: an image of the {SPLITS[split]} part needs a label'
    )
  return Row(
    place, cells['file'], cells['label'], SPLITS[split], cells.get('group', '')
  )
