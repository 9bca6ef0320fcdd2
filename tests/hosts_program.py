"""What each of the two processes of hosts_test.py does.

  python tests/hosts_program.py HOST:PORT,2,I FOLDER

leaves in FOLDER what this process found, process0.json or process1.json, and
from process 0 the states that were trained, METHOD.npz.
"""

import importlib.util
import json
import pathlib
import sys

import jax
import numpy as np

from semisup_jax import data, training
from semisup_jax.training import hosts
from semisup_jax.types import InputError

# At the toy's own threshold FixMatch keeps no pseudo-label in 20 steps.
METHODS = {
  'barlow_twins': {},
  'byol': {},
  'fixmatch': {'threshold': 0.34},
  'simclr': {},
}
STEPS = 20


def load_toy():
  """The toy problem of tests/methods, which is on no path here."""
  path = pathlib.Path(__file__).parent / 'methods' / 'conftest.py'
  spec = importlib.util.spec_from_file_location('toy', path)
  toy = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(toy)
  return toy


def trained(toy, name):
  """The losses and the last state of a method in float64, by name."""
  method = toy.make(toy.config(name, 'float64', **METHODS[name]))
  losses, state = toy.run(method, STEPS, devices=4)
  return method, state, leaves(losses, state)


def leaves(losses, state):
  """What has to be the same, however many processes there are."""
  kept = {
    'params': state.params,
    'batch_stats': state.batch_stats,
    'ema': state.ema,
    'method_state': state.method_state,
  }
  paths = jax.tree_util.tree_leaves_with_path(kept)
  return {
    'loss': np.array(losses),
    **{jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in paths},
  }


def outcome(function):
  """What a function returns or raises, as JSON keeps it."""
  try:
    return function()
  except (OSError, RuntimeError, InputError) as error:
    return f'{type(error).__name__}: {error}'


def refuse(text):
  raise InputError(text)


def fail(text):
  raise OSError(text)


def agreements():
  """The functions of hosts.py, with what the processes do not agree on."""
  mine = jax.process_index()
  return {
    'any of them': hosts.any_of(mine == 1),
    'none of them': hosts.any_of(False),
    'value': hosts.from_main(lambda: {'from': mine}),
    'refused by the main one': outcome(
      lambda: hosts.from_main(lambda: refuse(f'no folder {mine}'))
    ),
    'failed in the main one': outcome(
      lambda: hosts.from_main(lambda: fail(f'disk {mine} is full'))
    ),
    'each its own': hosts.together(lambda: mine),
    'refused by the other': outcome(
      lambda: hosts.together(lambda: refuse('no data') if mine else None)
    ),
    'refused by both': outcome(
      lambda: hosts.together(lambda: refuse('no seed'))
    ),
    'same': hosts.check_same('abc', 'config'),
    'another': outcome(lambda: hosts.check_same('abcd'[: 3 + mine], 'config')),
  }


def meshes():
  """Devices of each process in the meshes of some batch sizes."""

  def of_each(batch_size):
    devices = training.make_mesh(batch_size).devices
    return [[d.process_index for d in devices].count(i) for i in (0, 1)]

  return {size: outcome(lambda s=size: of_each(s)) for size in (12, 6, 7)}


class InMemory:
  """A source of stored images that needs no file."""

  def __init__(self, images):
    self.image_shape = images.shape[1:]
    self.read = images.__getitem__
    self._count = len(images)

  def __len__(self):
    return self._count


def streams_hold_their_rows(toy):
  """Whether the parts of a batch that lie here are the right rows."""
  mesh = training.make_mesh(8)
  right = []
  stored, _ = data.stored.look_through(InMemory(toy.IMAGES))
  for images in (toy.IMAGES, data.place(toy.IMAGES, mesh), stored):
    stream = data.make_stream(
      images,
      toy.LABELS,
      np.arange(40),
      batch_size=8,
      seed=(0,),
      sharding=training.divided(mesh),
    )
    rows, batch = stream.rows(3), stream.batch(3)
    whole = {
      'image': toy.IMAGES[rows],
      'index': rows,
      'label': toy.LABELS[rows],
    }
    right += [
      np.array_equal(shard.data, whole[name][shard.index])
      and len(shard.data) == 2
      for name, array in batch.items()
      for shard in array.addressable_shards
    ]
    stream.close()
  return len(right), all(right)


def checkpoints_restore(toy, method, state, folder):
  """Whether a state that both processes saved is what they then read."""
  mesh = training.make_mesh(toy.BATCH)
  saved = training.everywhere(state, mesh)
  checkpoints = training.Checkpoints(folder / 'checkpoints', keep=1)
  checkpoints.save(saved)
  checkpoints.close()
  checkpoints = training.Checkpoints(folder / 'checkpoints', keep=1)
  like = training.everywhere(toy.start(method), mesh)
  restored, _ = checkpoints.restore(like)
  checkpoints.close()

  def equal(a, b):
    if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
      a, b = jax.random.key_data(a), jax.random.key_data(b)
    return np.array_equal(a, b)

  pairs = zip(jax.tree.leaves(saved), jax.tree.leaves(restored), strict=True)
  return int(restored.step), all(equal(a, b) for a, b in pairs)


def main(multihost, folder):
  training.join(multihost, {})
  toy = load_toy()
  found = {
    'agreements': agreements(),
    'meshes': meshes(),
    'streams': streams_hold_their_rows(toy),
  }
  for name in METHODS:
    method, state, arrays = trained(toy, name)
    if hosts.is_main():
      np.savez(folder / f'{name}.npz', **arrays)
  found['checkpoints'] = checkpoints_restore(toy, method, state, folder)
  text = json.dumps(found)
  (folder / f'process{jax.process_index()}.json').write_text(text)


if __name__ == '__main__':
  main(sys.argv[1], pathlib.Path(sys.argv[2]))
