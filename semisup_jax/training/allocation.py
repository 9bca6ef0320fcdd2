"""Memory that a step needs again: kept by the process, not given back.

XLA on a CPU asks for all that a step needs at once, and frees it at its end.
The C library gives so large a piece back to Linux, which at the next step hands
out pages anew, each cleared and entered by a page fault: a fifth of the time of
a small network's step.
"""

import ctypes
import os
import sys

# Options of glibc's mallopt(3). Nothing is given back or mapped by itself, more
# is asked for than is needed, and there is one heap: those of threads are
# small.
OPTIONS = {
  'MALLOC_TRIM_THRESHOLD_': (-1, 2**31 - 1),
  'MALLOC_TOP_PAD_': (-2, 2**28),
  'MALLOC_MMAP_THRESHOLD_': (-3, 2**31 - 1),
  'MALLOC_ARENA_MAX': (-8, 1),
}


def keep_freed_memory() -> bool:
  """Has the C library keep what is freed; call it before JAX starts.

  The process then holds the most that it ever needed. It changes nothing where
  one of these options is in the environment, or the C library is not glibc.

  Returns:
    Whether it was done.
  """
  if not sys.platform.startswith('linux') or OPTIONS.keys() & os.environ.keys():
    return False
  mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
  return mallopt is not None and all(
    mallopt(*option) for option in OPTIONS.values()
  )
