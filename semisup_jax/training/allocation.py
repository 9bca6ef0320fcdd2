"""Memory that a step needs again: kept by the process, not given back.

XLA on a CPU asks for all that a step needs at once, and frees it at its end.
The C library gives so large a piece back to Linux, which at the next step hands
out pages anew, each cleared and entered by a page fault: a fifth of the time of
a small network's step.

It does not find each piece again: of one that was aligned, or of which
something small took a bit meanwhile, it makes nothing as large, and takes a new
one instead. So the heap grows to up to a dozen pieces as large as a step needs,
most of it in the first steps. Hence pieces that are large beside the machine's
memory are not kept.
"""

import ctypes
import os
import pathlib
import sys

# Of the memory there is: a dozen pieces of it, and there is room for as much.
LARGEST = 1 / 32
# Options of glibc's mallopt(3). Nothing is given back or mapped by itself but
# what is large, more is asked for than is needed, and there is one heap: those
# of threads are small.
MMAP_THRESHOLD = -3
OPTIONS = {
  'MALLOC_TRIM_THRESHOLD_': (-1, 2**31 - 1),
  'MALLOC_TOP_PAD_': (-2, 2**28),
  'MALLOC_MMAP_THRESHOLD_': (MMAP_THRESHOLD, 2**31 - 1),
  'MALLOC_ARENA_MAX': (-8, 1),
}
# What a container may have of it.
CONTAINER = pathlib.Path('/sys/fs/cgroup/memory.max')


def keep_freed_memory(largest: int | None = None) -> bool:
  """Has the C library keep what is freed; call it before JAX starts.

  It changes nothing where one of these options is in the environment, or the C
  library is not glibc.

  Args:
    largest: Bytes of a piece that is kept, under 2 GiB; None is a part of the
      memory that there is.

  Returns:
    Whether it was done.
  """
  if not sys.platform.startswith('linux') or OPTIONS.keys() & os.environ.keys():
    return False
  mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
  if largest is None:
    largest = int(_memory() * LARGEST)
  options = dict(OPTIONS.values())
  options[MMAP_THRESHOLD] = min(options[MMAP_THRESHOLD], largest)
  return mallopt is not None and all(
    mallopt(*option) for option in options.items()
  )


def _memory() -> int:
  """Bytes that this process may have."""
  machine = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
  try:
    return min(machine, int(CONTAINER.read_text()))
  except (OSError, ValueError):  # None, or 'max'.
    return machine
