"""Two views of each image, alone, and their share of a step."""

import tempfile
from collections.abc import Iterator

from benchmarks import cases, step, tables
from benchmarks.machine import Machine, why_no
from benchmarks.racing import Form, race

DRAWN = {
  'PyTorch, views batched by kornia': 'batched',
  'PyTorch, views one by one in workers': 'one by one',
}


def run(machine: Machine) -> Iterator[tables.Table]:
  """The tables of this section."""
  for case in cases.CASES:
    for batch_size in step.batch_sizes(case, machine):
      yield _shares(case, batch_size, machine)
      yield _ops(case, batch_size, machine)


def _shares(case: str, batch_size: int, machine: Machine) -> tables.Table:
  """Views alone, beside the steps that they are part of."""
  arguments = {'case': case, 'batch_size': batch_size}
  views = [Form(step.OURS, 'benchmarks.jax_forms:views', arguments)]
  if why_no('torch', 'kornia', 'safetensors') is None:
    views += [
      Form(name, 'benchmarks.torch_forms:views', {**arguments, 'drawn': drawn})
      for name, drawn in DRAWN.items()
    ]
  with tempfile.TemporaryDirectory() as folder:
    steps = [
      form._replace(name=f'step: {form.name}')
      for form in step.forms(case, batch_size, machine.dtype, folder)
      if form.name in (step.OURS, *DRAWN)
    ]
    results = race(
      [*steps, *views], turns=machine.turns, seconds=machine.seconds
    )
  rows = []
  for name in (form.name for form in views):
    pairs = zip(
      results[name].seconds, results[f'step: {name}'].seconds, strict=True
    )
    rows.append(
      [
        name,
        tables.spread(batch_size / s for s in results[name].seconds),
        tables.spread(1e3 * s for s in results[name].seconds),
        tables.spread(100 * alone / whole for alone, whole in pairs),
      ]
    )
  return tables.Table(
    f'{cases.TITLES[case]}, batch {batch_size}',
    ['form', 'images/s', 'ms a batch', '% of its step'],
    rows,
    'Two views of each image. Workers draw them while the step computes, so '
    'that theirs may be more than the whole of it.',
    tables.measured(results),
  )


def _ops(case: str, batch_size: int, machine: Machine) -> tables.Table:
  """Each of our ops alone."""
  ops = cases.config(case, batch_size, 'float32').data.views.split('|')
  arguments = {'case': case, 'batch_size': batch_size}
  results = race(
    [
      Form(op, 'benchmarks.jax_forms:views', {**arguments, 'ops': op})
      for op in ('', *ops)
    ],
    turns=machine.turns,
    seconds=machine.seconds / 3,
  )
  return tables.Table(
    f'Our ops alone: {cases.TITLES[case]}, batch {batch_size}',
    ['op', 'ms a batch'],
    [
      [
        f'`{name}`' if name else 'none: to float, keys',
        tables.spread(1e3 * s for s in result.seconds),
      ]
      for name, result in results.items()
    ],
    measured=tables.measured(results),
  )
