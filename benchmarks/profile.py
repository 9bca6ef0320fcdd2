"""Where the time of work on an accelerator goes, by the profiler of JAX."""

import collections
import pathlib
import re
import tempfile
from collections.abc import Callable

import jax

CALLS = 5
# What the profiler derives of the streams, where it does.
SUMMARIES = ('XLA', 'Steps', 'Framework', 'Source', 'Launch')


def seconds_by_operation(call: Callable[[int], None]) -> dict[str, float]:
  """What a call spends in each kind of operation of its program.

  Kernels of XLA are named after its operations, `loop_convert_fusion.12`; those
  that differ in the number alone are one kind. What has no name of XLA's, as a
  copy from the host, has the kernel's own.

  Args:
    call: Does the work so many times, and waits for its end.

  Returns:
    Seconds of one call, the most first; of streams that work side by side the
    sum.

  Raises:
    ValueError: If the profiler saw no accelerator.
  """
  with tempfile.TemporaryDirectory() as folder:
    with jax.profiler.trace(folder):
      call(CALLS)
    (path,) = pathlib.Path(folder).rglob('*.xplane.pb')
    data = jax.profiler.ProfileData.from_file(str(path))
    found = collections.Counter()
    for plane in data.planes:
      if not plane.name.startswith('/device:'):
        continue
      for line in plane.lines:
        if line.name.startswith(SUMMARIES):
          continue
        for event in line.events:
          name = dict(event.stats).get('hlo_op', event.name)
          found[_kind(str(name))] += event.duration_ns / 1e9 / CALLS
    if not found:
      planes = {p.name: [line.name for line in p.lines] for p in data.planes}
      raise ValueError(f'no accelerator was seen, only {planes}')
  return dict(found.most_common())


def _kind(name: str) -> str:
  return re.sub(r'(\.\d+)+(\.(clone|remat))*$', '', name)
