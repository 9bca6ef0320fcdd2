"""The folder of a study: its own config, and the folders of its points."""

import io
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.reporting import results as results_lib
from semisup_jax.studies.points import Point
from semisup_jax.types import InputError


def of(workdir: pathlib.Path, point: Point) -> pathlib.Path:
  """The folder of a point's run."""
  return workdir / 'points' / point.name


def check(workdir: pathlib.Path, study: str) -> None:
  """Checks that the folder is empty or holds this study; writes nothing.

  The study's fields may have changed: more seeds are more points, and each
  point's own config says whether what is there is what is asked.

  Raises:
    InputError: If it holds anything else.
  """
  path = workdir / 'config.json'
  try:
    known = json.loads(path.read_text())['config'].get('study')
  except FileNotFoundError:
    # Another part may have made the folder between the two looks.
    known = study if _is_empty(workdir) or path.exists() else None
  except (OSError, ValueError, KeyError, TypeError, AttributeError):
    known = None
  if known != study:
    raise InputError(
      f'{workdir} exists and does not hold the study {study!r}; choose another '
      'folder with --workdir=FOLDER'
    )


def record(workdir: pathlib.Path, config: Any, command: str) -> None:
  """Writes what was asked last, for the reader: config.json of the study.

  Raises:
    InputError: If the folder cannot be made or written.
  """
  asked = {'config': config, 'command': command, **workdir_lib.environment()}
  try:
    workdir.mkdir(parents=True, exist_ok=True)
    results_lib.write_json(workdir / 'config.json', asked)
  except OSError as error:
    raise InputError(
      f'{workdir} cannot be used ({error.strerror}); choose another folder '
      'with --workdir=FOLDER'
    ) from error


def results(workdir: pathlib.Path, point: Point) -> Mapping[str, Any] | None:
  """What a finished point measured; None where it is not finished.

  Raises:
    InputError: If the point's folder holds a run of another config.
  """
  folder = of(workdir, point)
  if not _is_begun(folder):
    return None
  workdir_lib.is_begun(folder, point.config.to_dict())
  try:
    found = json.loads((folder / 'results.json').read_text())
  except (FileNotFoundError, ValueError):
    return None
  whole = isinstance(found, dict) and isinstance(found.get('rows'), list)
  return found if whole else None


def clear(workdir: pathlib.Path, point: Point) -> None:
  """Removes the torn results of a point that is not finished."""
  (of(workdir, point) / 'results.json').unlink(missing_ok=True)


class Log(io.TextIOBase):
  """The log of a point, log.txt in its folder.

  The run itself makes the folder, once it knows that it can be done, and would
  refuse one with strange files in it; until then the text waits.
  """

  def __init__(self, folder: pathlib.Path):
    """Takes the folder, which need not be there."""
    super().__init__()
    self._folder = folder
    self._waiting: list[str] = []

  def writable(self) -> bool:
    """Says that it is."""
    return True

  def write(self, text: str) -> int:
    """Writes text, at once or when the folder is there."""
    self._waiting.append(text)
    self.flush()
    return len(text)

  def flush(self) -> None:
    """Writes what waits, if the folder is there."""
    if self._waiting and (self._folder / 'config.json').exists():
      with open(self._folder / 'log.txt', 'a', encoding='utf-8') as file:
        file.write(''.join(self._waiting))
      self._waiting.clear()


def _is_empty(folder: pathlib.Path) -> bool:
  """Whether nothing is there but what a kill may leave of a file."""
  if not folder.exists():
    return True
  return folder.is_dir() and all(
    path.suffix == '.part' for path in folder.iterdir()
  )


def _is_begun(folder: pathlib.Path) -> bool:
  """Whether a run has, or something else, has put something there."""
  if not folder.is_dir():
    return folder.exists()
  return any(p.name not in workdir_lib.LEFTOVERS for p in folder.iterdir())
