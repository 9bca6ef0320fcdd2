"""How long steps wait for their images, in memory and in files."""

import pathlib
import tempfile
from collections.abc import Iterator

from benchmarks import stored_images, tables
from benchmarks.machine import Machine
from benchmarks.racing import Form, race

FORMS = {
  'the same batch again': {'again': True},
  'in memory': {},
  'in files, threads read': {'data.in_memory': False},
  'in files, one process reads': {'data.in_memory': False, 'data.workers': 1},
}


def run(machine: Machine) -> Iterator[tables.Table]:
  """The table of this section."""
  images, batch_size = (1500, 64) if machine.quick else (20_000, 256)
  with tempfile.TemporaryDirectory() as folder:
    stored_images.write(pathlib.Path(folder), images)
    forms = []
    for name, changes in FORMS.items():
      fields = {'batch_size': batch_size, **changes}
      again = fields.pop('again', False)
      arguments = {'path': folder, 'fields': fields, 'again': again}
      forms.append(Form(name, 'benchmarks.jax_forms:fed', arguments))
    results = race(forms, turns=machine.turns, seconds=machine.seconds)
  alone = results['the same batch again'].seconds
  yield tables.Table(
    f'{images:,} JPEG files of 32 px, batch {batch_size}, the small network',
    ['images', 'images/s', '% of a step that waits'],
    [
      [
        name,
        tables.spread(batch_size / s for s in result.seconds),
        tables.spread(
          100 * max(0, 1 - without / s)
          for without, s in zip(alone, result.seconds, strict=True)
        ),
      ]
      for name, result in results.items()
    ],
    'Waiting is what a step takes longer than on a batch that is there; on a '
    'CPU what reads has the same cores.',
    tables.measured(results),
  )
