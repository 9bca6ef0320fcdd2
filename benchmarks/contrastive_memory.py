"""Memory and time of NT-Xent: the whole matrix, block by block, and PyTorch.

  python -m benchmarks.contrastive_memory
  python -m benchmarks.contrastive_memory --batch_sizes=8192 --rounds=5
  python -m benchmarks.contrastive_memory --devices=1

Value and gradient for both views of a batch, float32, dim 128, temperature 0.5.
Every measurement is a process of its own, and the forms take turns, so that
what else the machine does falls on all of them. Prints a Markdown table:

* memory: the most that the process had resident from there on, less what it had
  once everything was imported and the inputs made, so compilation counts; on an
  accelerator the most that was allocated there, less the inputs. The median
  over the rounds;
* time: median, least and most of n calls after a first one, which compiles.

On a CPU the JAX forms have one device a core, as `launch.py` does, and
`--devices=1` one device with many threads; PyTorch has its threads. It needs
Linux, and PyTorch where that is to be measured.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.worker import memory

DIM = 128
TEMPERATURE = 0.5
BATCH_SIZES = (1024, 2048, 4096, 8192, 16384, 32768)
# Copies of the whole matrix that there has to be room for.
COPIES = 4


# What is called, and what reads the most bytes that an accelerator has held.
Calls = tuple[Callable[[], float], Callable[[], int | None]]


def two_views(batch_size: int) -> tuple[np.ndarray, np.ndarray]:
  """Makes projections, each [batch_size, DIM], that agree in part."""
  shape = (2, batch_size, DIM)
  z = np.random.default_rng(0).normal(size=shape).astype(np.float32)
  return z[0], z[0] + z[1]


def with_jax(args: argparse.Namespace) -> Calls:
  """Our objective, compiled for the devices there are."""
  import jax

  from semisup_jax import training
  from semisup_jax.objectives import nt_xent

  if args.devices:
    jax.config.update('jax_num_cpu_devices', args.devices)
  training.use_a_device_for_each_core(args.measure_at)
  mesh = training.make_mesh(args.measure_at)
  block_size = args.block_size if args.measure == 'blocks' else None

  def loss(views):
    return nt_xent(*views, temperature=TEMPERATURE, block_size=block_size)

  def value_and_grad(views):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      return jax.value_and_grad(loss)(views)

  part = training.divided(mesh)
  views = jax.device_put(two_views(args.measure_at), part)
  compiled = jax.jit(
    value_and_grad, out_shardings=(training.replicated(mesh), part)
  )

  def most():
    stats = jax.local_devices()[0].memory_stats()
    return stats and stats['peak_bytes_in_use']

  return lambda: float(jax.block_until_ready(compiled(views))[0]), most


def with_torch(args: argparse.Namespace) -> Calls:
  """The loss as it is mostly written: cross-entropy over the whole matrix."""
  import torch

  on_gpu = torch.cuda.is_available()
  views = [
    torch.tensor(z, device='cuda' if on_gpu else 'cpu', requires_grad=True)
    for z in two_views(args.measure_at)
  ]
  rows = torch.arange(2 * args.measure_at, device=views[0].device)

  def call():
    z = torch.nn.functional.normalize(torch.cat(views))
    logits = (z @ z.T / TEMPERATURE).fill_diagonal_(-math.inf)
    partners = rows.roll(args.measure_at)
    loss = torch.nn.functional.cross_entropy(logits, partners)
    torch.autograd.grad(loss, views)
    return loss.item()

  return call, lambda: torch.cuda.max_memory_allocated() if on_gpu else None


FORMS = {
  'whole': ('whole matrix', with_jax),
  'blocks': ('block by block', with_jax),
  'torch': ('PyTorch', with_torch),
}


def measure(args: argparse.Namespace) -> dict:
  """What the process of one measurement does."""
  call, most_on_device = FORMS[args.measure][1](args)
  before, before_on_device = memory('VmRSS'), most_on_device()
  pathlib.Path('/proc/self/clear_refs').write_text('5')  # Forgets the most.
  loss, seconds = call(), []
  for _ in range(args.repeats):
    start = time.perf_counter()
    call()
    seconds.append(time.perf_counter() - start)
  used = memory('VmHWM') - before
  if before_on_device is not None:
    used = most_on_device() - before_on_device
  return {'loss': loss, 'seconds': seconds, 'bytes': used}


def measured_apart(
  form: str, batch_size: int, args: argparse.Namespace
) -> dict:
  """Calls `measure` in a process of its own."""
  command = [
    *(sys.executable, '-m', 'benchmarks.contrastive_memory'),
    f'--measure={form}',
    f'--measure_at={batch_size}',
    f'--block_size={args.block_size}',
    f'--devices={args.devices}',
    f'--repeats={args.repeats}',
  ]
  done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
  return json.loads(done.stdout)


def why_not(form: str, batch_size: int) -> str | None:
  """Why a form cannot be measured, if so."""
  if form == 'torch' and importlib.util.find_spec('torch') is None:
    return 'PyTorch is not installed'
  needed = COPIES * 4 * (2 * batch_size) ** 2
  available = memory('MemAvailable', '/proc/meminfo')
  if form != 'blocks' and needed > available:
    return f'{needed / 1e9:.0f} GB needed, {available / 1e9:.0f} available'
  return None


def rows_of(batch_size: int, args: argparse.Namespace) -> list[str]:
  """The rows of the table for one batch size."""
  reasons = {form: why_not(form, batch_size) for form in args.forms}
  runs = {form: [] for form, reason in reasons.items() if reason is None}
  for _ in range(args.rounds):
    for form, results in runs.items():
      results.append(measured_apart(form, batch_size, args))
  losses = [result['loss'] for results in runs.values() for result in results]
  if not all(math.isclose(loss, losses[0], rel_tol=1e-5) for loss in losses):
    sys.exit(f'the forms disagree at batch size {batch_size}: {losses}')
  rows = []
  for form, reason in reasons.items():
    cells = [f'not measured: {reason}', '', '', '', '']
    if reason is None:
      cells = numbers(runs[form], runs.get('whole'))
    rows.append(f'| {" | ".join((str(batch_size), FORMS[form][0], *cells))} |')
  return rows


def medians(results: list[dict]) -> tuple[float, float]:
  """Of the bytes, and of the seconds."""
  seconds = [s for result in results for s in result['seconds']]
  used = statistics.median(result['bytes'] for result in results)
  return used, statistics.median(seconds)


def numbers(results: list[dict], whole: list[dict] | None) -> list[str]:
  """The cells of a form: memory, time, n, and both as multiples of `whole`."""
  used, middle = medians(results)
  seconds = [s for result in results for s in result['seconds']]
  time_cell = f'{middle:.3g} ({min(seconds):.3g} to {max(seconds):.3g})'
  cells = [f'{used / 1e6:.0f}', time_cell, str(len(seconds))]
  if whole is None:
    return [*cells, '', '']
  whole_used, whole_middle = medians(whole)
  return [*cells, f'{used / whole_used:.2f}', f'{middle / whole_middle:.2f}']


def circumstances(args: argparse.Namespace) -> str:
  """What the numbers were measured on, and with."""
  cpu = re.search(
    r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text()
  )
  versions = [
    f'{name} {importlib.metadata.version(name)}'
    for name in ('jax', 'torch')
    if importlib.util.find_spec(name)
  ]
  cores = f'{len(os.sched_getaffinity(0))} cores'
  if cpu:
    cores += f' of {cpu[1]}'
  devices = f'{args.devices or "one a core"} (on a CPU)'
  return (
    f'{cores}; {", ".join(versions)}; JAX devices: {devices}; '
    f'block size {args.block_size}; {datetime.date.today()}'
  )


def arguments() -> argparse.Namespace:
  """Reads the command line."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument(
    '--batch_sizes',
    type=lambda text: [int(n) for n in text.split(',')],
    default=BATCH_SIZES,
  )
  parser.add_argument(
    '--forms',
    type=lambda text: text.split(','),
    default=list(FORMS),
    help=f'some of {",".join(FORMS)}',
  )
  parser.add_argument('--block_size', type=int, default=512)
  parser.add_argument('--devices', type=int, default=0, help='0: one a core')
  parser.add_argument('--rounds', type=int, default=3, help='processes a form')
  parser.add_argument('--repeats', type=int, default=3, help='calls a process')
  parser.add_argument('--measure', choices=FORMS, help=argparse.SUPPRESS)
  parser.add_argument('--measure_at', type=int, help=argparse.SUPPRESS)
  return parser.parse_args()


def main() -> None:
  """Prints the table, or measures one form and prints that as JSON."""
  args = arguments()
  if args.measure:
    print(json.dumps(measure(args)))
    return
  print(circumstances(args), end='\n\n')
  print(
    '| batch size | form | memory, MB | time, s | n | memory, to whole '
    '| time, to whole |'
  )
  print('| --- ' * 7 + '|', flush=True)
  for batch_size in args.batch_sizes:
    print('\n'.join(rows_of(batch_size, args)), flush=True)


if __name__ == '__main__':
  main()
