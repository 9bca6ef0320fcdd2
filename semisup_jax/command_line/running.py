"""Runs what a command line asks for; every expected error is one line.

What is heavy is imported once the command line is known to be good.
"""

import errno
import shlex
import sys
import time
from collections.abc import Sequence

from semisup_jax.command_line.parsing import Command, UsageError, parse

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
  --config=configs/inspect_data.py      your data, before anything is learned
  --config=configs/compare.py           finished runs on one page:
                                        --config.runs=runs/a,runs/b
  --config=configs/visualize.py         a look into the network of a finished
                                        run, which --config.run=FOLDER names, or
                                        a published one: --config.weights=FILE
  --config=configs/evaluate.py          the encoder of a finished run, which
                                        --config.run=FOLDER names
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

  training.keep_freed_memory()
  training.use_a_device_for_each_core(command.batch_size)
  words = shlex.join(['python', 'launch.py', *argv])
  try:
    training.join(command.multihost)
    console = Console(quiet=not hosts.is_main())
    with training.handled(), training.keep_compiled():
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
