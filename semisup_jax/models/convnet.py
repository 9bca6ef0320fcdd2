"""A small residual network for images of 8 to 32 px: seconds, not hours."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models import resnet


class ConvNet(nn.Module):
  """A 3x3 stem and one residual block a stage.

  Attributes:
    width: Channels of the stem and the first stage; each later stage doubles.
    strides: Stride of each stage's first convolution, so also the number of
      stages. (1, 1) keeps 8 px as they are; (2, 2) suits 28 to 32 px.
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: See `resnet.layers`.
    batch_norm_groups: See `resnet.layers`.
    remat: See `resnet.residual_block`.
    fixed_statistics: See `resnet.ResNet`.
  """

  width: int
  strides: Sequence[int]
  dtype: Any
  batch_norm_momentum: float
  batch_norm_groups: int
  remat: bool
  fixed_statistics: tuple[str, ...] = ()

  @property
  def stages(self) -> tuple[str, ...]:
    """See `models.stages`."""
    return 'stem', *(f'stage{i + 1}' for i in range(len(self.strides)))

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, H, W, C] to `(pooled [N, D], features)`.

    Args:
      x: Normalized images.
      train: Whether BatchNorm uses the batch's statistics.

    Returns:
      The average over the last stage's pixels, D = width * 2**(stages - 1), and
      the features `stem`, `stage1` ... and `pooled`.
    """
    conv, norm = resnet.layers(
      train=train,
      dtype=self.dtype,
      batch_norm_momentum=self.batch_norm_momentum,
      batch_norm_groups=self.batch_norm_groups,
    )
    block = resnet.residual_block(remat=self.remat)
    fixed = self.fixed_statistics
    features = {}
    x = x.astype(self.dtype)
    x = conv(self.width, (3, 3), padding=resnet.same(3), name='stem_conv')(x)
    x = resnet.norm_of('stem', norm, fixed)(name='stem_norm')(x)
    x = nn.relu(x)
    features['stem'] = x
    for i, stride in enumerate(self.strides):
      x = block(
        self.width * 2**i,
        conv=conv,
        norm=resnet.norm_of(f'stage{i + 1}', norm, fixed),
        strides=stride,
        name=f'stage{i + 1}',
      )(x)
      features[f'stage{i + 1}'] = x
    x = x.astype(jnp.promote_types(self.dtype, jnp.float32))
    x = jnp.mean(x, axis=(1, 2))
    features['pooled'] = x
    return x, features
