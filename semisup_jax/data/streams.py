"""Batches as a pure function of the step: resuming needs no position."""

import functools
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator

import jax
import numpy as np
from absl import flags

from semisup_jax.data import stored
from semisup_jax.data.orders import Order
from semisup_jax.data.placement import put, put_rows
from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError

_STEPS = 2**31 - 1  # More than anyone trains for.
# Batches that threads of this process read ahead.
_AHEAD = 2
# A reading process that was asked to end, and then not told to by the one that
# it reads for, ends after so many seconds.
_GRACE = 60


class Stream:
  """Batches of images, and of their labels where these may be seen.

  The orders of the epochs are concatenated: a batch has one shape, however few
  images there are, and an epoch's remainder is the start of the next batch. So
  the batch in which two epochs meet can hold an image twice. Of several
  processes each has the same order, and places its own rows.
  """

  def __init__(
    self,
    images: np.ndarray | jax.Array | StoredImages,
    labels: np.ndarray | None,
    rows: np.ndarray,
    *,
    batch_size: int,
    seed: tuple[int, ...],
    sharding: jax.sharding.NamedSharding,
  ):
    """Makes the stream; nothing is drawn or read yet.

    Args:
      images: uint8 [N, H, W, C].
      labels: int [N], or None: then the batch has no labels to be seen.
      rows: The rows of `images` to draw from, int [M].
      batch_size: Global; may exceed M.
      seed: Non-negative integers.
      sharding: Of the batch axis.

    Raises:
      InputError: If there are no rows.
    """
    if not len(rows):
      raise InputError('a stream needs at least one image, got none')
    self._images = images
    self._labels = None if labels is None else np.asarray(labels, np.int32)
    self._order = Order(rows, batch_size=batch_size, seed=seed)
    self._batch_size = batch_size
    self._sharding = sharding

  def __len__(self) -> int:
    return len(self._order)

  def rows(self, step: int) -> np.ndarray:
    """The rows of the batch of `step`, int32 [batch_size]."""
    return self._order.rows(step)

  def batch(self, step: int) -> dict[str, jax.Array]:
    """The batch of `step`.

    Returns:
      `image` uint8 [B, H, W, C], `index` int32 [B], and `label` int32 [B] where
      the stream has labels.
    """
    rows = self.rows(step)
    batch = {'index': put(rows, self._sharding)}
    batch['image'] = self._batch_of_images(step, rows, batch['index'])
    if self._labels is not None:
      batch['label'] = put_rows(self._labels, rows, self._sharding)
    return batch

  def close(self) -> None:
    """Stops reading ahead, where that is done."""


@functools.partial(jax.jit, static_argnames='sharding')
def _gather(images, index, sharding):
  return jax.lax.with_sharding_constraint(images[index], sharding)


class ResidentStream(Stream):
  """Batches of images that fit in memory.

  On accelerators the uint8 images lie on every device of the mesh (see `place`)
  and a jitted gather picks a step's rows there; on CPU they stay one host array
  (a copy a virtual device would buy nothing) and only the batch is placed.
  """

  def _batch_of_images(self, step, rows, index):
    del step
    if isinstance(self._images, jax.Array):
      return _gather(self._images, index, self._sharding)
    return put_rows(self._images, rows, self._sharding)


class StoredStream(Stream):
  """Batches of images that are read as they are needed, some steps ahead.

  An element of Grain's `MapDataset` is the batch of a step, so any number of
  processes reads the same one. Steps are asked for in turn: another one than
  the last or the next begins anew there.
  """

  def __init__(self, images: StoredImages, *arguments, workers: int, **named):
    """Makes the stream; see `Stream`.

    Args:
      images: uint8 [N, H, W, C].
      *arguments: As of `Stream`.
      workers: Processes that read; with 0, threads of this one do.
      **named: As of `Stream`.
    """
    super().__init__(images, *arguments, **named)
    self._workers = workers
    self._ahead = None  # An iterator over what follows `_step`.
    self._step, self._pixels = None, None
    shards = self._sharding.addressable_devices_indices_map((self._batch_size,))
    places = np.arange(self._batch_size)
    self._mine = np.unique(np.concatenate([places[i] for i in shards.values()]))

  def _batch_of_images(self, step, rows, index):
    del rows, index
    if step != self._step:  # A loop sees its first batch twice.
      self._pixels = self._next(step)
      self._step = step
    places = np.searchsorted(self._mine, np.arange(self._batch_size))
    return put_rows(self._pixels, places, self._sharding)

  def _next(self, step: int) -> np.ndarray:
    if self._ahead is None or step - 1 != self._step:
      self.close()
      self._ahead = self._from(step)
    try:
      # Grain's arrays are in memory that is shared, until they are let go of.
      return np.asarray(next(self._ahead))
    except RuntimeError as error:
      raise InputError(
        f'a reading process ended, as where memory is short: {error}; fewer '
        f'than data.workers={self._workers} need less'
      ) from error

  def _from(self, step: int) -> Iterator[np.ndarray]:
    import grain

    # Grain looks up flags of its own, and fails if nobody has parsed any.
    flags.FLAGS.mark_as_parsed()
    read = functools.partial(
      _read,
      source=self._images.source,
      locations=self._images.locations,
      order=self._order,
      mine=self._mine,
      # Of several processes each needs no threads.
      each=map if self._workers else stored.in_threads,
    )
    ahead = 0 if self._workers else _AHEAD
    batches = grain.MapDataset.range(step, _STEPS).map(read)
    return iter(
      batches.to_iter_dataset(
        grain.ReadOptions(min(ahead, 1), ahead)
      ).mp_prefetch(
        grain.MultiprocessingOptions(self._workers), worker_init_fn=_begin
      )
    )

  def close(self) -> None:
    """Ends the processes or threads that read ahead."""
    self._step = self._pixels = None
    if self._ahead is not None:
      self._ahead.close()
      self._ahead = None


def _read(step, *, source, order, locations, mine, each) -> np.ndarray:
  """This process's images of the batch of a step."""
  return stored.read(source, locations[order.rows(step)[mine]], each)


def _begin(index: int, count: int) -> None:
  """What a reading process does first: whom it reads for says when it ends."""
  del index, count
  # Ctrl-C, and many a scheduler, signal every process of a run at once; the
  # main one may need another batch until its state is saved.
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_GRACE))
  threading.Thread(target=_end_with_parent, daemon=True).start()
  warnings.simplefilter('ignore')  # The main process has read every image.


def _end_with_parent() -> None:
  multiprocessing.parent_process().join()
  os._exit(1)


def make_stream(
  images: np.ndarray | jax.Array | StoredImages,
  *arguments,
  workers: int = 0,
  **named,
) -> Stream:
  """The stream for images that are in memory, or for stored ones.

  Args:
    images: uint8 [N, H, W, C].
    *arguments: As of `Stream`.
    workers: Of `StoredStream`; those in memory need none.
    **named: As of `Stream`.
  """
  if isinstance(images, StoredImages):
    return StoredStream(images, *arguments, workers=workers, **named)
  return ResidentStream(images, *arguments, **named)
