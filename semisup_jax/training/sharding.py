"""One mesh with the axis `data`: the batch divided, the state everywhere."""

import os
from collections.abc import Sequence

import jax
import numpy as np

from semisup_jax.types import DATA_AXIS, InputError

# More virtual CPU devices than this gain nothing and cost memory.
MAX_CPU_DEVICES = 8


def usable_cores() -> int:
  """Number of processor cores that this process may run on."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def largest_divisor(batch_size: int, limit: int) -> int:
  """The largest divisor of `batch_size` that is at most `limit`."""
  return max(d for d in range(1, limit + 1) if batch_size % d == 0)


def use_a_device_for_each_core(batch_size: int) -> None:
  """Makes one JAX CPU device a core; call it before JAX starts its backends.

  On CPU that is 1.3 to 1.7 times faster than one device with many threads, and
  every CPU run exercises the sharded path. It changes nothing on accelerators.
  A batch that no two devices can share keeps the one device with many threads,
  and a number of devices that someone has set before stays.

  Args:
    batch_size: The largest batch that will be trained on.
  """
  count = largest_divisor(batch_size, min(usable_cores(), MAX_CPU_DEVICES))
  flags = os.environ.get('XLA_FLAGS', '')
  chosen = (
    jax.config.jax_num_cpu_devices != -1
    or 'xla_force_host_platform_device_count' in flags
  )
  if count == 1 or chosen:
    return
  if 'xla_cpu_multi_thread_eigen' not in flags:
    os.environ['XLA_FLAGS'] = f'{flags} --xla_cpu_multi_thread_eigen=false'
  jax.config.update('jax_num_cpu_devices', count)


def make_mesh(
  batch_size: int,
  devices: Sequence[jax.Device] | None = None,
  *,
  accumulate: int = 1,
) -> jax.sharding.Mesh:
  """Makes the mesh that a batch of this size is divided over.

  Args:
    batch_size: Of an update, global.
    devices: What there is; all of JAX's by default. On CPU as many of them are
      used as divide the batch; an accelerator is never left idle silently.
    accumulate: Micro-batches of the batch, each of which is divided.

  Raises:
    InputError: If accelerators do not divide the batch, or its micro-batches.
  """
  devices = list(jax.devices() if devices is None else devices)
  count = len(devices)
  if devices[0].platform == 'cpu':
    micro_batch = batch_size // accumulate
    count = largest_divisor(micro_batch, min(count, MAX_CPU_DEVICES))
  elif batch_size % (unit := accumulate * count):
    parts = f' in {accumulate} micro-batches' if accumulate > 1 else ''
    raise InputError(
      f'batch_size={batch_size}{parts} cannot be divided over {count} devices; '
      f'use {batch_size // unit * unit or unit} or '
      f'{(batch_size // unit + 1) * unit}'
    )
  return jax.sharding.Mesh(np.array(devices[:count]), (DATA_AXIS,))


def divided(mesh: jax.sharding.Mesh) -> jax.sharding.NamedSharding:
  """The sharding of a batch: its first axis over the mesh."""
  return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(DATA_AXIS))


def replicated(mesh: jax.sharding.Mesh) -> jax.sharding.NamedSharding:
  """The sharding of a state: all of it on every device."""
  return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
