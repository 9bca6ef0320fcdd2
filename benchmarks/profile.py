"""Where the time of work on an accelerator goes, by the profiler of JAX."""

import collections
import pathlib
import re
import tempfile
from collections.abc import Callable, Mapping

import jax

CALLS = 5
# What the profiler derives of the streams, where it does.
SUMMARIES = ('XLA', 'Steps', 'Framework', 'Source', 'Launch')


def seconds_by_operation(call: Callable[[int], None]) -> dict[str, float]:
  """What a call spends in each operation of its program.

  Kernels of XLA are named after its operations, `loop_convert_fusion.12`. What
  has no name of XLA's, as a copy from the host, has the kernel's own; and what
  is launched as one CUDA graph, the graph's.

  Args:
    call: Does the work so many times, and waits for its end.

  Returns:
    Seconds of one call; of streams that work side by side the sum.

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
          found[str(name)] += event.duration_ns / 1e9 / CALLS
    if not found:
      planes = {p.name: [line.name for line in p.lines] for p in data.planes}
      raise ValueError(f'no accelerator was seen, only {planes}')
  return dict(found)


def by_kind(seconds: Mapping[str, float]) -> dict[str, float]:
  """Operations that differ in their number alone as one, the most first."""
  found = collections.Counter()
  for name, each in seconds.items():
    found[re.sub(r'(\.\d+)+(\.(clone|remat))*$', '', name)] += each
  return dict(found.most_common())
