"""An encoder and a convolutional decoder: images through a narrow place."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models import resnet

# The decoder starts from a map of at most so many pixels a side.
SMALLEST = 4


class Decoder(nn.Module):
  """Embeddings to images: a linear map, then doubled and convolved in turn.

  Nearest neighbours and a convolution instead of a transposed one, whose
  overlaps leave a checkerboard (Odena et al. 2016,
  https://doi.org/10.23915/distill.00003).

  Attributes:
    width: Channels at full resolution; each halving of it doubles them, to at
      most four times as many.
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: See `resnet.layers`.
    batch_norm_groups: See `resnet.layers`.
  """

  width: int
  dtype: Any
  batch_norm_momentum: float
  batch_norm_groups: int

  @nn.compact
  def __call__(
    self, x: jax.Array, *, image_shape: tuple[int, int, int], train: bool
  ) -> jax.Array:
    """Maps float [N, D] to pixels in (0, 1), float [N, *image_shape]."""
    conv, norm = resnet.layers(
      train=train,
      dtype=self.dtype,
      batch_norm_momentum=self.batch_norm_momentum,
      batch_norm_groups=self.batch_norm_groups,
    )
    height, width, channels = image_shape
    doublings = 0
    while max(height, width) > SMALLEST * 2**doublings:
      doublings += 1
    widths = [self.width * min(2**i, 4) for i in range(doublings + 1)][::-1]
    # Rounded up, and what is too much is cut off at the end.
    start = [-(-side // 2**doublings) for side in (height, width)]
    wide = jnp.promote_types(self.dtype, jnp.float32)
    x = nn.Dense(
      start[0] * start[1] * widths[0], dtype=self.dtype, param_dtype=wide
    )(x)
    x = nn.relu(norm()(x.reshape(-1, *start, widths[0])))
    for channels_here in widths[1:]:
      x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
      x = conv(channels_here, (3, 3), padding=resnet.same(3))(x)
      x = nn.relu(norm()(x))
    x = conv(channels, (3, 3), padding=resnet.same(3), use_bias=True)(x)
    return nn.sigmoid(x[:, :height, :width].astype(wide))


class Autoencoder(nn.Module):
  """An encoder and a decoder, their variables side by side.

  `variables['params']` has the keys `encoder` and `decoder`.
  """

  encoder: nn.Module
  decoder: Decoder

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps normalized images to `(embeddings [N, D], features)`.

    Among the features are `embedding` and `reconstruction`, the image's pixels,
    float [N, H, W, C] in (0, 1).
    """
    embedding, features = self.encoder(x, train=train)
    pixels = self.decoder(embedding, image_shape=x.shape[1:], train=train)
    features = {**features, 'embedding': embedding, 'reconstruction': pixels}
    return embedding, features
