"""What a training step sends between devices, read out of the compiled program.

  python -m benchmarks.collectives
  python -m benchmarks.collectives --methods simclr --batch-size 1024
  python -m benchmarks.collectives --methods simclr --topology v5e:2x2
  python -m benchmarks.collectives --methods simclr --step-seconds 0.014

Compiles one step of each recipe, in its variant `cifar100` (a ResNet-18 on
32x32 images), on 1, 2, 4 and 8 virtual CPU devices, and prints Markdown tables
of the collectives in it. Nothing is run and no data set is read, so it takes
minutes and no accelerator. `--topology` asks the compiler of a TPU instead,
which the extra `tpu` installs and which needs no TPU either. `--step-seconds`,
the time of a step on one device, adds an estimate of larger machines. Exit
status 1 if something is sent that no class explains; it is printed in full.
"""

import argparse
import dataclasses
import importlib
import os
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.experimental import topologies

from benchmarks import hlo
from semisup_jax import augment, methods, models, optim, training
from semisup_jax.types import Method, Task

METHODS = ('simclr', 'barlow_twins', 'byol', 'fixmatch')
DEVICES = (1, 2, 4, 8)
# CIFAR-100, less the tenth that its recipes validate on.
IMAGE_SHAPE, NUM_CLASSES, NUM_IMAGES = (32, 32, 3), 100, 45_000
UNEXPLAINED = 'unexplained'
# What is neither a scalar nor a layer's, by the file it comes from.
SOURCES = {
  'semisup_jax/objectives/': 'embeddings',
  'semisup_jax/augment/mixing.py': 'mixed images',
  'semisup_jax/methods/fixmatch.py': 'counters',
}
# Bytes that a device sends for each byte of the array, over a ring of D.
RING = {
  'all-reduce': lambda d: 2 * (d - 1) / d,
  'all-gather': lambda d: (d - 1) / d,
  'reduce-scatter': lambda d: (d - 1) / d,
  'all-to-all': lambda d: (d - 1) / d,
  'ragged-all-to-all': lambda d: (d - 1) / d,
  'collective-permute': lambda d: 1,
  'collective-broadcast': lambda d: 1,
}


class Link(NamedTuple):
  """What connects devices, as it is assumed to be.

  Attributes:
    name: For a person.
    devices: How many there are.
    bandwidth: That a device sends with, in bytes a second.
    latency: Of a message from one device to the next, in seconds.
  """

  name: str
  devices: int
  bandwidth: float
  latency: float


# About two thirds of what the vendors state, in one direction; nobody measured
# them here.
LINKS = (
  Link('8 GPUs, NVLink 4', 8, 300e9, 3e-6),
  Link('16 TPU v5e, ICI', 16, 100e9, 3e-6),
  Link('64 TPU v5e, ICI', 64, 100e9, 3e-6),
  Link('16 GPUs, 2 machines, 400 Gb/s a GPU', 16, 33e9, 10e-6),
  Link('2 machines, 10 Gb/s', 2, 0.8e9, 50e-6),
)


def what(sent: hlo.Sent) -> str:
  """The class of what is sent; `UNEXPLAINED` if it should not be.

  * scalars: the loss and the metrics, which are means over the batch;
  * BatchNorm: sums over the batch, forward for the mean and the variance,
    backward for the gradients, those of its scale and bias among them;
  * gradients: of all other parameters;
  * embeddings: what an objective needs of those on other devices: themselves,
    their labels, sums over them, or matrices of their products;
  * mixed images: the partners of MixUp, CutMix and the collage;
  * counters: FlexMatch's, one an image of the data set.
  """
  backward = 'transpose(' in sent.op_name
  if not sent.array.shape:
    return 'scalars'
  if re.search(r'/[^/]*norm[^/]*/', sent.op_name, re.IGNORECASE):
    return f'BatchNorm, {"backward" if backward else "forward"}'
  layer = re.search(r'/(flax/linen|semisup_jax/models)/', sent.source)
  if layer:
    return 'gradients' if backward else UNEXPLAINED
  if sent.array.dtype == 'u8':  # Images as they are read.
    return UNEXPLAINED
  names = (name for part, name in SOURCES.items() if part in sent.source)
  return next(names, UNEXPLAINED)


def abstract_step(
  config: Any,
  devices: Sequence[jax.Device],
  image_shape: tuple[int, int, int] = IMAGE_SHAPE,
) -> tuple[jax.stages.Lowered, training.TrainState]:
  """A recipe's step over these devices, and its state, without any array."""
  task = dataclasses.replace(
    _TASK, image_shape=image_shape, transform=partial(_transform, image_shape)
  )
  method = methods.make_method(config, models.make_encoder(config.model), task)
  schedule = optax.constant_schedule(config.optimizer.learning_rate)
  tx = optim.make_optimizer(config.optimizer, schedule)
  batch = _abstract_batch(method, config.batch_size, image_shape)
  state = jax.eval_shape(
    lambda batch: training.create_state(method, tx, jax.random.key(0), batch),
    batch,
  )
  mesh = training.make_mesh(config.batch_size, devices)
  step = training.make_train_step(method, schedule, mesh)
  return step.lower(state, batch), state


def _transform(
  image_shape: tuple[int, int, int], ops: str
) -> augment.Transform:
  table = augment.with_statistics(0.5, 0.25)
  return augment.parse(ops, table, image_shape=image_shape)


_TASK = Task(
  num_classes=NUM_CLASSES,
  num_images=NUM_IMAGES,
  num_unlabelled=NUM_IMAGES,
  image_shape=IMAGE_SHAPE,
  transform=partial(_transform, IMAGE_SHAPE),
  steps=lambda streams: 1000,
)


def _abstract_batch(
  method: Method, batch_size: int, image_shape: tuple[int, int, int]
) -> dict[str, Any]:
  streams = {}
  for name, ratio in method.streams.items():
    n = batch_size * ratio
    number = jax.ShapeDtypeStruct((n,), jnp.int32)
    streams[name] = {
      'image': jax.ShapeDtypeStruct((n, *image_shape), jnp.uint8),
      'index': number,
      **({'label': number} if name == 'labelled' else {}),
    }
  return streams


def table(programs: dict[int, list[hlo.Sent]]) -> str:
  """Rows of class and kind; columns of devices, each `arrays: bytes`."""
  cells = defaultdict(lambda: defaultdict(list))
  for devices, program in programs.items():
    for sent in program:
      cells[what(sent), sent.kind][devices].append(sent)
  lines = [
    ['what', 'collective', *(_count(d, 'device') for d in programs)],
    ['---'] * 2 + ['---:'] * len(programs),
  ]
  for (name, kind), of in sorted(cells.items()):
    lines.append([name, kind, *(_arrays(of[d]) for d in programs)])
  lines.append(
    ['*messages, combined*', '', *(_messages(p) for p in programs.values())]
  )
  lines.append(
    ['*a device sends*', '', *(_by_ring(p, d) for d, p in programs.items())]
  )
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _count(n: int, noun: str) -> str:
  return f'{n} {noun}' if n == 1 else f'{n} {noun}s'


def _arrays(sent: list[hlo.Sent]) -> str:
  if not sent:
    return '0'
  number = sum(one.times for one in sent)
  return f'{number:,}: {sum(one.bytes for one in sent):,} B'


def _messages(program: list[hlo.Sent]) -> str:
  return str(sum({one.message: one.times for one in program}.values()))


def _by_ring(program: list[hlo.Sent], devices: int) -> str:
  sent = sum(one.bytes * RING[one.kind](devices) for one in program)
  return f'{sent / 1e6:,.1f} MB'


def estimate(program: list[hlo.Sent], step_seconds: float) -> str:
  """A table of what a step would take on larger machines; nothing is measured.

  A step's own work is divided by the devices, D. Of each message of B bytes, a
  device sends `RING` x B, in 2 (D - 1) turns round the ring, and works on
  nothing meanwhile.

  Args:
    program: What is sent on several devices, of whatever number.
    step_seconds: Of the whole batch on one device.
  """
  lines = [
    ['assumed', 'devices', 'GB/s', 'us', 'work', 'bytes', 'turns', 'step'],
    ['---'] + ['---:'] * 7,
  ]
  messages = int(_messages(program))
  for link in LINKS:
    d = link.devices
    sent = sum(one.bytes * RING[one.kind](d) for one in program)
    work, moved = step_seconds / d, sent / link.bandwidth
    turns = messages * 2 * (d - 1) * link.latency
    lines.append(
      [
        link.name,
        str(d),
        f'{link.bandwidth / 1e9:g}',
        f'{link.latency * 1e6:g}',
        *(f'{1e3 * t:.2f} ms' for t in (work, moved, turns)),
        f'{1e3 * (work + moved + turns):.2f} ms',
      ]
    )
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _arguments() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks.collectives',
    description='What a training step sends between devices.',
  )
  parser.add_argument('--methods', nargs='+', default=METHODS)
  parser.add_argument('--devices', nargs='+', type=int, default=DEVICES)
  parser.add_argument('--batch-size', type=int, help="the recipe's by default")
  parser.add_argument('--step-seconds', type=float, help='on one device')
  parser.add_argument('--topology', help='of TPUs, as v5e:2x2; default: CPUs')
  return parser.parse_args()


def _devices(arguments: argparse.Namespace) -> list[list[jax.Device]]:
  """The devices of each column."""
  jax.config.update('jax_platforms', 'cpu')  # No accelerator is wanted.
  if arguments.topology:
    # There may be no TPU to ask for its surroundings.
    os.environ.setdefault('TPU_SKIP_MDS_QUERY', '1')
    found = topologies.get_topology_desc(arguments.topology, 'tpu')
    return [list(found.devices)]
  # What is never run need not be fast.
  os.environ.setdefault('XLA_FLAGS', '--xla_backend_optimization_level=0')
  jax.config.update('jax_num_cpu_devices', max(arguments.devices))
  return [jax.devices('cpu')[:d] for d in arguments.devices]


def main() -> int:
  """Prints a table for each method; returns the exit status."""
  arguments = _arguments()
  columns = _devices(arguments)
  unexplained = []
  for name in arguments.methods:
    config = importlib.import_module(f'configs.{name}').get_config('cifar100')
    config.batch_size = arguments.batch_size or config.batch_size
    programs = {}
    for devices in columns:
      lowered, state = abstract_step(config, devices)
      program = hlo.collectives(lowered.compile().as_text())
      programs[len(devices)] = program
      unexplained += [s for s in program if what(s) == UNEXPLAINED]
    size = sum(x.size for x in jax.tree.leaves(state.params))
    print(
      f'\n{name}: batch_size {config.batch_size}, {size:,} parameters '
      f'({4 * size:,} B in float32)\n\n{table(programs)}',
      flush=True,
    )
    if arguments.step_seconds:
      last = programs[max(programs)]
      print(f'\nestimated:\n\n{estimate(last, arguments.step_seconds)}')
  for sent in unexplained:
    print(f'{UNEXPLAINED}: {sent}')
  return 1 if unexplained else 0


if __name__ == '__main__':
  sys.exit(main())
