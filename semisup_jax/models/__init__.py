"""Flax Linen modules; `MODELS` are the encoders that a config can name."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models import (
  autoencoder,
  batch_norm,
  convnet,
  heads,
  initial,
  pixels,
  resnet,
  resnet9,
  squeezenet,
  stages,
)
from semisup_jax.types import InputError, lookup, require

Autoencoder = autoencoder.Autoencoder
BatchNorm = batch_norm.BatchNorm
ConvNet = convnet.ConvNet
Decoder = autoencoder.Decoder
Pixels = pixels.Pixels
ResNet = resnet.ResNet
ResNet9 = resnet9.ResNet9
SqueezeNet = squeezenet.SqueezeNet
ProjectionHead = heads.ProjectionHead
ClassificationHead = heads.ClassificationHead
EncoderWithHead = heads.EncoderWithHead
encoder_variables = heads.encoder_variables
linear_head = heads.linear_head
batch_norm_fields = batch_norm.fields
fresh_variables = initial.fresh_variables
head_params = heads.head_params
stage_labels = stages.stage_labels
stages_of = stages.stages_of
with_fixed_statistics = stages.with_fixed_statistics

DTYPES = {
  'float32': jnp.float32,
  'bfloat16': jnp.bfloat16,
  'float64': jnp.float64,
}
_STEMS = {'cifar': 'cifar', 'imagenet': 'imagenet'}


def _dtype(config: Mapping[str, Any]) -> Any:
  dtype = lookup(DTYPES, config['dtype'], 'model.dtype')
  if jax.dtypes.canonicalize_dtype(dtype) != dtype:
    raise InputError(
      f'model.dtype={config["dtype"]} needs the environment variable '
      'JAX_ENABLE_X64=1'
    )
  return dtype


def _remat(config: Mapping[str, Any]) -> bool:
  if not isinstance(config['remat'], bool):
    raise InputError(
      f'model.remat must be True or False, got {config["remat"]!r}'
    )
  return config['remat']


def _shared(config: Mapping[str, Any]) -> dict[str, Any]:
  if config['width'] < 1:
    raise InputError(f'model.width must be at least 1, got {config["width"]}')
  return {
    'width': config['width'],
    'dtype': _dtype(config),
    'remat': _remat(config),
    **batch_norm_fields(config),
  }


def _resnet(
  config: Mapping[str, Any],
  num_classes: int | None,
  stage_sizes: tuple[int, ...],
  block: type[nn.Module] = resnet.ResidualBlock,
) -> nn.Module:
  return ResNet(
    stage_sizes=stage_sizes,
    block=block,
    stem=lookup(_STEMS, config['stem'], 'model.stem'),
    num_classes=num_classes,
    **_shared(config),
  )


def resnet18(
  config: Mapping[str, Any], num_classes: int | None = None
) -> nn.Module:
  """ResNet-18; `config` has the fields of 'resnet18' in `FIELDS`."""
  return _resnet(config, num_classes, (2, 2, 2, 2))


def resnet34(
  config: Mapping[str, Any], num_classes: int | None = None
) -> nn.Module:
  """ResNet-34; `config` has the fields of 'resnet34' in `FIELDS`."""
  return _resnet(config, num_classes, (3, 4, 6, 3))


def resnet50(
  config: Mapping[str, Any], num_classes: int | None = None
) -> nn.Module:
  """ResNet-50; `config` has the fields of 'resnet50' in `FIELDS`."""
  return _resnet(config, num_classes, (3, 4, 6, 3), resnet.Bottleneck)


def squeezenet1_0(
  config: Mapping[str, Any], num_classes: int | None = None
) -> nn.Module:
  """SqueezeNet 1.0; `config` has dtype and remat."""
  return SqueezeNet(
    '1.0', num_classes, dtype=_dtype(config), remat=_remat(config)
  )


def squeezenet1_1(
  config: Mapping[str, Any], num_classes: int | None = None
) -> nn.Module:
  """SqueezeNet 1.1; `config` has dtype and remat."""
  return SqueezeNet(
    '1.1', num_classes, dtype=_dtype(config), remat=_remat(config)
  )


def small_convnet(config: Mapping[str, Any]) -> nn.Module:
  """`ConvNet`; `config` has the fields of 'convnet' in `FIELDS`."""
  strides = tuple(config['strides'])
  if not strides or any(s not in (1, 2) for s in strides):
    raise InputError(
      f'model.strides must be 1 or 2 for each stage, as (1, 2); got {strides}'
    )
  return ConvNet(strides=strides, **_shared(config))


def resnet_9(config: Mapping[str, Any]) -> nn.Module:
  """`ResNet9`; `config` has the fields of 'resnet9' in `FIELDS`."""
  if not 0 <= config['dropout'] < 1:
    raise InputError(
      f'model.dropout must be in [0, 1), got {config["dropout"]}'
    )
  return ResNet9(dropout=config['dropout'], **_shared(config))


def raw_pixels(config: Mapping[str, Any]) -> nn.Module:
  """`Pixels`; `config` has dtype."""
  return Pixels(dtype=_dtype(config))


MODELS = {
  'convnet': small_convnet,
  'pixels': raw_pixels,
  'resnet18': resnet18,
  'resnet34': resnet34,
  'resnet50': resnet50,
  'resnet9': resnet_9,
  'squeezenet1_0': squeezenet1_0,
  'squeezenet1_1': squeezenet1_1,
}
_SHARED_FIELDS = ('width', 'dtype', 'remat', *batch_norm.FIELDS)
FIELDS = {
  'convnet': (*_SHARED_FIELDS, 'strides'),
  'pixels': ('dtype',),
  'resnet18': (*_SHARED_FIELDS, 'stem'),
  'resnet34': (*_SHARED_FIELDS, 'stem'),
  'resnet50': (*_SHARED_FIELDS, 'stem'),
  'resnet9': (*_SHARED_FIELDS, 'dropout'),
  'squeezenet1_0': ('dtype', 'remat'),
  'squeezenet1_1': ('dtype', 'remat'),
}


def make_encoder(config: Mapping[str, Any]) -> nn.Module:
  """Builds the encoder of `config.model`, without a classification layer.

  Args:
    config: The section `model`: `name` and the fields that model takes.

  Raises:
    InputError: If the name, or a field's value, is not one that exists.
  """
  name = config['name']
  build = lookup(MODELS, name, 'model.name')
  require(config, FIELDS[name], f'model.name={name}', 'model')
  return build(config)
