"""How pixels become a network's input, as it should be or as it should not."""

from typing import NamedTuple

import jax
import numpy as np


class Scale(NamedTuple):
  """Maps pixels in [0, 1] to `(x - mean) / std`.

  Attributes:
    mean: Of each channel, float [C] or [1].
    std: Likewise, > 0.
  """

  mean: np.ndarray
  std: np.ndarray

  def __call__(self, images: jax.Array, dtype: jax.typing.DTypeLike):
    """Maps uint8 [N, H, W, C] to `dtype` of that shape."""
    return (images.astype(dtype) / 255 - self.mean) / self.std


# As they are read, 0 to 255: what a forgotten normalization feeds.
UNNORMALISED = Scale(np.zeros(1), np.full(1, 1 / 255))
