"""States on disk, through Orbax: atomic step directories, the newest kept.

A checkpoint is a step directory with two items: `state`, arrays as Orbax and
TensorStore write them, and `digest`, a JSON object with a hash of these arrays.
Neither is ever executed: there is no pickle in it.
"""

import contextlib
import gc
import hashlib
import io
import logging
import pathlib
import shutil
import sys
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from semisup_jax.training import hosts
from semisup_jax.training.state import TrainState
from semisup_jax.types import InputError

FIELDS = (
  'step',
  'params',
  'opt_state',
  'batch_stats',
  'key',
  'ema',
  'method_state',
  'selection',
)
# What reading a damaged directory was seen to raise: JSON that ends early is a
# ValueError, a file that is missing an OSError, TensorStore's are ValueErrors.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError)


class StorageError(RuntimeError):
  """A checkpoint cannot be written; what was written before is still good."""


class Restored(NamedTuple):
  """What was read.

  Attributes:
    state: The newest state that is whole.
    damaged: By step, why newer checkpoints could not be used. They are gone.
  """

  state: TrainState
  damaged: dict[int, str]


class Checkpoints:
  """The checkpoints of one run.

  A save goes on in the background; a directory appears under its final name
  only when it is whole. Of several processes each writes a part, so that all
  have to save, restore and close, into a folder that all of them see.
  """

  def __init__(self, directory: pathlib.Path, *, keep: int):
    """Opens the directory, made at the first save; `keep` newest stay."""
    self._directory = directory
    self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
    self._manager = ocp.CheckpointManager(
      directory.absolute(),
      item_handlers={
        'state': ocp.StandardCheckpointHandler(),
        'digest': ocp.JsonCheckpointHandler(),
      },
      options=ocp.CheckpointManagerOptions(
        max_to_keep=keep, create=True, enable_async_checkpointing=True
      ),
    )

  def latest_step(self) -> int | None:
    """The step of the newest checkpoint, or None, as the main process sees it.

    A file system may show the others an older state; all have to ask.
    """
    return hosts.from_main(self._manager.latest_step)

  def save(self, state: TrainState) -> None:
    """Saves a state under its step, unless that is there already.

    Raises:
      StorageError: If this or the last save failed: a full disk, mostly.
    """
    step = int(state.step)
    if step == self.latest_step():
      return
    arrays = _arrays(state)
    with self._storing():
      self._manager.save(
        step,
        args=ocp.args.Composite(
          state=ocp.args.StandardSave(arrays),
          digest=ocp.args.JsonSave({'blake2b': digest(arrays)}),
        ),
      )

  def restore(self, like: TrainState) -> Restored:
    """Reads the newest checkpoint that is whole, and removes newer ones.

    Args:
      like: A state of the same structure, placed as the result shall be.

    Raises:
      InputError: If there is none, or if it is of another structure.
    """
    damaged = {}
    steps = hosts.from_main(lambda: list(map(int, self._manager.all_steps())))
    for step in sorted(steps, reverse=True):
      why = None
      try:
        with _quietly():
          arrays = self._read(step, like)
      except _UNREADABLE as error:
        why = _in_one_line(error)
      if hosts.any_of(why is not None):
        damaged[step] = why or 'another process cannot read it'
        continue
      for bad in damaged:
        self._manager.delete(bad)
      return Restored(like.replace(**arrays), damaged)
    reasons = '; '.join(f'step {s}: {why}' for s, why in damaged.items())
    raise InputError(
      f'no checkpoint in {self._directory} can be used ({reasons}); remove '
      'that folder to train from the beginning'
    )

  def close(self) -> None:
    """Waits until what is being saved is saved.

    Raises:
      StorageError: If it could not be.
    """
    try:
      with self._storing():
        self._manager.wait_until_finished()
    finally:
      with contextlib.suppress(*_UNREADABLE):  # It was said above.
        self._manager.close()
      sys.unraisablehook = self._hook

  def _unraisable(self, unraisable: Any) -> None:
    """Leaves out what the rest of a read or a save that has failed says."""
    if str(unraisable.exc_value) != 'Event loop is closed':
      self._hook(unraisable)

  def _read(self, step: int, like: TrainState) -> dict[str, Any]:
    metadata = self._manager.item_metadata(step)['state']
    if metadata is None:
      raise ValueError('it does not say what it holds')
    there = _leaves(metadata.tree)
    here = _leaves(_arrays(like))
    for name in sorted(there.keys() | here.keys()):
      if there.get(name) != here.get(name):
        raise ValueError(
          f'{name} is {there.get(name, "absent")} there, '
          f'{here.get(name, "absent")} here'
        )
    abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, _arrays(like))
    found = self._manager.restore(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardRestore(abstract),
        digest=ocp.args.JsonRestore(),
      ),
    )
    arrays = found['state']
    if digest(arrays) != found['digest'].get('blake2b'):
      raise ValueError('its arrays are not those that were saved')
    return arrays

  @contextlib.contextmanager
  def _storing(self):
    """Words what a failed save raises, here or in Orbax's own thread."""
    try:
      yield
    except (OSError, ValueError, RuntimeError) as error:
      # What a save that failed leaves would fill the disk for the next one.
      if hosts.is_main():
        for path in self._directory.glob('*.orbax-checkpoint-tmp*'):
          shutil.rmtree(path, ignore_errors=True)
      kept = self._manager.all_steps(read=True)
      good = (
        f'the last good one is that of step {max(kept)}'
        if kept
        else 'there is no other'
      )
      raise StorageError(
        f'a checkpoint in {self._directory} cannot be saved '
        f'({_in_one_line(error)}); {good}, and once there is room the same '
        'command goes on from it'
      ) from error


def digest(arrays: Any) -> str:
  """A hash of a tree of arrays: of every leaf's path, type, shape and bytes."""
  total = hashlib.blake2b(digest_size=16)
  for path, leaf in jax.tree_util.tree_leaves_with_path(arrays):
    leaf = np.ascontiguousarray(jax.device_get(_data(leaf)))
    name = jax.tree_util.keystr(path)
    total.update(f'{name} {leaf.dtype} {leaf.shape}\n'.encode())
    total.update(leaf.reshape(-1).view(np.uint8))
  return total.hexdigest()


def _data(leaf: Any) -> Any:
  """What of a leaf is stored: a typed key as the numbers it is made of."""
  if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
    return leaf
  return jax.random.key_data(leaf)


def _leaves(tree: Any) -> dict[str, str]:
  """Type and shape of every leaf, by name, in words."""
  leaves = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
    leaf = _data(leaf)
    name = jax.tree_util.keystr(path, simple=True, separator='.')
    leaves[name] = f'{leaf.dtype} {list(leaf.shape)}'
  return leaves


def _arrays(state: TrainState) -> dict[str, Any]:
  """The parts of a state that are data; the optimizer is code."""
  return {name: getattr(state, name) for name in FIELDS}


def _in_one_line(error: BaseException) -> str:
  """What an error of Orbax or TensorStore says, without its many lines."""
  text = ' '.join(str(error).split()) or type(error).__name__
  if 'No space left on device' in text:
    return 'No space left on device'
  return text if len(text) <= 200 else f'{text[:200]}...'


@contextlib.contextmanager
def _quietly():
  """Keeps what Orbax's threads print off the screen if a read fails.

  The error itself is raised, and worded by who catches it.
  """
  hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
  try:
    with contextlib.redirect_stderr(io.StringIO()):
      yield
  except Exception:
    gc.collect()  # Coroutines that were left complain when they are freed.
    raise
  finally:
    sys.unraisablehook = hook


def _not_of_orbax(record: logging.LogRecord) -> bool:
  """Orbax tells of every save, and logs what it raises as well."""
  return 'orbax' not in record.pathname


logging.getLogger('absl').addFilter(_not_of_orbax)
