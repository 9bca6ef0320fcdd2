"""How fast this is, beside PyTorch: `python -m benchmarks`.

  pip install -e '.[bench]'
  python -m benchmarks
  python -m benchmarks step objectives
  python -m benchmarks --quick
  python -m benchmarks.page

Prints tables and keeps them in benchmarks/results/, a file for each machine,
of which `benchmarks.page` makes docs/performance.md. Each number is the median
of several turns, with the least and the most; forms that are compared take
turns, and are checked to compute the same before they are timed. Nothing else
should run meanwhile. `--quick` runs everything with tiny sizes, to see that it
runs, and keeps nothing.
"""

import argparse
import sys

from benchmarks import (
  augmentation,
  growth,
  input,
  machine,
  objectives,
  results,
  start,
  step,
)
from benchmarks.racing import FormError

SECTIONS = {
  'step': step,
  'augmentation': augmentation,
  'objectives': objectives,
  'input': input,
  'start': start,
  'growth': growth,
}


def main() -> int:
  """Measures the sections that are named; returns the exit status."""
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('sections', nargs='*', help=', '.join(SECTIONS))
  parser.add_argument('--quick', action='store_true', help='measures nothing')
  arguments = parser.parse_args()
  if unknown := set(arguments.sections) - set(SECTIONS):
    parser.error(f'unknown: {", ".join(unknown)}; known: {", ".join(SECTIONS)}')
  here = machine.find(arguments.quick)
  failed = False
  for name in arguments.sections or SECTIONS:
    print(f'## {name}\n', flush=True)
    tables = []
    try:
      for table in SECTIONS[name].run(here):
        print(table.markdown(), flush=True)
        tables.append(table)
    except FormError as error:
      print(f'error: {name}: {error}', file=sys.stderr)
      failed = True
      continue
    if not here.quick:
      results.write(name, tables, here)
  return int(failed)


if __name__ == '__main__':
  sys.exit(main())
