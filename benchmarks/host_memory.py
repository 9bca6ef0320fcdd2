"""How much host memory a run takes whose images are many.

  python -m benchmarks.host_memory
  python -m benchmarks.host_memory --stored
  python -m benchmarks.host_memory --images=10000

Writes an `.npz` file of random images of 96x96x3 into a temporary folder, as
many unlabelled ones as are asked for beside 200 labelled and 100 test images,
runs a few steps of Barlow Twins on it by launch.py, with a linear probe, and
prints the largest resident memory of that process. With --stored the images
stay in the file (data.in_memory=False), and threads of the process read them.
The file is removed.
"""

import argparse
import datetime
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np

SIDE, LABELLED, TEST = 96, 200, 100
_CHUNK = 1000


def write(path: pathlib.Path, unlabelled: int) -> None:
  """Writes the file, never holding more than a chunk of it."""
  random = np.random.default_rng(0)
  with zipfile.ZipFile(path, 'w', allowZip64=True) as archive:
    for name, count in (
      ('train', LABELLED),
      ('test', TEST),
      ('unlabelled', unlabelled),
    ):
      shape = (count, SIDE, SIDE, 3)
      with archive.open(f'{name}_images.npy', 'w', force_zip64=True) as file:
        header = {'descr': '|u1', 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, _CHUNK):
          rows = min(_CHUNK, count - start)
          file.write(random.bytes(rows * SIDE * SIDE * 3))
      if name != 'unlabelled':
        with archive.open(f'{name}_labels.npy', 'w') as file:
          np.lib.format.write_array(file, np.arange(count) % 10)


def peak(
  path: pathlib.Path, folder: pathlib.Path, steps: int, *, in_memory: bool
) -> float:
  """Runs it; the child's largest resident memory, in GB (10**9 bytes)."""
  changes = {
    'data.path': path,
    'data.in_memory': in_memory,
    'data.image_size': None,
    'model.width': 8,
    'batch_size': 32,
    'method.projector_hidden': 64,
    'method.projector_output': 64,
    'schedule.epochs': None,
    'schedule.steps': steps,
    'schedule.warmup': 0,
    'evaluation.protocols': 'linear_probe',
    'evaluation.labels_per_class': 5,
    'evaluation.draws': 2,
    'checkpoint.keep': 0,
  }
  command = [
    *(sys.executable, 'launch.py', '--config=configs/barlow_twins.py:npz'),
    *(f'--config.{field}={value}' for field, value in changes.items()),
    f'--workdir={folder / "run"}',
  ]
  environment = {**os.environ, 'PYTHONPATH': os.getcwd()}
  subprocess.run(command, check=True, env=environment)
  used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
  return used * 1024 / 1e9


def main() -> None:
  """Prints one line."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--images', type=int, default=100_000)
  parser.add_argument('--steps', type=int, default=5)
  parser.add_argument('--stored', action='store_true')
  arguments = parser.parse_args()
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    write(folder / 'images.npz', arguments.images)
    start = time.perf_counter()
    used = peak(
      folder / 'images.npz',
      folder,
      arguments.steps,
      in_memory=not arguments.stored,
    )
    seconds = time.perf_counter() - start
  pixels = arguments.images * SIDE * SIDE * 3 / 1e9
  print(
    f'{arguments.images:,} unlabelled images of {SIDE} px, {pixels:.2f} GB of '
    f'pixels {"in their file" if arguments.stored else "in memory"}, '
    f'{arguments.steps} steps: {used:.2f} GB resident at most, {seconds:.0f} s '
    f'({datetime.date.today()})'
  )


if __name__ == '__main__':
  main()
