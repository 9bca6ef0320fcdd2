"""The encoder that does nothing: what a learned one has to beat."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


class Pixels(nn.Module):
  """The pixels of a normalized image, as its embedding.

  Attributes:
    dtype: Of the computation; the output is float32 or wider in any case.
  """

  dtype: Any

  @property
  def stages(self) -> tuple[str, ...]:
    """See `models.stages`; there is nothing in it."""
    return ()

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, H, W, C] to `(pixels [N, H * W * C], {})`."""
    del train  # There is nothing to be trained.
    wide = jnp.promote_types(self.dtype, jnp.float32)
    return x.reshape(len(x), -1).astype(wide), {}
