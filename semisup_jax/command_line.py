"""From the command line to an experiment; errors in one line.

absl answers a wrong flag with a traceback and status 1, takes `--help` for an
error and ignores stray arguments, so parsing is driven from here. What is heavy
is imported once the command line is known to be good.
"""

import errno
import pathlib
import re
import runpy
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

USAGE = """\
usage: python launch.py --config=RECIPE[:VARIANT]
                        [--config.FIELD=VALUE ...] [--workdir=FOLDER]
                        [--fork=FOLDER] [--points=I/N]
                        [--multihost[=HOST:PORT,N,I]]

Learns from many images and few labels, measures what that gained, and shows it
on one page, report.html, in the workdir.

  --config=configs/simclr.py            SimCLR on the embedded digits
  --config=configs/simclr.py:cifar100   on CIFAR-100; also :npz and :folder
  --config=configs/supervised.py        labels alone
  --config.FIELD=VALUE                  changes a field, as --config.seed=1
                                        or --config.schedule.steps=100; None
                                        unsets a field that may be unset
  --workdir=FOLDER                      default runs/<recipe>-<variant>; the
                                        same command again goes on there
  --fork=FOLDER                         begins from the newest checkpoint of
                                        another run, with this config
  --points=3/8                          of a study, configs/studies/, the 3rd
                                        of 8 parts
  --multihost                           one run on several hosts, with the
                                        same command on each, as JAX detects
                                        them: a TPU slice, Open MPI, SLURM.
                                        The tasks of srun join without it
  --multihost=HOST:PORT,N,I             by hand: process I, from 0, of N; that
                                        of 0 runs on HOST. See docs/scaling.md
  --multihost=no                        the tasks of srun are runs of their own
  --help                                this text

Each recipe says in its first lines what it does and what it needs. Exit status:
0 done, 1 the run failed, 2 the command line or the config was wrong, 130 or 143
interrupted by Ctrl-C or SIGTERM: the state was saved; a second signal ends at
once.
"""


# A disk that is full, over its quota, read-only or broken.
STORAGE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
QUOTES = '\'"'
EVERY_POINT = (1, 1)


class UsageError(ValueError):
  """The command line cannot be understood; the message is one line."""


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


def _split(argv: Sequence[str]) -> tuple[list[str], dict[str, None]]:
  """Takes what absl and config_flags cannot do out of the arguments.

  They can set no field to None, and of a field of several values that is set
  twice they take both; here the last one holds, as of any other field. And
  `--multihost` gets the value that it means.
  """
  rest, fields = [], {}
  for argument in argv:
    name, equals, value = argument.partition('=')
    field = name.lstrip('-').removeprefix('config.')
    if argument in ('-multihost', '--multihost'):
      rest.append('--multihost=detect')
    elif not equals or field == name.lstrip('-'):
      rest.append(argument)
    else:
      fields.pop(field, None)
      fields[field] = None if value in ('None', 'none') else argument
  set_ = [argument for argument in fields.values() if argument is not None]
  unset = {name: None for name, argument in fields.items() if argument is None}
  return [*rest, *set_], unset


def _recipe(argv: Sequence[str]) -> str:
  """The last `--config=RECIPE`, or `--config RECIPE`, as absl takes it."""
  recipe = ''
  for i, argument in enumerate(argv):
    name, equals, value = argument.lstrip('-').partition('=')
    if argument.startswith('-') and name == 'config':
      recipe = value if equals else ''.join(argv[i + 1 : i + 2])
  return recipe


def _split_words(config) -> None:
  """Makes `=knn,linear_probe` two words, which config_flags reads as one."""
  for name, value in config.items():
    if hasattr(value, 'items'):
      _split_words(value)
    elif isinstance(value, tuple) and len(value) == 1:
      (word,) = value
      if isinstance(word, str) and ',' in word:
        words = [w.strip(' \'"()') for w in word.split(',')]
        config[name] = tuple(int(w) if w.isdigit() else w for w in words if w)


def _unset(config, path: str) -> None:
  """Sets a field to None, if its recipe says that it may be None."""
  from ml_collections import config_dict

  *sections, name = path.split('.')
  for section in sections:
    config = config.get(section) if section in config else None
    if not isinstance(config, config_dict.ConfigDict):
      raise UsageError(f'unknown config field {path!r}')
  fields = dict(config.items(preserve_field_references=True))
  if name not in fields:
    raise UsageError(f'unknown config field {path!r}')
  if not isinstance(fields[name], config_dict.FieldReference):
    value = fields[name]
    if isinstance(value, config_dict.ConfigDict):
      value = 'a section'
    raise UsageError(f'--config.{path} cannot be None; it is {value}')
  config[name] = None


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
  from absl import flags
  from ml_collections import config_flags

  argv, unset = _split(argv)
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
    config = values.config
    if config is not None:
      _split_words(config)  # A recipe that cannot be read fails only here.
  except (flags.Error, AttributeError, KeyError, OSError, TypeError) as error:
    raise UsageError(_in_one_line(error, argv)) from error
  if stray:
    raise UsageError(
      f'stray argument {stray[0]!r}; fields are set as --config.FIELD=VALUE'
    )
  if config is None:
    raise UsageError(
      'no recipe was given; try --config=configs/simclr.py, or --help'
    )
  for path in unset:
    _unset(config, path)
  part = _part(values.points)
  path, _, variant = _recipe(argv).partition(':')
  sweep = _sweep(path, config)
  if sweep is None and values.points is not None:
    raise UsageError(
      f'--points is for the studies in configs/studies/; {path} is one run'
    )
  if sweep is not None and values.fork is not None:
    raise UsageError(f'--fork is for one run; {path} is a study')
  multihost = values.multihost
  if sweep is not None:
    if multihost not in (None, 'no'):
      raise UsageError(
        f'--multihost is for one run; the points of {path} are shared out over '
        'hosts by --points=I/N'
      )
    multihost = 'no'
  workdir = values.workdir
  if workdir is None:
    name = pathlib.Path(path).stem
    workdir = pathlib.Path('runs') / (f'{name}-{variant}' if variant else name)
  workdir = pathlib.Path(workdir).expanduser()
  fork = values.fork and pathlib.Path(values.fork).expanduser()
  return Command(config, workdir, sweep, part, fork, multihost)


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


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line and returns its exit status."""
  started = time.monotonic()
  argv = list(sys.argv[1:] if argv is None else argv)
  if any(a in ('--help', '-help', '-h', '--helpfull', '--h') for a in argv):
    print(USAGE, end='')
    return 0
  try:
    command = parse(argv)
  except UsageError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2

  # From here on heavy: JAX.
  from rich.console import Console

  from semisup_jax import training
  from semisup_jax.training import hosts
  from semisup_jax.types import InputError

  training.use_a_device_for_each_core(command.batch_size)
  words = shlex.join(['python', 'launch.py', *argv])
  try:
    training.join(command.multihost)
    console = Console(quiet=not hosts.is_main())
    with training.handled():
      _run(command, console=console, words=words, started=started)
  except InputError as error:
    return _failed(error, 2)
  except (
    training.JoinError,
    training.NotFiniteError,
    training.StorageError,
  ) as error:
    return _failed(error, 1)
  except training.ElsewhereError:
    return 1
  except OSError as error:
    if error.errno not in STORAGE_ERRORS:
      raise
    where = f' ({error.filename})' if error.filename else ''
    return _failed(f'{error.strerror}{where}; what was saved is whole', 1)
  except training.Interrupted as error:
    if hosts.is_main():
      print(error, file=sys.stderr)
    return 128 + error.signum
  return 0


def _failed(error: object, status: int) -> int:
  """Says why there is no result; of several processes, which all fail alike,
  one does."""
  from semisup_jax.training import hosts

  if hosts.is_main():
    print(f'error: {error}', file=sys.stderr)
  return status


def _run(command: Command, *, console, words: str, started: float) -> None:
  """Runs an experiment or a study."""
  if command.sweep is None:
    from semisup_jax import experiments

    experiments.run(
      command.config,
      command.workdir,
      console=console,
      command=words,
      started=started,
      fork=command.fork,
    )
    return
  from semisup_jax import studies

  studies.run(
    command.config,
    command.sweep,
    command.workdir,
    part=command.part,
    console=console,
    command=words,
  )
