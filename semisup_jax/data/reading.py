"""Batches of stored images, read ahead by threads or by processes, by Grain."""

import functools
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator

import numpy as np
from absl import flags

from semisup_jax.data import stored
from semisup_jax.data.orders import Order
from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError

_STEPS = 2**31 - 1  # More than anyone trains for.
_AHEAD = 2  # Batches that threads have ready.
# Seconds after which a reading process that was asked to end does so, whatever
# the process that it reads for is doing.
_GRACE = 60


class Ahead:
  """The batches from one step on; each is read before it is asked for.

  An element of Grain's `MapDataset` is the whole batch of a step, so that any
  number of processes, which share the steps out, reads the same ones.
  """

  def __init__(
    self,
    images: StoredImages,
    order: Order,
    places: np.ndarray,
    *,
    step: int,
    workers: int,
  ):
    """Begins to read.

    Args:
      images: Of which batches are made.
      order: Says of which images each is.
      places: Which of a batch's images are read, int [M].
      step: The first.
      workers: How many processes; with 0, threads of this one read.
    """
    import grain

    # Grain looks up flags of its own, and fails if nobody has parsed any.
    flags.FLAGS.mark_as_parsed()
    read = functools.partial(
      _read,
      source=images.source,
      locations=images.locations,
      order=order,
      places=places,
      # Processes need no threads, and one thread's batch is read by several.
      each=map if workers else stored.in_threads,
    )
    threads = grain.ReadOptions(num_threads=1, prefetch_buffer_size=_AHEAD)
    none = grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    self._workers = workers
    self._batches = iter(
      grain.MapDataset.range(step, _STEPS)
      .map(read)
      .to_iter_dataset(none if workers else threads)
      .mp_prefetch(
        grain.MultiprocessingOptions(num_workers=workers),
        worker_init_fn=_begin,
      )
    )

  def __iter__(self) -> Iterator[np.ndarray]:
    return self

  def __next__(self) -> np.ndarray:
    """The next batch's images, uint8 [M, H, W, C].

    Raises:
      InputError: If one cannot be read any more, or a process has ended.
    """
    try:
      # Of processes it lies in memory that they share, until it is let go of.
      return np.asarray(next(self._batches))
    except RuntimeError as error:
      raise InputError(
        f'a reading process ended, as where memory is short: {error}; fewer '
        f'than data.workers={self._workers} need less'
      ) from error

  def close(self) -> None:
    """Ends the processes or threads."""
    self._batches.close()


def _read(step, *, source, locations, order, places, each) -> np.ndarray:
  rows = order.rows(step)[places]
  return stored.read(source, locations[rows], each)


def _begin(index: int, count: int) -> None:
  """What a reading process does first."""
  del index, count
  # Ctrl-C, and many a scheduler, signal every process of a run at once; the
  # main one may need another batch before its state is saved.
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_GRACE))
  threading.Thread(target=_end_with_parent, daemon=True).start()
  warnings.simplefilter('ignore')  # The main process has read every image.


def _end_with_parent() -> None:
  """Ends when the main process has, by whatever signal."""
  multiprocessing.parent_process().join()
  os._exit(1)
