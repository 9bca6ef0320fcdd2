"""A step of SimCLR from uint8 images to the update, and PyTorch's."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing

from benchmarks import cases, tables
from benchmarks.machine import Machine, why_no
from benchmarks.racing import Form, Result, Runner, compare, race

OURS = 'ours'
# Of the first step, from the same weights and views: how far another form may
# be from ours, as a share. AdamW's first step is the sign of the gradient, so
# that the update shows rounding where that is next to nothing; and bfloat16 is
# so coarse that forms are compared in float32 as well.
TOLERANCES = {
  'float32': {'loss': 1e-4, 'moment': 2e-2, 'update': 1e-1},
  'bfloat16': {'loss': 2e-2, 'moment': 0.5, 'update': 1.0},
}
EXACT = {'JAX_DEFAULT_MATMUL_PRECISION': 'highest'}
PYTORCH = {
  'PyTorch, views batched by kornia': ('batched', False),
  'the same, by torch.compile': ('batched', True),
  'PyTorch, views one by one in workers': ('one by one', False),
}


def forms(
  case: str, batch_size: int, dtype: str, folder: str
) -> Iterator[Form]:
  """Ours, and those of PyTorch's that can be run."""
  arguments = {
    'case': case,
    'batch_size': batch_size,
    'dtype': dtype,
    'folder': folder,
  }
  yield Form(OURS, 'benchmarks.jax_forms:step', arguments)
  for name, (drawn, compiled) in PYTORCH.items():
    if why_no('torch', 'kornia', 'safetensors') is None:
      yield Form(
        name,
        'benchmarks.torch_forms:step',
        {**arguments, 'drawn': drawn, 'compiled': compiled},
      )


def peaks(machine: Machine) -> dict[str, Result]:
  """The product of two matrices, by both."""
  size = 256 if machine.quick else 4096 if machine.is_cpu else 8192
  arguments = {'size': size, 'dtype': machine.dtype}
  products = [Form(OURS, 'benchmarks.jax_forms:product', arguments)]
  if why_no('torch') is None:
    products.append(
      Form('PyTorch', 'benchmarks.torch_forms:product', arguments)
    )
  return race(products, turns=machine.turns, seconds=machine.seconds)


def operations(case: str, batch_size: int, dtype: str) -> float:
  """Of floating-point numbers, in one step of ours."""
  arguments = {'case': case, 'batch_size': batch_size, 'dtype': dtype}
  target = 'benchmarks.jax_forms:operations'
  on_cpu = {'JAX_PLATFORMS': 'cpu'}
  with closing(Runner(Form('operations', target, arguments, on_cpu))) as runner:
    return runner.end()['facts']['flops']


def rates(results: Mapping[str, Result]) -> list[float]:
  """Operations a second of every turn of all forms, the most first."""
  return sorted(
    (r.facts['flops'] / s for r in results.values() for s in r.seconds),
    reverse=True,
  )


def batch_sizes(case: str, machine: Machine) -> tuple[int, ...]:
  """Those of a case on this machine."""
  on_cpu, on_accelerator = cases.CASES[case].batch_sizes
  sizes = on_cpu if machine.is_cpu else on_accelerator
  return (8,) if machine.quick else sizes


def _results(case: str, batch_size: int, machine: Machine) -> dict[str, Result]:
  with tempfile.TemporaryDirectory() as folder:
    if machine.dtype != 'float32':
      exact = [
        form._replace(environment=EXACT)
        for form in forms(case, batch_size, 'float32', folder)
      ]
      compare(exact, TOLERANCES['float32'])
    return race(
      list(forms(case, batch_size, machine.dtype, folder)),
      turns=machine.turns,
      seconds=machine.seconds,
      tolerances=TOLERANCES[machine.dtype],
    )


def table(
  case: str,
  batch_size: int,
  dtype: str,
  results: Mapping[str, Result],
  flops: float,
  most: float,
  more: str = '',
) -> tables.Table:
  """Of a case, all forms; `most` is the peak, operations a second."""
  return tables.Table(
    f'{cases.TITLES[case]}, batch {batch_size}, {dtype}',
    ['form', 'images/s', 'ms a step', 'times as fast as ours', 'MFU'],
    [
      [
        name,
        tables.spread(batch_size / s for s in result.seconds),
        tables.spread(1e3 * s for s in result.seconds),
        tables.ratios(results, name, OURS),
        f'{flops / result.median / most:.0%}',
      ]
      for name, result in results.items()
    ],
    f'{flops / 1e9:.3g} GFLOP a step; the fastest product of two matrices had '
    f'{most / 1e9:,.0f} GFLOP/s.{more}',
    tables.measured(results),
  )


def run(machine: Machine) -> Iterator[tables.Table]:
  """The tables of this section."""
  products = peaks(machine)
  most = rates(products)[0]
  missing = why_no('torch', 'kornia', 'safetensors')
  for case in cases.CASES:
    for batch_size in batch_sizes(case, machine):
      results = _results(case, batch_size, machine)
      more = f' PyTorch was not measured: {missing}.' if missing else ''
      flops = operations(case, batch_size, machine.dtype)
      yield table(case, batch_size, machine.dtype, results, flops, most, more)
  yield tables.Table(
    f'The product of two matrices, {machine.dtype}',
    ['form', 'GFLOP/s'],
    [
      [
        name,
        tables.spread(result.facts['flops'] / s / 1e9 for s in result.seconds),
      ]
      for name, result in products.items()
    ],
    'What is called the peak above is the fastest turn.',
    tables.measured(products),
  )
