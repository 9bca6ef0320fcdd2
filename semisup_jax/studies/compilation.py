"""What JAX compiles for one point, kept for the next one and the next day."""

import contextlib
import pathlib
import platform
from collections.abc import Iterator

import jax
from jax.experimental.compilation_cache import compilation_cache

# What takes less is compiled anew in about the time in which it is read.
MIN_SECONDS = 0.1


@contextlib.contextmanager
def kept(folder: pathlib.Path) -> Iterator[None]:
  """Keeps compiled programs in a folder, one below it for each machine.

  On CPU a program is made for the features of one processor, so that machines
  must not share theirs. Where someone has set a cache (in the environment, as
  JAX_COMPILATION_CACHE_DIR), that one is used. Afterwards all is as before.

  Args:
    folder: Made when the first program is kept.
  """
  if jax.config.jax_compilation_cache_dir:
    yield
    return
  options = {
    'jax_compilation_cache_dir': str(folder / (platform.node() or 'here')),
    'jax_persistent_cache_min_compile_time_secs': MIN_SECONDS,
    'jax_persistent_cache_min_entry_size_bytes': -1,
  }
  before = {name: getattr(jax.config, name) for name in options}
  _set(options)
  try:
    yield
  finally:
    _set(before)


def _set(options) -> None:
  for name, value in options.items():
    jax.config.update(name, value)
  compilation_cache.reset_cache()  # It reads the options once.
