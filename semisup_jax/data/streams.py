"""Batches as a pure function of the step: resuming needs no position."""

import functools

import jax
import numpy as np

from semisup_jax.data.orders import Order
from semisup_jax.data.placement import put, put_rows
from semisup_jax.data.reading import Ahead
from semisup_jax.data.stored import StoredImages
from semisup_jax.types import InputError


class Stream:
  """Batches of images, and of their labels where these may be seen.

  The orders of the epochs are concatenated: a batch has one shape, however few
  images there are, and an epoch's remainder is the start of the next batch. So
  the batch in which two epochs meet can hold an image twice. Of several
  processes each has the same order, and places its own rows.

  A subclass has `_batch_of_images`, given the step, its rows on the host, and
  on the devices.
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
  """Batches of images that are read from their files, some steps ahead.

  Steps are asked for in turn: another one than the last or the next begins
  anew. Of several processes each reads its own share of a batch.
  """

  def __init__(self, images: StoredImages, *arguments, workers: int, **named):
    """Makes the stream; nothing is read yet.

    Args:
      images: uint8 [N, H, W, C].
      *arguments: As of `Stream`.
      workers: Processes that read; with 0, threads of this one do.
      **named: As of `Stream`.
    """
    super().__init__(images, *arguments, **named)
    self._workers = workers
    self._ahead = None  # What follows `_step`, whose images are `_share`.
    self._step, self._share = None, None
    shards = self._sharding.addressable_devices_indices_map((self._batch_size,))
    places = np.arange(self._batch_size)
    self._mine = np.unique(np.concatenate([places[i] for i in shards.values()]))

  def _batch_of_images(self, step, rows, index):
    del index
    if step != self._step:  # A training asks for its first batch twice.
      self._share = self._next(step)
      self._step = step
    # Where in the share each of the batch's images is, of those that are.
    places = np.searchsorted(self._mine, np.arange(len(rows)))
    return put_rows(self._share, places, self._sharding)

  def _next(self, step: int) -> np.ndarray:
    if self._ahead is None or step - 1 != self._step:
      self.close()
      self._ahead = Ahead(
        self._images, self._order, self._mine, step=step, workers=self._workers
      )
    return next(self._ahead)

  def close(self) -> None:
    """Ends the processes or threads that read ahead."""
    self._step = self._share = None
    if self._ahead is not None:
      self._ahead.close()
      self._ahead = None


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
