"""How long it takes to make all corruptions of a data set.

  python -m benchmarks.corruptions
  python -m benchmarks.corruptions --images=1000 --names=snow,fog
  python -m benchmarks.corruptions --path=images.npy

Each of the 19 corruptions at each of its five severities, compilation included,
of random images of 32x32x3 or of those in a file, uint8 [N, H, W, C]. Prints a
Markdown table of seconds. On a CPU there is one JAX device a core, as with
`launch.py`. Nothing is written.
"""

import argparse
import datetime
import importlib.metadata
import os
import pathlib
import re
import time

import jax
import numpy as np
import scipy.ndimage

from semisup_jax import training
from semisup_jax.augment import corruptions

# Divisible by any number of cores up to 8.
_DIVISIBLE = 840


def random_images(count: int) -> np.ndarray:
  """Makes smooth noise that spans all levels, uint8 [count, 32, 32, 3]."""
  noise = np.random.default_rng(0).random((count, 32, 32, 3), np.float32)
  smooth = scipy.ndimage.gaussian_filter(noise, 1.5, axes=(1, 2))
  low = smooth.min((1, 2, 3), keepdims=True)
  high = smooth.max((1, 2, 3), keepdims=True)
  return np.round(255 * (smooth - low) / (high - low)).astype(np.uint8)


def seconds(images: np.ndarray, name: str, severity: int) -> float:
  """Time from uint8 to uint8, with the compilation."""
  start = time.perf_counter()
  corruptions.corrupt_all(images, name=name, severity=severity, seed=0)
  return time.perf_counter() - start


def circumstances(images: np.ndarray) -> str:
  """What the numbers were measured on, and with."""
  cpu = re.search(
    r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text()
  )
  cores = f'{len(os.sched_getaffinity(0))} cores'
  if cpu:
    cores += f' of {cpu[1]}'
  devices = jax.local_devices()
  versions = ', '.join(
    f'{name} {importlib.metadata.version(name)}' for name in ('jax', 'numpy')
  )
  return (
    f'uint8 {list(images.shape)}; {cores}; JAX devices: {len(devices)} '
    f'{devices[0].device_kind}; {versions}; {datetime.date.today()}'
  )


def row(name: str, times: list[float]) -> str:
  """A row of the table, with the sum at its end."""
  cells = (f'{t:.1f}' for t in (*times, sum(times)))
  return f'| {name} | {" | ".join(cells)} |'


def arguments() -> argparse.Namespace:
  """Reads the command line."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--images', type=int, default=10_000)
  parser.add_argument('--path', help='a file .npy; no more than --images of it')
  parser.add_argument(
    '--names',
    type=lambda text: text.split(','),
    default=list(corruptions.CORRUPTIONS),
    help='some of the corruptions',
  )
  return parser.parse_args()


def main() -> None:
  """Prints the table."""
  args = arguments()
  if args.path:
    images = np.load(args.path)[: args.images]
  else:
    images = random_images(args.images)
  training.use_a_device_for_each_core(_DIVISIBLE)
  print(circumstances(images), end='\n\n')
  severities = corruptions.SEVERITIES
  print(f'| corruption | {" | ".join(map(str, severities))} | all |')
  print('| --- ' + '| ---: ' * (len(severities) + 1) + '|', flush=True)
  rows = []
  for name in args.names:
    rows.append([seconds(images, name, s) for s in severities])
    print(row(name, rows[-1]), flush=True)
  print(row('all', np.sum(rows, 0).tolist()))


if __name__ == '__main__':
  main()
