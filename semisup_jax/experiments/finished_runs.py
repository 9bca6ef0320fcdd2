"""Reads what finished runs have left, and says what is wrong with a folder."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from semisup_jax.reporting.compared_runs import Run, names
from semisup_jax.types import InputError

_EXAMPLE = 'as --config.runs=runs/a,runs/b'


def read(asked: Any) -> list[Run]:
  """Reads runs, in the order in which they are asked for.

  Args:
    asked: Their folders: a text with commas between them, or a sequence, whose
      items may have commas of their own; None is none.

  Raises:
    InputError: If there are fewer than two, if one is there twice, or if one is
      no folder of a finished run of ours.
  """
  folders = _folders(asked)
  if len(folders) < 2:
    got = str(folders[0]) if folders else 'none'
    raise InputError(
      f'runs needs the folders of two or more runs, {_EXAMPLE}; got {got}'
    )
  known: dict[pathlib.Path, pathlib.Path] = {}
  for folder in folders:
    other = known.setdefault(folder.resolve(), folder)
    if other is not folder:
      raise InputError(
        f'runs names one folder twice: {other} and {folder}; a run can only be '
        'compared with another one'
      )
  found = [_read(folder) for folder in folders]
  # As they were given, not where a link leads: that is how they are known.
  called = names([folder.absolute() for folder in folders])
  return [
    Run(name, results, config)
    for name, (results, config) in zip(called, found, strict=True)
  ]


def _folders(asked: Any) -> list[pathlib.Path]:
  if asked is None:
    return []
  if isinstance(asked, str):
    asked = asked.split(',')
  elif not isinstance(asked, Sequence):
    asked = [asked]  # A folder whose name is a number.
  texts = [str(text).strip() for text in asked]
  return [pathlib.Path(text).expanduser() for text in texts if text]


def _read(folder: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
  """results.json, and the config of config.json."""
  if not folder.is_dir():
    raise InputError(
      f'runs: there is no folder {folder}; give those of finished runs, '
      f'{_EXAMPLE}'
    )
  if not (folder / 'config.json').is_file():
    raise InputError(
      f'runs: {folder} holds no run of ours, for it has no config.json; give '
      'the --workdir of a finished run'
    )
  config = _config(folder)
  path = folder / 'results.json'
  if not path.is_file():
    raise InputError(
      f'runs: {folder} is not finished, for it has no results.json; start its '
      f'command again, with --workdir={folder}, and it goes on'
    )
  results = _json(path)
  if not _is_whole(results):
    raise InputError(f'{path} is damaged: no rows of results; {_remade(path)}')
  return results, config


def _config(folder: pathlib.Path) -> dict[str, Any]:
  path = folder / 'config.json'
  known = _json(path)
  config = known.get('config') if isinstance(known, dict) else None
  if not isinstance(config, dict):
    raise InputError(f'{path} is damaged: no config; {_remade(path)}')
  if 'data' not in config or 'study' in config:
    kind = 'study' if 'study' in config else 'experiment'
    inside = f', as {folder}/points/NAME' if 'study' in config else ''
    raise InputError(
      f'runs: {folder} holds no run with results of its own, but '
      f'{kind}={config.get(kind)}; give the --workdir of a finished run{inside}'
    )
  return config


def _json(path: pathlib.Path) -> Any:
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except OSError as error:
    raise InputError(f'{path} cannot be read ({error.strerror})') from error
  except (ValueError, RecursionError) as error:
    raise InputError(f'{path} is damaged: {error}; {_remade(path)}') from error


def _remade(path: pathlib.Path) -> str:
  """How a damaged file comes back."""
  if path.name == 'config.json':
    return 'without it a run cannot be told, so leave it out'
  return (
    'remove it and report.html beside it, and the command of the run makes '
    'them again'
  )


def _is_whole(results: Any) -> bool:
  """Whether all that is looked at is of the kind that a run writes."""
  if not isinstance(results, dict) or not isinstance(results.get('rows'), list):
    return False
  kinds = {'run': dict, 'tables': dict, 'notes': list}
  if not all(isinstance(results.get(k, kinds[k]()), kinds[k]) for k in kinds):
    return False
  others = results.get('tables', {}).get('metrics', [])
  return isinstance(others, list) and all(
    map(_is_row, [*results['rows'], *others])
  )


def _is_row(row: Any) -> bool:
  if not isinstance(row, dict):
    return False
  k, numbers = row.get('labels_per_class'), row.get('values') or []
  ends = [row.get(name) for name in ('mean', 'std', 'low', 'high')]
  return (
    isinstance(row.get('protocol'), str)
    and isinstance(row.get('metric'), str)
    and (k == 'all' or _is_number(k))
    and isinstance(row.get('n'), int)
    and isinstance(numbers, list)
    and all(x is None or _is_number(x) for x in [*ends, *numbers])
  )


def _is_number(value: Any) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool)
