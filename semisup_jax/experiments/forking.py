"""A run that goes on, with another config, from where a run has come to."""

import json
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from semisup_jax.experiments import workdir
from semisup_jax.types import InputError

# What says in config.json where a run comes from.
FIELD = 'forked_from'


def fork(
  source: pathlib.Path, folder: pathlib.Path, config: Mapping[str, Any]
) -> bool:
  """Begins a run with the checkpoints and the metrics of another one.

  The folder appears with all that is in it, or not at all. Where the same fork
  was begun before, nothing is done.

  Args:
    source: The workdir of the other run.
    folder: The workdir of the new one.
    config: Of the new one, as plain dicts.

  Returns:
    Whether the folder was made now.

  Raises:
    InputError: If there is nothing to fork from, or no place to fork to.
  """
  origin = str(source.resolve())
  if workdir.is_begun(folder, config):
    if _origin(folder) != origin:
      raise InputError(
        f'{folder} holds a run that was not forked from {source}; choose '
        'another folder with --workdir=FOLDER'
      )
    return False
  if not (source / 'config.json').is_file():
    raise InputError(f'--fork: {source} holds no run of ours')
  if not any((source / 'checkpoints').glob('[0-9]*')):
    raise InputError(
      f'--fork: {source} has no checkpoint to go on from; it was stopped '
      'before the first, or run with checkpoint.keep=0'
    )
  links = [p for p in (source / 'checkpoints').rglob('*') if p.is_symlink()]
  if links:
    raise InputError(
      f'--fork: {links[0]} is a link; its target is not followed'
    )
  part = folder.with_name(f'{folder.name}.part')
  try:
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shutil.copytree(source / 'checkpoints', part / 'checkpoints')
    shutil.copy(source / 'metrics.jsonl', part)
    workdir.record(part, config, **{FIELD: origin})
    if folder.is_dir():
      for name in workdir.LEFTOVERS:
        (folder / name).unlink(missing_ok=True)
    part.rename(folder)
  except OSError as error:
    shutil.rmtree(part, ignore_errors=True)
    why = error.strerror or 'it has changed meanwhile'
    raise InputError(
      f'--fork: {source} cannot be copied to {folder} ({why})'
    ) from error
  return True


def notes(folder: pathlib.Path) -> list[str]:
  """What a reader has to know of a run that did not begin just now."""
  origin = _origin(folder)
  if origin is None:
    return ['The run was resumed; the time is that of its last part.']
  return [
    f'The run was forked from {origin}, whose metrics come first; the time is '
    'that of its last part.'
  ]


def _origin(folder: pathlib.Path) -> str | None:
  return json.loads((folder / 'config.json').read_text()).get(FIELD)
