"""Work that each device does on its own rows, and adds up by itself."""

from collections.abc import Callable, Sequence

import jax
from jax.sharding import AxisType, PartitionSpec

from semisup_jax.types import DATA_AXIS

ROWS = PartitionSpec(DATA_AXIS)
WHOLE = PartitionSpec()


def number(rows: int) -> int:
  """Of devices that rows are divided over: the mesh's along `data`, or 1.

  It is 1 where no mesh with that axis is in context, or it does not divide the
  rows, and within a `shard_map` over it: the rows are then a device's own.
  """
  mesh = jax.sharding.get_abstract_mesh()
  kinds = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
  if kinds.get(DATA_AXIS, AxisType.Manual) == AxisType.Manual:
    return 1
  devices = mesh.shape[DATA_AXIS]
  return devices if rows % devices == 0 else 1


def on_own_rows(
  work: Callable,
  arrays: Sequence[jax.Array],
  *,
  out: PartitionSpec | Sequence[PartitionSpec],
  whole: Sequence[jax.Array] = (),
  divided: bool = True,
):
  """What each device makes of its rows; without devices, of all of them.

  Args:
    work: Called as `work(total, *arrays, *whole)`. What it returns for all rows
      it has to make the same on every device by `total`, which sums an array
      over them.
    arrays: Of as many rows each, which are divided.
    out: Of what it returns, `ROWS` or `WHOLE`.
    whole: What every device has all of.
    divided: Whether to; if not, it is one work on all rows.
  """
  if not divided or number(len(arrays[0])) == 1:
    return work(lambda x: x, *arrays, *whole)
  return jax.shard_map(
    lambda *own: work(lambda x: jax.lax.psum(x, DATA_AXIS), *own),
    in_specs=(ROWS,) * len(arrays) + (WHOLE,) * len(whole),
    out_specs=out,
    axis_names={DATA_AXIS},
    # Or JAX sums by itself what is whole.
    check_vma=False,
  )(*arrays, *whole)
