"""Which images a batch is made of: a pure function of the step."""

import numpy as np

# Positions of epochs' orders that are kept, so that none is drawn every step.
_KEPT = 10**6


class Order:
  """Epochs of rows in random orders, one after the other, cut into batches.

  Each epoch's order is a permutation keyed by (seed, epoch).
  """

  def __init__(
    self, rows: np.ndarray, *, batch_size: int, seed: tuple[int, ...]
  ):
    """Draws nothing yet.

    Args:
      rows: What is ordered, int [M], M at least 1.
      batch_size: May exceed M.
      seed: Non-negative integers.
    """
    self._rows = np.asarray(rows, np.int32)
    self._batch_size = batch_size
    self._seed = seed
    self._epochs = {}

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
      out[mine] = self._rows[self._epoch(int(epoch))[places[mine]]]
    return out

  def _epoch(self, epoch: int) -> np.ndarray:
    if epoch not in self._epochs:
      # A batch can span many small epochs, and two large ones.
      if len(self._epochs) >= max(2, _KEPT // len(self._rows)):
        self._epochs.clear()
      random = np.random.default_rng((*self._seed, epoch))
      self._epochs[epoch] = random.permutation(len(self._rows))
    return self._epochs[epoch]
