"""What was measured, one JSON file a machine."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from benchmarks.machine import Machine
from benchmarks.tables import Table

FOLDER = pathlib.Path(__file__).with_name('results')


def write(
  section: str,
  tables: Sequence[Table],
  machine: Machine,
  folder: pathlib.Path = FOLDER,
) -> pathlib.Path:
  """Puts a section into its machine's file, in place of an older one."""
  folder.mkdir(exist_ok=True)
  path = folder / f'{machine.name}.json'
  sections = json.loads(path.read_text()) if path.exists() else {}
  sections[section] = {
    'machine': machine.described(),
    'tables': [vars(table) for table in tables],
  }
  path.write_text(json.dumps(sections, indent=1) + '\n')
  return path


def read(folder: pathlib.Path = FOLDER) -> dict[str, dict[str, Any]]:
  """By machine and section, `machine` and `tables`."""
  found = {}
  for path in sorted(folder.glob('*.json')):
    sections = json.loads(path.read_text())
    found[path.stem] = {
      name: {
        'machine': section['machine'],
        'tables': [Table(**table) for table in section['tables']],
      }
      for name, section in sections.items()
    }
  return found
