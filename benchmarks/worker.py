"""One form of what is compared, in a process of its own, timed when asked.

`racing` starts it and writes lines of JSON to it: first the target, as
`benchmarks.jax_forms:step`, and its arguments, then what to do. It answers each
by a line.
"""

import contextlib
import importlib
import json
import os
import pathlib
import re
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Prepared(NamedTuple):
  """What a target returns: the work, which has not begun yet.

  Attributes:
    call: Does the work so many times, and waits for its end.
    check: Gives arrays that have to be those of the other forms, by name; what
      is before the first '/' is compared as one vector. None where there is
      nothing to compare.
    facts: Of how it was done, for the table; asked for at the end.
    on_device: The most bytes that an accelerator has held; None on a CPU.
    profile: Seconds of a call that an accelerator was busy with each operation,
      by its name; None where nobody asks.
  """

  call: Callable[[int], None]
  check: Callable[[], dict[str, np.ndarray]] | None = None
  facts: Callable[[], dict[str, Any]] = dict
  on_device: Callable[[], int | None] = lambda: None
  profile: Callable[[], dict[str, float]] | None = None


def memory(name: str, of: str = '/proc/self/status') -> int:
  """Bytes of a line such as `VmRSS: 1 kB` of a file in /proc."""
  text = pathlib.Path(of).read_text()
  return 1024 * int(re.search(rf'{name}:\s+(\d+) kB', text)[1])


class _Session:
  """What can be asked for; memory is counted from its beginning on."""

  def __init__(self, prepared: Prepared):
    self._prepared = prepared
    self._before = prepared.on_device()
    self._resident = memory('VmRSS')
    # Forgets the most that there was.
    pathlib.Path('/proc/self/clear_refs').write_text('5')

  def check(self, path: str) -> bool:
    """Writes what is compared; whether there is anything."""
    if self._prepared.check is None:
      return False
    np.savez(path, **self._prepared.check())
    return True

  def go(self, calls: int) -> float:
    """Seconds of a call, the mean of so many in turn."""
    start = time.perf_counter()
    self._prepared.call(calls)
    return (time.perf_counter() - start) / calls

  def profile(self) -> dict[str, float]:
    """Seconds by operation."""
    return self._prepared.profile()

  def end(self) -> dict[str, Any]:
    """`bytes` at most above those of the beginning, `resident`, and `facts`."""
    most = self._prepared.on_device()
    used = memory('VmHWM') - self._resident
    return {
      'bytes': used if most is None else most - (self._before or 0),
      'resident': memory('VmHWM'),
      'facts': self._prepared.facts(),
    }


def main() -> None:
  """Answers until nothing more is asked."""
  answers = os.fdopen(os.dup(1), 'w', buffering=1)
  # What libraries print must not be among the answers.
  os.dup2(2, 1)

  def answer(value):
    answers.write(json.dumps(value) + '\n')

  target, arguments = json.loads(sys.stdin.readline())
  module, _, name = target.partition(':')
  session = _Session(vars(importlib.import_module(module))[name](**arguments))
  answer('ready')
  asked = {
    'check': session.check,
    'go': session.go,
    'end': session.end,
    'profile': session.profile,
  }
  for line in sys.stdin:
    what, *values = json.loads(line)
    answer(asked[what](*values))
  with contextlib.suppress(BrokenPipeError):
    answers.close()


if __name__ == '__main__':
  main()
