"""The folder of a run: what it was asked, and whether it may go on there."""

import json
import pathlib
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import jax

from semisup_jax.types import InputError

# All that a run which was killed at its very first moment leaves.
TEMPORARY = 'config.tmp'
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


def open_workdir(workdir: pathlib.Path, config: Mapping[str, Any]) -> bool:
  """Makes the folder, or checks that it holds a run of the same config.

  Args:
    workdir: The folder.
    config: The resolved config, as plain dicts.

  Returns:
    Whether a run was begun there before.

  Raises:
    InputError: If another config was run there, naming what differs.
  """
  config = json.loads(json.dumps(config))
  try:
    known = _known_config(workdir)
    if known is None:
      workdir.mkdir(parents=True, exist_ok=True)
      text = json.dumps({'config': config, **environment()}, indent=2) + '\n'
      temporary = workdir / TEMPORARY
      temporary.write_text(text)
      temporary.replace(workdir / 'config.json')
      return False
  except OSError as error:
    raise InputError(
      f'{workdir} cannot be used ({error.strerror}); choose another folder '
      'with --workdir=FOLDER'
    ) from error
  changed = _differences(known, config)
  if changed:
    raise InputError(
      f'{workdir} holds a run of another config: {"; ".join(changed)}; '
      'choose another folder with --workdir=FOLDER'
    )
  return True


def check_seen(workdir: pathlib.Path) -> None:
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
    or any(path.name != TEMPORARY for path in workdir.iterdir())
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
  return [] if known == asked else [f'{prefix} is {known} there, {asked} here']
