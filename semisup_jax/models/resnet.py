"""Residual networks, https://arxiv.org/abs/1512.03385, as torchvision has them.

Images are float [N, H, W, C]; every model returns `(output, features)`, the
features named, so that probes and pictures need no surgery.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models.batch_norm import BatchNorm
from semisup_jax.models.convolution import convolve

ModuleFactory = Callable[..., nn.Module]

# As torchvision initialises: normal, variance 2 / fan_out.
_he_normal = nn.initializers.variance_scaling(2.0, 'fan_out', 'normal')


def layers(
  *,
  train: bool,
  dtype: Any,
  batch_norm_momentum: float,
  batch_norm_groups: int,
) -> tuple[ModuleFactory, ModuleFactory]:
  """Builds the `conv` and `norm` that a network passes down to its blocks.

  Args:
    train: Whether BatchNorm uses (and updates) the batch's statistics.
    dtype: Computation type. Parameters and statistics are float32 or wider.
    batch_norm_momentum: Share of the old running statistics that is kept in an
      update (0.9 is torch's 0.1). The running variance is the biased one.
    batch_norm_groups: Of the batch, each normalized by itself in training; 1 is
      the whole batch (see `BatchNorm`).

  Returns:
    `(conv, norm)`, module factories.
  """
  param_dtype = jnp.promote_types(dtype, jnp.float32)
  conv = partial(
    nn.Conv,
    use_bias=False,
    dtype=dtype,
    param_dtype=param_dtype,
    kernel_init=_he_normal,
    conv_general_dilated=convolve,
  )
  norm = partial(
    BatchNorm,
    use_running_average=not train,
    momentum=batch_norm_momentum,
    groups=batch_norm_groups,
    epsilon=1e-5,
    dtype=dtype,
    param_dtype=param_dtype,
  )
  return conv, norm


def norm_of(
  stage: str, norm: ModuleFactory, fixed_statistics: Collection[str]
) -> ModuleFactory:
  """The `norm` of a stage: in eval mode where its statistics are fixed."""
  if stage in fixed_statistics:
    return partial(norm, use_running_average=True)
  return norm


def same(kernel_size: int) -> Sequence[tuple[int, int]]:
  """Torch's symmetric padding; 'SAME' pads one side only where stride is 2."""
  return [(kernel_size // 2, kernel_size // 2)] * 2


@jax.custom_vjp
def relu(x: jax.Array) -> jax.Array:
  """ReLU of a sum, whose gradient looks at what it gave, not at the sum.

  The next layer keeps that in any case, where what was added would be read, or
  made again, for nothing else. By `where`, since for the usual maximum XLA
  writes its zeros to memory on a CPU where a library sums the result.

  Args:
    x: Float.
  """
  return jnp.where(x <= 0, jnp.zeros_like(x), x)


def _relu_forward(x):
  y = relu(x)
  return y, y


def _relu_backward(y, slopes):
  return (jnp.where(y > 0, slopes, jnp.zeros_like(slopes)),)


relu.defvjp(_relu_forward, _relu_backward)


class ResidualBlock(nn.Module):
  """Two 3x3 convolutions around a shortcut (torchvision's BasicBlock)."""

  filters: int
  conv: ModuleFactory
  norm: ModuleFactory
  strides: int = 1

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Maps float [N, H, W, C] to [N, H / strides, W / strides, filters]."""
    strides = (self.strides, self.strides)
    y = self.conv(self.filters, (3, 3), strides, padding=same(3))(x)
    y = nn.relu(self.norm()(y))
    y = self.conv(self.filters, (3, 3), padding=same(3))(y)
    y = self.norm()(y)
    if x.shape != y.shape:
      x = self.conv(self.filters, (1, 1), strides, name='shortcut_conv')(x)
      x = self.norm(name='shortcut_norm')(x)
    return relu(x + y)


class Bottleneck(nn.Module):
  """1x1, 3x3 and 1x1 convolutions around a shortcut.

  The 3x3 has the stride, as in torchvision ("v1.5"); in the paper the first 1x1
  has it. The output has `EXPANSION` times `filters` channels.
  """

  EXPANSION = 4

  filters: int
  conv: ModuleFactory
  norm: ModuleFactory
  strides: int = 1

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Maps float [N, H, W, C] to [N, H / strides, W / strides, 4 * filters]."""
    strides, filters = (
      (self.strides, self.strides),
      self.EXPANSION * self.filters,
    )
    y = nn.relu(self.norm()(self.conv(self.filters, (1, 1))(x)))
    y = self.conv(self.filters, (3, 3), strides, padding=same(3))(y)
    y = nn.relu(self.norm()(y))
    y = self.norm()(self.conv(filters, (1, 1))(y))
    if x.shape != y.shape:
      x = self.conv(filters, (1, 1), strides, name='shortcut_conv')(x)
      x = self.norm(name='shortcut_norm')(x)
    return relu(x + y)


def residual_block(
  *, remat: bool, block: type[nn.Module] = ResidualBlock
) -> ModuleFactory:
  """A block, its activations kept or computed again.

  Args:
    remat: Whether the backward pass computes a block's activations again from
      its input (Chen et al. 2016, https://arxiv.org/abs/1604.06174) instead of
      keeping them: less memory, one more forward pass. Variables, their names,
      values, and BatchNorm's statistics stay what they are.
    block: `ResidualBlock` or `Bottleneck`.
  """
  return nn.remat(block) if remat else block


class ResNet(nn.Module):
  """A residual network of basic or of bottleneck blocks.

  Attributes:
    stage_sizes: Blocks in each stage; (2, 2, 2, 2) is ResNet-18.
    width: Channels of the first stage's 3x3 convolutions; each later stage
      doubles them.
    stem: 'imagenet' (7x7 stride 2, then max-pooling) or 'cifar' (3x3 stride 1,
      no pooling), the usual choice up to 64 px.
    num_classes: Outputs of a last linear layer; None gives pooled features.
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: See `layers`.
    batch_norm_groups: See `layers`.
    remat: See `residual_block`.
    fixed_statistics: Stages in which BatchNorm is in eval mode in training too:
      it normalizes by its running statistics, and these do not move.
    block: `ResidualBlock` or `Bottleneck`.
  """

  stage_sizes: Sequence[int]
  width: int
  stem: str
  num_classes: int | None
  dtype: Any
  batch_norm_momentum: float
  batch_norm_groups: int
  remat: bool
  fixed_statistics: tuple[str, ...] = ()
  block: type[nn.Module] = ResidualBlock

  @property
  def stages(self) -> tuple[str, ...]:
    """See `models.stages`."""
    return 'stem', *(f'stage{i + 1}' for i in range(len(self.stage_sizes)))

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, H, W, C] to pooled features [N, D] or logits [N, K].

    Args:
      x: Normalized images.
      train: Whether BatchNorm uses the batch's statistics.

    Returns:
      `(output, features)` with features `stem`, `stage1` ... and `pooled`.
    """
    conv, norm = layers(
      train=train,
      dtype=self.dtype,
      batch_norm_momentum=self.batch_norm_momentum,
      batch_norm_groups=self.batch_norm_groups,
    )
    block = residual_block(remat=self.remat, block=self.block)
    fixed = self.fixed_statistics
    features = {}
    x = x.astype(self.dtype)
    if self.stem == 'imagenet':
      x = conv(self.width, (7, 7), (2, 2), padding=same(7), name='stem_conv')(x)
    else:
      x = conv(self.width, (3, 3), padding=same(3), name='stem_conv')(x)
    x = nn.relu(norm_of('stem', norm, fixed)(name='stem_norm')(x))
    features['stem'] = x
    if self.stem == 'imagenet':
      x = nn.max_pool(x, (3, 3), (2, 2), padding=same(3))
    for i, blocks in enumerate(self.stage_sizes):
      for j in range(blocks):
        x = block(
          self.width * 2**i,
          conv=conv,
          norm=norm_of(f'stage{i + 1}', norm, fixed),
          strides=2 if i > 0 and j == 0 else 1,
          name=f'stage{i + 1}_block{j + 1}',
        )(x)
      features[f'stage{i + 1}'] = x
    wide = jnp.promote_types(self.dtype, jnp.float32)
    x = jnp.mean(x.astype(wide), axis=(1, 2))
    features['pooled'] = x
    if self.num_classes is not None:
      x = nn.Dense(self.num_classes, param_dtype=wide, name='classifier')(x)
    return x, features
