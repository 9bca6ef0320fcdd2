"""Where trainings run side by side: on a CPU, one a core.

A small batch that is divided over the cores leaves each little to do between
two sums over all of them. Where there are many trainings, each core is faster
with one of its own.
"""

import contextlib
import queue
from collections.abc import Iterator

import jax
import numpy as np

from semisup_jax.training import sharding
from semisup_jax.types import DATA_AXIS


class Places:
  """Meshes of one device each, lent to one training at a time.

  Attributes:
    meshes: Them; none where trainings run one after the other, on all devices:
      on accelerators, in several processes, and where there are fewer trainings
      than devices.
  """

  def __init__(self, trainings: int):
    """Takes how many trainings there will be."""
    devices = jax.devices()
    count = min(len(devices), sharding.usable_cores())
    on_cpu = devices[0].platform == 'cpu' and jax.process_count() == 1
    apart = on_cpu and 1 < count <= trainings
    self.meshes = tuple(
      jax.sharding.Mesh(np.array([device]), (DATA_AXIS,))
      for device in devices[: count if apart else 0]
    )
    self._free: queue.SimpleQueue[jax.sharding.Mesh] = queue.SimpleQueue()
    for mesh in self.meshes:
      self._free.put(mesh)

  @contextlib.contextmanager
  def borrowed(self) -> Iterator[jax.sharding.Mesh | None]:
    """A mesh that is nobody else's meanwhile; None where there are none."""
    if not self.meshes:
      yield None
      return
    mesh = self._free.get()
    try:
      yield mesh
    finally:
      self._free.put(mesh)
