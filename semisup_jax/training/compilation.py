"""What JAX compiles, kept on disk for the next run and the next day."""

import contextlib
import os
import pathlib
import platform
import warnings
from collections.abc import Iterator

import jax
from jax.experimental.compilation_cache import compilation_cache

# The main job leaves 4 MB, in 302 files.
MAX_BYTES = 2 * 10**9
# Of JAX, besides the folder.
OPTIONS = {
  # Also the hundreds that are compiled in some hundredths of a second each.
  'jax_persistent_cache_min_compile_time_secs': 0,
  'jax_persistent_cache_min_entry_size_bytes': -1,
  # A run fails where XLA cannot write its own.
  'jax_persistent_cache_enable_xla_caches': 'none',
}


def user_folder() -> pathlib.Path:
  """Where a person's programs are kept, by the XDG base directories."""
  base = os.environ.get('XDG_CACHE_HOME', '')
  if not os.path.isabs(base):  # As the standard has it.
    base = os.path.expanduser('~/.cache')
  return pathlib.Path(base) / 'semisup_jax' / 'compiled'


@contextlib.contextmanager
def kept(folder: pathlib.Path | None = None) -> Iterator[None]:
  """Keeps compiled programs in a folder, one below it for each machine.

  On CPU a program is made for the features of one processor, so that machines
  must not share theirs. Where someone has set a cache (in the environment, as
  JAX_COMPILATION_CACHE_DIR), that one is used; several processes of one run use
  none of ours, since JAX lets one of them write, and those that then compile
  alone would wait for it. Afterwards all is as before.

  It only saves time: where nothing can be read or written, all is compiled.

  Args:
    folder: Made if it is not there; what was used longest ago is removed
      beforehand if it holds more than `MAX_BYTES`. None is `user_folder`.
  """
  folder = user_folder() if folder is None else folder
  place = folder / (platform.node() or 'here')
  if (
    jax.config.jax_compilation_cache_dir
    or jax.distributed.is_initialized()
    or not _made(place)
  ):
    yield
    return
  _remove_oldest(folder, MAX_BYTES)
  options = {'jax_compilation_cache_dir': str(place), **OPTIONS}
  before = {name: getattr(jax.config, name) for name in options}
  with warnings.catch_warnings():
    warnings.filterwarnings('ignore', 'Error .* persistent compilation cache')
    _set(options)
    try:
      yield
    finally:
      _set(before)


def _made(place: pathlib.Path) -> bool:
  """Whether there is such a folder now that can be written to."""
  try:
    # JAX runs what it finds there: nobody else may put anything in.
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
  except OSError:
    return False
  return os.access(place, os.W_OK)


def _remove_oldest(folder: pathlib.Path, most: int) -> None:
  """Removes what was used longest ago, until at most so many bytes are left."""
  files = []
  for path in folder.rglob('*'):
    with contextlib.suppress(OSError):  # Another run may remove it as well.
      stat = path.stat()
      if path.is_file():
        files.append((max(stat.st_atime, stat.st_mtime), stat.st_size, path))
  size = sum(size for _, size, _ in files)
  for _, its_size, path in sorted(files):
    if size <= most:
      return
    with contextlib.suppress(OSError):
      path.unlink()
    size -= its_size


def _set(options) -> None:
  for name, value in options.items():
    jax.config.update(name, value)
  compilation_cache.reset_cache()  # It reads the options once.
