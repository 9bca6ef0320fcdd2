"""Reads a command line; what is wrong with it is said in one line.

absl answers a wrong flag with a traceback and status 1, takes `--help` for an
error and ignores stray arguments, so parsing is driven from here.
"""

import pathlib
import re
import runpy
from collections.abc import Sequence
from typing import Any, NamedTuple

from semisup_jax.command_line import fields
from semisup_jax.command_line.fields import UsageError

QUOTES = '\'"'
EVERY_POINT = (1, 1)


class Command(NamedTuple):
  """What a command line asks for.

  Attributes:
    config: Locked; of a run, or of a study.
    workdir: The folder of the run or the study.
    sweep: `(factors, config)` of each point of a study; None for a run.
    part: `(I, N)`: the I-th of N parts of the points.
    fork: The workdir of the run to go on from; None begins anew.
    multihost: What `training.join` is told.
  """

  config: Any
  workdir: pathlib.Path
  sweep: list[tuple[dict[str, Any], Any]] | None
  part: tuple[int, int]
  fork: pathlib.Path | None
  multihost: str | None

  @property
  def batch_size(self) -> int:
    """The largest that goes through a network at once."""
    configs = [self.config]
    if self.sweep is not None:
      configs = [config for _, config in self.sweep]
    return max(map(_at_once, configs), default=1)


def _at_once(config) -> int:
  """The micro-batch of a config, of which nothing has been checked yet."""
  size = config.get('batch_size', 1)
  return size // max(config.get('optimizer', {}).get('accumulate', 1), 1)


def _recipe(argv: Sequence[str]) -> str:
  """The last `--config=RECIPE`, or `--config RECIPE`, as absl takes it."""
  recipe = ''
  for i, argument in enumerate(argv):
    name, equals, value = argument.lstrip('-').partition('=')
    if argument.startswith('-') and name == 'config':
      recipe = value if equals else ''.join(argv[i + 1 : i + 2])
  return recipe


def _part(points: str | None) -> tuple[int, int]:
  """`I/N`, as `--points` has it."""
  if points is None:
    return EVERY_POINT
  numbers = re.fullmatch(r'(\d{1,6})/(\d{1,6})', points)
  if not numbers:
    raise UsageError(
      f'--points must be I/N, as 3/8 for the 3rd of 8 parts, got {points!r}'
    )
  i, n = map(int, numbers.groups())
  if not 1 <= i <= n:
    raise UsageError(f'--points={points}: parts are numbered 1/{n} to {n}/{n}')
  return i, n


def _sweep(path: str, config) -> list[tuple[dict[str, Any], Any]] | None:
  """The points of a study's recipe; None for a recipe of one run."""
  # config_flags keeps the recipe's module to itself.
  sweep = runpy.run_path(path).get('sweep')
  if sweep is None and 'study' not in config:
    return None
  if sweep is None:
    raise UsageError(
      f'{path} has the field study, but no sweep(config) that yields its points'
    )
  if 'study' not in config:
    raise UsageError(
      f'{path} has sweep(config), but its config has no field study'
    )
  try:
    # Copied at once: a sweep may change one config again and again.
    return [
      (dict(factors), point.copy_and_resolve_references())
      for factors, point in sweep(config)
    ]
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    text = ' '.join(str(error).split())
    raise UsageError(f'{path} has no such sweep: {text}') from error


def parse(argv: Sequence[str]) -> Command:
  """Reads the command line.

  Args:
    argv: The arguments, without the program's name.

  Raises:
    UsageError: In one line: what was wrong, and what would be right.
  """
  argv, unset = fields.split(argv)
  values = _flags(argv)
  config = values.config
  for path in unset:
    fields.unset(config, path)
  part = _part(values.points)
  path, _, variant = _recipe(argv).partition(':')
  sweep = _sweep(path, config)
  _check_kind(values, path, is_study=sweep is not None)
  workdir = values.workdir
  if workdir is None:
    name = pathlib.Path(path).stem
    workdir = pathlib.Path('runs') / (f'{name}-{variant}' if variant else name)
  return Command(
    config,
    pathlib.Path(workdir).expanduser(),
    sweep,
    part,
    values.fork and pathlib.Path(values.fork).expanduser(),
    values.multihost if sweep is None else 'no',
  )


def _flags(argv: Sequence[str]) -> Any:
  """The values of the flags; that of `config` is the recipe's, changed."""
  from absl import flags
  from ml_collections import config_flags

  values = flags.FlagValues()
  config_flags.DEFINE_config_file(
    'config', flag_values=values, sys_argv=['launch.py', *argv]
  )
  flags.DEFINE_string('workdir', None, 'Folder of the run.', flag_values=values)
  flags.DEFINE_string('points', None, 'I/N, of a study.', flag_values=values)
  flags.DEFINE_string('fork', None, 'Another run.', flag_values=values)
  flags.DEFINE_string('multihost', None, 'See USAGE.', flag_values=values)
  try:
    _, *stray = values(['launch.py', *argv])
    if values.config is not None:
      # A recipe that cannot be read fails only here.
      fields.split_words(values.config)
  except (flags.Error, AttributeError, KeyError, OSError, TypeError) as error:
    raise UsageError(_in_one_line(error, argv)) from error
  if stray:
    raise UsageError(
      f'stray argument {stray[0]!r}; fields are set as --config.FIELD=VALUE'
    )
  if values.config is None:
    raise UsageError(
      'no recipe was given; try --config=configs/simclr.py, or --help'
    )
  return values


def _check_kind(values: Any, path: str, *, is_study: bool) -> None:
  """Refuses what is for a run with a study, and the other way round."""
  if not is_study and values.points is not None:
    raise UsageError(
      f'--points is for the studies in configs/studies/; {path} is one run'
    )
  if is_study and values.fork is not None:
    raise UsageError(f'--fork is for one run; {path} is a study')
  if is_study and values.multihost not in (None, 'no'):
    raise UsageError(
      f'--multihost is for one run; the points of {path} are shared out over '
      'hosts by --points=I/N'
    )


def _in_one_line(error: Exception, argv: Sequence[str]) -> str:
  """Words what absl and ml_collections say about a command line."""
  text = str(error).strip()
  hint = re.search('Did you mean "(.+)" instead of "(.+)"', text)
  if hint:
    right, wrong = hint.groups()
    return f'unknown config field {wrong!r}; did you mean {right!r}?'
  if 'get_config' in text and isinstance(error, AttributeError):
    return f'{_recipe(argv)} is no recipe: it has no get_config'
  if isinstance(error, AttributeError | KeyError):
    return f'unknown config field {text.strip(QUOTES)!r}'
  if isinstance(error, OSError):
    path = _recipe(argv).partition(':')[0]
    return f'cannot read the recipe {path}; recipes lie in configs/'
  last = text.splitlines()[-1]
  if 'Error whilst parsing config file' in text:
    return last.partition(': ')[2] or last
  return last
