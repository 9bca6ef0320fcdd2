"""The folder of a run: what it was asked, and whether it may go on there."""

import contextlib
import fcntl
import json
import os
import pathlib
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, TextIO

import jax

from semisup_jax.training import hosts
from semisup_jax.types import InputError

LOCK = '.lock'
TEMPORARY = 'config.tmp'
# All that a run which was killed at its very first moment leaves.
LEFTOVERS = (LOCK, TEMPORARY)
# Seconds after which a shared file system shows on one host what another made.
PATIENCE = 60
_PACKAGES = ('jax', 'flax', 'optax', 'orbax-checkpoint', 'numpy')


def environment() -> dict[str, Any]:
  """Versions, the git commit, the devices and the processor of this run."""
  versions = {'python': platform.python_version()}
  versions |= {name: metadata.version(name) for name in _PACKAGES}
  device = jax.devices()[0]
  return {
    'versions': versions,
    'commit': _commit(),
    'devices': f'{jax.device_count()} x {device.device_kind}',
    'hardware': _processor(),
  }


def _commit() -> str | None:
  """The commit of this source tree, marked if it has changes; None outside."""

  def git(*command):
    return subprocess.run(
      ('git', '-C', str(pathlib.Path(__file__).parent), *command),
      capture_output=True,
      text=True,
      check=True,
    ).stdout.strip()

  try:
    dirty = '-dirty' if git('status', '--porcelain', '-uno') else ''
    return git('rev-parse', '--short=12', 'HEAD') + dirty
  except (OSError, subprocess.CalledProcessError):
    return None


def _processor() -> str:
  from semisup_jax.training.sharding import usable_cores

  name = platform.processor() or platform.machine()
  cpuinfo = pathlib.Path('/proc/cpuinfo')
  if cpuinfo.exists():
    for line in cpuinfo.read_text().splitlines():
      if line.startswith('model name'):
        name = line.partition(':')[2].strip()
        break
  return f'{name}, {usable_cores()} cores'


def is_begun(workdir: pathlib.Path, config: Mapping[str, Any]) -> bool:
  """Whether a run of this config was begun in a folder; writes nothing.

  Args:
    workdir: The folder.
    config: The resolved config, as plain dicts.

  Raises:
    InputError: If another config was run there, naming what differs, or if
      something else is there.
  """
  with _usable(workdir):
    known = _known_config(workdir)
  if known is None:
    return False
  changed = _differences(known, json.loads(json.dumps(config)))
  if changed:
    raise InputError(
      f'{workdir} holds a run of another config: {"; ".join(changed)}; '
      'choose another folder with --workdir=FOLDER, and --fork=FOLDER to go on '
      'there from the checkpoint of this one'
    )
  return True


@contextlib.contextmanager
def claimed(workdir: pathlib.Path, config: Mapping[str, Any]) -> Iterator[bool]:
  """Makes the folder of a run one's own, and gives it back at the end.

  Of several processes the main one does, for all.

  The lock is the operating system's: it is gone with the process, however that
  ends. The file `.lock` stays, for removing it would let two in at once.

  Args:
    workdir: The folder.
    config: The resolved config, as plain dicts.

  Yields:
    Whether a run was begun there before.

  Raises:
    InputError: As `is_begun`, or if another process is running there.
  """
  with contextlib.ExitStack() as stack:
    begun = hosts.from_main(
      lambda: stack.enter_context(_claimed_here(workdir, config))
    )
    hosts.together(lambda: _check_seen(workdir))
    yield begun


@contextlib.contextmanager
def _claimed_here(workdir, config):
  """Claims the folder in this process."""
  is_begun(workdir, config)  # Before anything is written.
  with contextlib.ExitStack() as stack:
    with _usable(workdir):
      workdir.mkdir(parents=True, exist_ok=True)
      lock = stack.enter_context((workdir / LOCK).open('a+'))
      _lock(lock, workdir)
    # What another process has just done there is seen only now.
    begun = is_begun(workdir, config)
    if not begun:
      with _usable(workdir):
        record(workdir, config)
    yield begun


class BusyError(InputError):
  """Another process is running in the folder."""


def _lock(file: TextIO, workdir: pathlib.Path) -> None:
  """Locks an open file and writes who did, or says who has."""
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    file.seek(0)
    raise BusyError(
      f'{workdir} is in use by another run ({file.read().strip()}); wait for '
      'it, or choose another folder with --workdir=FOLDER'
    ) from error
  file.seek(0)
  file.truncate()
  file.write(f'process {os.getpid()} on {platform.node()}\n')
  file.flush()


def record(
  workdir: pathlib.Path, config: Mapping[str, Any], **more: Any
) -> None:
  """Writes config.json: what was asked, and by which versions, in one step.

  Args:
    workdir: The folder, which is there.
    config: The resolved config, as plain dicts.
    **more: What else is to be said of the run.
  """
  text = json.dumps({'config': config, **more, **environment()}, indent=2)
  temporary = workdir / TEMPORARY
  temporary.write_text(text + '\n')
  temporary.replace(workdir / 'config.json')


@contextlib.contextmanager
def _usable(workdir: pathlib.Path):
  """Words what the operating system says of a folder."""
  try:
    yield
  except OSError as error:
    raise InputError(
      f'{workdir} cannot be used ({error.strerror}); choose another folder '
      'with --workdir=FOLDER'
    ) from error


def _check_seen(workdir: pathlib.Path) -> None:
  """Checks that this process sees the folder that the main one has opened.

  Raises:
    InputError: If it does not appear within `PATIENCE` seconds.
  """
  for _ in range(PATIENCE):
    if (workdir / 'config.json').exists():
      return
    time.sleep(1)
  raise InputError(
    f'{workdir} of process 0 is not seen here; several hosts need a --workdir '
    'on a file system that all of them share'
  )


def _known_config(workdir: pathlib.Path) -> dict[str, Any] | None:
  """The config of the run that was begun in a folder, None if it is empty."""
  path = workdir / 'config.json'
  if path.exists():
    try:
      return json.loads(path.read_text())['config']
    except (ValueError, KeyError, TypeError) as error:
      raise InputError(
        f'{path} is not a config of ours ({error}); choose another --workdir'
      ) from error
  if workdir.exists() and (
    not workdir.is_dir()
    or any(path.name not in LEFTOVERS for path in workdir.iterdir())
  ):
    raise InputError(
      f'{workdir} exists and holds no run of ours; choose another folder with '
      '--workdir=FOLDER'
    )
  return None


def _differences(known: Any, asked: Any, prefix: str = '') -> list[str]:
  """The fields in which two nested dicts differ, in words."""
  if isinstance(known, dict) and isinstance(asked, dict):
    return [
      words
      for name in sorted(known.keys() | asked.keys())
      for words in _differences(
        known.get(name, 'unset'),
        asked.get(name, 'unset'),
        f'{prefix}.{name}' if prefix else name,
      )
    ]
  # A field that came later, and is None, leaves a run as it was.
  if known == asked or (known, asked) == ('unset', None):
    return []
  return [f'{prefix} is {known} there, {asked} here']
