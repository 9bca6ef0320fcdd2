"""Work that each device of the mesh in context does on its own rows."""

from collections.abc import Callable, Sequence

import jax
from jax.sharding import AxisType, PartitionSpec

from semisup_jax.types import DATA_AXIS

ROWS = PartitionSpec(DATA_AXIS)
WHOLE = PartitionSpec()


def number() -> int:
  """Of devices to divide rows over: the mesh's, along `data`, or 1."""
  mesh = jax.sharding.get_abstract_mesh()
  kinds = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
  # Within a `shard_map` over it, what is given is one device's own batch.
  if kinds.get(DATA_AXIS, AxisType.Manual) == AxisType.Manual:
    return 1
  return mesh.shape[DATA_AXIS]


def on_own_rows(
  work: Callable,
  arrays: Sequence[jax.Array],
  *,
  out: PartitionSpec | Sequence[PartitionSpec],
  whole: Sequence[jax.Array] = (),
  divided: bool = True,
):
  """What each device makes of its rows; one makes it of all of them.

  One does where there are no more, or they do not divide the rows.

  Args:
    work: Called as `work(total, *arrays, *whole)`. What it returns for all rows
      it has to make the same on every device by `total`, which sums an array
      over them.
    arrays: Of as many rows each, which are divided.
    out: Of what it returns, `ROWS` or `WHOLE`.
    whole: What every device has all of.
    divided: Whether to; if not, it is one work on all rows.
  """
  devices = number() if divided else 1
  if devices == 1 or len(arrays[0]) % devices:
    return work(lambda x: x, *arrays, *whole)
  return jax.shard_map(
    lambda *own: work(lambda x: jax.lax.psum(x, DATA_AXIS), *own),
    in_specs=(ROWS,) * len(arrays) + (WHOLE,) * len(whole),
    out_specs=out,
    axis_names={DATA_AXIS},
    # Or JAX sums by itself what is whole.
    check_vma=False,
  )(*arrays, *whole)
