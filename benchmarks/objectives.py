"""Value and gradient of objectives: time and memory, beside PyTorch's."""

from collections.abc import Iterator

from benchmarks import tables
from benchmarks.machine import Machine, why_no
from benchmarks.racing import Form, race

# Of each the rows of both views, their dimension, and our forms.
CASES = {
  'nt_xent': (8192, 128, ('nt_xent', 'nt_xent, block-wise')),
  'barlow_twins': (256, 8192, ('barlow_twins',)),
}
TOLERANCES = {'loss': 1e-4, 'gradient': 1e-2}


def run(machine: Machine) -> Iterator[tables.Table]:
  """The tables of this section."""
  for name, (rows, dim, ours) in CASES.items():
    if machine.quick:
      rows, dim = 64, 32
    arguments = {'rows': rows, 'dim': dim}
    forms = [
      Form(
        f'ours, {form}',
        'benchmarks.jax_forms:objective',
        {'name': form, **arguments},
      )
      for form in ours
    ]
    if why_no('torch', 'safetensors') is None:
      forms.append(
        Form(
          'PyTorch, plain',
          'benchmarks.torch_forms:objective',
          {'name': name, **arguments},
        )
      )
    results = race(
      forms,
      turns=machine.turns,
      seconds=machine.seconds,
      tolerances=TOLERANCES,
    )
    first = forms[0].name
    yield tables.Table(
      f'{name}: two views of [{rows}, {dim}], float32',
      ['form', 'ms', 'times as fast as the first', 'memory, MB'],
      [
        [
          form,
          tables.spread(1e3 * s for s in result.seconds),
          tables.ratios(results, form, first),
          tables.megabytes(result.bytes),
        ]
        for form, result in results.items()
      ],
      'Memory is the most above the inputs, of one process'
      + (
        ', what is compiled and the copies that are compared included.'
        if machine.is_cpu
        else ', on the device.'
      ),
      tables.measured(results),
    )
