"""What a step costs by count, so that one which does more work is noticed.

  python -m benchmarks.guard
  python -m benchmarks.guard --update

Compiles steps of SimCLR for one CPU device and reads out of the programs how
many floating-point operations and bytes there are in them. Nothing is run or
timed, so the numbers are those of any machine, and jax 0.10 and 0.12 agree in
them to 0.1 %. They are recorded in `benchmarks/guard.json`, and
`tests/benchmarks/guard_test.py` compares. Where a
change is meant to make a step larger, or makes it smaller, `--update` records
the new ones.
"""

import argparse
import json
import os
import pathlib
from typing import Any

import jax

from benchmarks import collectives
from configs import simclr

RECORDED = pathlib.Path(__file__).with_name('guard.json')
# Of each case the variant of configs/simclr.py, the fields that are changed,
# and the shape of an image.
CASES = {
  'the main job': ('digits', {}, (8, 8, 1)),
  'ResNet-18, 32 px': (
    'cifar100',
    {'batch_size': 64, 'model.dtype': 'float32'},
    (32, 32, 3),
  ),
}
# Shares by which a count may differ from the recorded one. What is fused, and
# so how often memory is passed over, is up to XLA.
TOLERANCE = {'flops': 0.03, 'bytes accessed': 0.05}


def counts(case: str) -> dict[str, float]:
  """Of one step of a case: `flops` and `bytes accessed`."""
  variant, changes, image_shape = CASES[case]
  config = simclr.get_config(variant)
  config.update_from_flattened_dict(changes)
  device = jax.devices('cpu')[:1]
  lowered, _ = collectives.abstract_step(config, device, image_shape)
  costs = lowered.compile().cost_analysis()
  return {name: costs[name] for name in TOLERANCE}


def changes(found: dict[str, float], recorded: dict[str, float]) -> list[str]:
  """A sentence for each count that is not within its tolerance."""
  return [
    f'{name}: {found[name]:.4g}, where {recorded[name]:.4g} was recorded '
    f'({found[name] / recorded[name] - 1:+.1%}, allowed {share:.0%})'
    for name, share in TOLERANCE.items()
    if abs(found[name] / recorded[name] - 1) > share
  ]


def read() -> dict[str, Any]:
  """What is recorded: `jax`, its version, and `counts` by case."""
  return json.loads(RECORDED.read_text())


def main() -> None:
  """Prints the counts, or records them."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--update', action='store_true', help='record them')
  update = parser.parse_args().update
  # What is never run need not be fast.
  os.environ.setdefault('XLA_FLAGS', '--xla_backend_optimization_level=0')
  found = {case: counts(case) for case in CASES}
  for case, numbers in found.items():
    print(f'{case}: ' + ', '.join(f'{v:.6g} {k}' for k, v in numbers.items()))
  if update:
    recorded = {'jax': jax.__version__, 'counts': found}
    RECORDED.write_text(json.dumps(recorded, indent=2) + '\n')


if __name__ == '__main__':
  main()
