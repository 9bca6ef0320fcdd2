"""ResNet-9, a short residual network with dropout, for images of 32 to 96 px.

Page 2018, "How to train your ResNet", and the courses that took it over:
https://myrtle.ai/learn/how-to-train-your-resnet/
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models import resnet


class Stage(nn.Module):
  """A 3x3 convolution, perhaps halving the image, perhaps with a residual.

  BatchNorm and ReLU follow each convolution; the residual is two of these, and
  is added after the second's ReLU.
  """

  filters: int
  conv: resnet.ModuleFactory
  norm: resnet.ModuleFactory
  pool: bool
  residual: bool

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Maps float [N, H, W, C] to [N, H or H // 2, W or W // 2, filters]."""
    x = self._block(x)
    if self.pool:
      x = nn.max_pool(x, (2, 2), (2, 2))
    return x + self._block(self._block(x)) if self.residual else x

  def _block(self, x):
    x = self.conv(self.filters, (3, 3), padding=resnet.same(3))(x)
    return nn.relu(self.norm()(x))


class ResNet9(nn.Module):
  """Four stages, of which the second and the last have a residual.

  Attributes:
    width: Channels of the first stage; each later one doubles them. 64 is the
      published network, of 6.6 million parameters.
    dropout: Share of the pooled features that is dropped in training, in [0,
      1).
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: See `resnet.layers`.
    batch_norm_groups: See `resnet.layers`.
    remat: Whether stages are computed again in the backward pass, as
      `resnet.residual_block` says.
    fixed_statistics: See `resnet.ResNet`.
  """

  width: int
  dropout: float
  dtype: Any
  batch_norm_momentum: float
  batch_norm_groups: int
  remat: bool
  fixed_statistics: tuple[str, ...] = ()

  @property
  def stages(self) -> tuple[str, ...]:
    """See `models.stages`."""
    return 'stage1', 'stage2', 'stage3', 'stage4'

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, H, W, C], H and W at least 8, to `(pooled, features)`.

    Args:
      x: Normalized images.
      train: Whether BatchNorm uses the batch's statistics, and features are
        dropped, which needs the key `dropout`.

    Returns:
      The maximum over the last stage's pixels, [N, 8 * width], and the features
      `stage1` ... and `pooled`, before dropout.
    """
    conv, norm = resnet.layers(
      train=train,
      dtype=self.dtype,
      batch_norm_momentum=self.batch_norm_momentum,
      batch_norm_groups=self.batch_norm_groups,
    )
    stage = nn.remat(Stage) if self.remat else Stage
    features = {}
    x = x.astype(self.dtype)
    for i, residual in enumerate((False, True, False, True)):
      name = f'stage{i + 1}'
      x = stage(
        self.width * 2**i,
        conv=conv,
        norm=resnet.norm_of(name, norm, self.fixed_statistics),
        pool=i > 0,
        residual=residual,
        name=name,
      )(x)
      features[name] = x
    # The published 4x4 pooling of 4x4 pixels, of any size.
    x = jnp.max(x, axis=(1, 2)).astype(
      jnp.promote_types(self.dtype, jnp.float32)
    )
    features['pooled'] = x
    return nn.Dropout(self.dropout, deterministic=not train)(x), features
