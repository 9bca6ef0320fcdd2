"""How time and memory grow, with the exponent that fits them."""

import math
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import tables
from benchmarks.machine import Machine
from benchmarks.racing import Form, race

BASE = {
  'batch_size': 128,
  'image_size': 32,
  'images': 10_000,
  'devices': None,
}
AXES = {
  'batch_size': (32, 64, 128, 256, 512),
  'image_size': (16, 32, 64, 128),
  'images': (2_000, 8_000, 32_000, 128_000),
  'devices': (1, 2, 4, 8),
}
QUICK = {
  'batch_size': (8, 16),
  'image_size': (8, 16),
  'images': (100, 200),
  'devices': (1, 2),
}
QUICK_BASE = {'batch_size': 16, 'image_size': 8, 'images': 100}


def run(machine: Machine) -> Iterator[tables.Table]:
  """The table of each axis."""
  base = {**BASE, **(QUICK_BASE if machine.quick else {})}
  for axis, values in (QUICK if machine.quick else AXES).items():
    if axis != 'devices' or machine.is_cpu:
      yield _table(axis, values, base, machine)


def _table(
  axis: str, values: Sequence[int], base: dict, machine: Machine
) -> tables.Table:
  forms = [
    Form(f'{value:,}', 'benchmarks.jax_forms:sized', {**base, axis: value})
    for value in values
  ]
  results = race(forms, turns=machine.turns, seconds=machine.seconds)
  by_turn = zip(*(r.seconds for r in results.values()), strict=True)
  held = [
    [r.facts['planned'] for r in results.values()],
    [r.bytes for r in results.values()],
    [r.resident for r in results.values()],
  ]
  rows = [
    [
      name,
      tables.spread(1e3 * s for s in result.seconds),
      *map(
        tables.megabytes,
        (result.facts['planned'], result.bytes, result.resident),
      ),
    ]
    for name, result in results.items()
  ]
  times = [exponent(values, seconds) for seconds in by_turn]
  rows.append(
    [
      '*exponent*',
      f'{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})',
      *(f'{exponent(values, sizes):.2f}' for sizes in held),
    ]
  )
  rest = ', '.join(
    f'{name} {value}'
    for name, value in base.items()
    if name != axis and value is not None
  )
  return tables.Table(
    f'By {axis}',
    [axis, 'ms a step', 'planned, MB', 'steps, MB', 'process, MB'],
    rows,
    f'{rest}. The exponent p of time or memory = c x {axis}^p, by least '
    'squares of the logarithms; of the time in each turn. Memory: what XLA '
    'plans for a step besides its inputs; the most above what there was before '
    'the first step, on a CPU with what is compiled; all of the process, on '
    'the host.',
    tables.measured(results),
  )


def exponent(values: Sequence[float], found: Sequence[float]) -> float:
  """The slope of the line through the logarithms."""
  # What is nothing, as of memory that was there already, is next to nothing.
  logs = [math.log(max(x, 1e-9)) for x in found]
  return float(np.polyfit(np.log(values), logs, 1)[0])
