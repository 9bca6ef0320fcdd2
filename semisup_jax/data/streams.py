"""Batches as a pure function of the step: resuming needs no position."""

from functools import partial

import jax
import numpy as np

from semisup_jax.data.placement import put, put_rows
from semisup_jax.types import InputError


@partial(jax.jit, static_argnames='sharding')
def _gather(images, index, sharding):
  return jax.lax.with_sharding_constraint(images[index], sharding)


class ResidentStream:
  """Batches of a data set that fits in memory.

  On accelerators the uint8 images lie on every device of the mesh and a jitted
  gather picks a step's rows there; on CPU they stay one host array (a copy a
  virtual device would buy nothing) and only the batch is placed. Of several
  processes each has all images and the same order, and places its own rows.

  The orders of the epochs are concatenated: a batch has one shape, however few
  images there are, and an epoch's remainder is the start of the next batch. So
  the batch in which two epochs meet can hold an image twice.
  Each epoch's order is a permutation keyed by (seed, epoch).

  Anything with this `batch` method is a stream.
  """

  def __init__(
    self,
    images: np.ndarray | jax.Array,
    labels: np.ndarray | None,
    rows: np.ndarray,
    *,
    batch_size: int,
    seed: tuple[int, ...],
    sharding: jax.sharding.NamedSharding,
  ):
    """Makes the stream; nothing is drawn yet.

    Args:
      images: uint8 [N, H, W, C]; a `jax.Array` (see `place`) is gathered from
        on the devices, a NumPy one on the host.
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
    self._rows = np.asarray(rows, np.int32)
    self._batch_size = batch_size
    self._seed = seed
    self._sharding = sharding
    self._orders = {}

  def __len__(self) -> int:
    return len(self._rows)

  def rows(self, step: int) -> np.ndarray:
    """The rows of the batch of `step`, int32 [batch_size]."""
    start = step * self._batch_size
    positions = np.arange(start, start + self._batch_size)
    epochs, places = np.divmod(positions, len(self._rows))
    out = np.empty(self._batch_size, np.int32)
    for epoch in np.unique(epochs):
      mine = epochs == epoch
      out[mine] = self._rows[self._order(int(epoch))[places[mine]]]
    return out

  def batch(self, step: int) -> dict[str, jax.Array]:
    """The batch of `step`.

    Returns:
      `image` uint8 [B, H, W, C], `index` int32 [B], and `label` int32 [B] where
      the stream has labels.
    """
    rows = self.rows(step)
    batch = {'index': put(rows, self._sharding)}
    if isinstance(self._images, jax.Array):
      batch['image'] = _gather(self._images, batch['index'], self._sharding)
    else:
      batch['image'] = put_rows(self._images, rows, self._sharding)
    if self._labels is not None:
      batch['label'] = put_rows(self._labels, rows, self._sharding)
    return batch

  def _order(self, epoch: int) -> np.ndarray:
    if epoch not in self._orders:
      if len(self._orders) > 1000:  # A batch can span many small epochs.
        self._orders.clear()
      random = np.random.default_rng((*self._seed, epoch))
      self._orders[epoch] = random.permutation(len(self._rows))
    return self._orders[epoch]
