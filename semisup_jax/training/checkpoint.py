"""States on disk, through Orbax: atomic step directories, the newest kept."""

import logging
import pathlib
from typing import Any

import jax
import orbax.checkpoint as ocp

from semisup_jax.training import hosts
from semisup_jax.training.state import TrainState

# Orbax tells of every save; a warning is still heard.
logging.getLogger('absl').setLevel(logging.WARNING)


class Checkpoints:
  """The checkpoints of one run.

  A save goes on in the background; a directory appears under its final name
  only when it is whole. Of several processes each writes a part, so that all
  have to save, restore and close, into a folder that all of them see.
  """

  def __init__(self, directory: pathlib.Path, *, keep: int):
    """Opens the directory, made at the first save; `keep` newest stay."""
    self._manager = ocp.CheckpointManager(
      directory.absolute(),
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
    """Saves a state under its step, unless that is there already."""
    step = int(state.step)
    if step != self._manager.latest_step():
      self._manager.save(step, args=ocp.args.StandardSave(_arrays(state)))

  def restore(self, like: TrainState) -> TrainState:
    """Reads the newest checkpoint.

    Args:
      like: A state of the same structure, placed as the result shall be.
    """
    abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, _arrays(like))
    arrays = self._manager.restore(
      self.latest_step(), args=ocp.args.StandardRestore(abstract)
    )
    return like.replace(**arrays)

  def close(self) -> None:
    """Waits until what is being saved is saved."""
    self._manager.wait_until_finished()
    self._manager.close()


def _arrays(state: TrainState) -> dict[str, Any]:
  """The parts of a state that are data; the optimizer is code."""
  return {
    name: getattr(state, name)
    for name in (
      'step',
      'params',
      'opt_state',
      'batch_stats',
      'key',
      'ema',
      'method_state',
      'selection',
    )
  }
