"""Steps of several versions of this project, in turns.

  git worktree add ../before COMMIT
  python -m benchmarks.versions digits 256 ../before .

Machines drift by more than most changes give. Here a turn of each version
follows one of the other, and it is the ratio of neighbours that counts. Two
processes of one version differ too, by a few percent: name a copy of a checkout
to see by how much.
"""

import argparse

from benchmarks import cases, tables
from benchmarks.racing import Form, race

TURNS, SECONDS = 14, 0.5


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('case', choices=cases.CASES)
  parser.add_argument('batch_size', type=int)
  parser.add_argument('folders', nargs='+', help='checkouts; the first is 1')
  asked = parser.parse_args()
  arguments = {
    'case': asked.case,
    'batch_size': asked.batch_size,
    'dtype': 'float32',
  }
  found = race(
    [
      Form(folder, 'benchmarks.jax_forms:step', arguments, folder=folder)
      for folder in asked.folders
    ],
    turns=TURNS,
    seconds=SECONDS,
  )
  first = asked.folders[0]
  table = tables.Table(
    f'{cases.TITLES[asked.case]}, batch {asked.batch_size}',
    ['version', 'ms a step', 'its share of the first'],
    [
      [
        folder,
        tables.spread(1e3 * s for s in result.seconds),
        tables.spread(
          a / b
          for a, b in zip(result.seconds, found[first].seconds, strict=True)
        ),
      ]
      for folder, result in found.items()
    ],
  )
  print(table.markdown())


if __name__ == '__main__':
  main()
