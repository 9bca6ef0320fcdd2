"""SqueezeNet, https://arxiv.org/abs/1602.07360, as torchvision has it."""

from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models import resnet
from semisup_jax.types import InputError

# Channels of each fire module's 1x1 convolution, and of the two after it.
_FIRES = MappingProxyType(
  {
    'fire2': (16, 64),
    'fire3': (16, 64),
    'fire4': (32, 128),
    'fire5': (32, 128),
    'fire6': (48, 192),
    'fire7': (48, 192),
    'fire8': (64, 256),
    'fire9': (64, 256),
  }
)
_he_uniform = nn.initializers.variance_scaling(2.0, 'fan_in', 'uniform')


class Version(NamedTuple):
  """What two versions of the network differ by.

  Attributes:
    filters: Of the first convolution.
    kernel: Its side.
    pooled: The stages that follow a max-pooling.
  """

  filters: int
  kernel: int
  pooled: tuple[str, ...]


VERSIONS = MappingProxyType(
  {
    '1.0': Version(96, 7, ('fire2', 'fire5', 'fire9')),
    '1.1': Version(64, 3, ('fire2', 'fire4', 'fire6')),
  }
)


class Fire(nn.Module):
  """A 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side."""

  squeeze: int
  expand: int
  conv: resnet.ModuleFactory

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Maps float [N, H, W, C] to [N, H, W, 2 * expand]."""
    x = nn.relu(self.conv(self.squeeze, (1, 1), name='squeeze')(x))
    small = self.conv(self.expand, (1, 1), name='expand1x1')(x)
    large = self.conv(
      self.expand, (3, 3), padding=resnet.same(3), name='expand3x3'
    )(x)
    return nn.relu(jnp.concatenate([small, large], axis=-1))


class SqueezeNet(nn.Module):
  """Eight fire modules; there is no BatchNorm.

  Attributes:
    version: '1.0', or '1.1', which computes less than half as much.
    num_classes: Outputs of a last 1x1 convolution, after dropout of one half
      (which needs the key `dropout` in training); its maps go through ReLU and
      are averaged. None gives pooled features.
    dtype: Computation type; the output is float32 or wider in any case.
    remat: Whether fire modules are computed again in the backward pass, as
      `resnet.residual_block` says.
    fixed_statistics: Stages whose BatchNorm statistics are fixed, which is all
      of them already.
    classifier_padding: Of its convolution: 0, as in torchvision and in version
      1.1, or 1, as in the authors' own 1.0 for Caffe.
  """

  version: str
  num_classes: int | None
  dtype: Any
  remat: bool
  fixed_statistics: tuple[str, ...] = ()
  classifier_padding: int = 0

  @property
  def stages(self) -> tuple[str, ...]:
    """See `models.stages`."""
    return 'conv1', *_FIRES

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, H, W, C] to pooled features [N, 512] or logits [N, K].

    Args:
      x: Normalized images.
      train: Whether features are dropped before the classifier.

    Returns:
      `(output, features)` with features `conv1`, `fire2` ... `fire9` and
      `pooled`, the average over the pixels of `fire9`.

    Raises:
      InputError: If images are smaller than the first convolution, which has no
        padding.
    """
    version = VERSIONS[self.version]
    if min(x.shape[1:3]) < version.kernel:
      raise InputError(
        f'SqueezeNet {self.version} needs images of at least {version.kernel} '
        f'px, got {x.shape[1]} x {x.shape[2]}'
      )
    wide = jnp.promote_types(self.dtype, jnp.float32)
    conv = partial(
      nn.Conv,
      padding='VALID',
      dtype=self.dtype,
      param_dtype=wide,
      kernel_init=_he_uniform,
    )
    fire = nn.remat(Fire) if self.remat else Fire
    features = {}
    x = x.astype(self.dtype)
    kernel = (version.kernel, version.kernel)
    x = nn.relu(conv(version.filters, kernel, (2, 2), name='conv1')(x))
    features['conv1'] = x
    for name, (squeeze, expand) in _FIRES.items():
      if name in version.pooled:
        x = _max_pool(x)
      x = fire(squeeze, expand, conv=conv, name=name)(x)
      features[name] = x
    features['pooled'] = jnp.mean(x.astype(wide), axis=(1, 2))
    if self.num_classes is None:
      return features['pooled'], features
    x = nn.Dropout(0.5, deterministic=not train)(x)
    x = conv(
      self.num_classes,
      (1, 1),
      padding=self.classifier_padding,
      kernel_init=nn.initializers.normal(0.01),
      name='classifier',
    )(x)
    return jnp.mean(nn.relu(x).astype(wide), axis=(1, 2)), features


def _max_pool(x: jax.Array) -> jax.Array:
  """3x3, stride 2; what is left over at the far side is pooled as well."""
  # Torch's ceil_mode; one window at least, where the image is smaller.
  padding = [(0, max(3 - side, (side - 3) % 2)) for side in x.shape[1:3]]
  return nn.max_pool(x, (3, 3), (2, 2), padding=padding)
