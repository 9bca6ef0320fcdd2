"""What torchvision calls the parameters of our networks, and how they lie."""

import re
from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from flax import linen as nn

from semisup_jax import models
from semisup_jax.types import InputError

# ('params', 'stage1_block1', 'Conv_0', 'kernel'): of a variable.
Path = tuple[str, ...]

_LEAVES = MappingProxyType(
  {
    ('params', 'kernel'): 'weight',
    ('params', 'scale'): 'weight',
    ('params', 'bias'): 'bias',
    ('batch_stats', 'mean'): 'running_mean',
    ('batch_stats', 'var'): 'running_var',
  }
)
_IN_BLOCK = MappingProxyType(
  {
    'shortcut_conv': 'downsample.0',
    'shortcut_norm': 'downsample.1',
    **{f'Conv_{i}': f'conv{i + 1}' for i in range(3)},
    **{f'BatchNorm_{i}': f'bn{i + 1}' for i in range(3)},
  }
)
_RESNET = MappingProxyType(
  {'stem_conv': 'conv1', 'stem_norm': 'bn1', 'classifier': 'fc'}
)
# Of each version, the places of its fire modules in `features`.
_FIRES = MappingProxyType(
  {'1.0': (3, 4, 5, 7, 8, 9, 10, 12), '1.1': (3, 4, 6, 7, 9, 10, 11, 12)}
)


def _resnet(model: models.ResNet, name: str, inner: Path) -> str:
  del model  # All are named alike.
  if name in _RESNET:
    return _RESNET[name]
  stage, block = re.fullmatch(r'stage(\d+)_block(\d+)', name).groups()
  return f'layer{stage}.{int(block) - 1}.{_IN_BLOCK[inner[0]]}'


def _squeezenet(model: models.SqueezeNet, name: str, inner: Path) -> str:
  if name.startswith('fire'):
    place = _FIRES[model.version][int(name.removeprefix('fire')) - 2]
    return '.'.join((f'features.{place}', *inner))
  return {'conv1': 'features.0', 'classifier': 'classifier.1'}[name]


_NAMINGS: MappingProxyType[type, Callable[..., str]] = MappingProxyType(
  {models.ResNet: _resnet, models.SqueezeNet: _squeezenet}
)
_CLASSIFIERS = MappingProxyType(
  {models.ResNet: 'fc.', models.SqueezeNet: 'classifier.'}
)


def check(model: nn.Module) -> None:
  """Fails where torchvision has no such network.

  Raises:
    InputError: Naming those that it has.
  """
  if type(model) not in _NAMINGS:
    known = ' or a '.join(kind.__name__ for kind in _NAMINGS)
    raise InputError(
      f'published weights are of a {known}, as model.name=resnet18; the '
      f'network is a {type(model).__name__}'
    )


def name_of(model: nn.Module, path: Path) -> str:
  """Torchvision's name of a variable, as `layer1.0.conv1.weight`.

  Args:
    model: The network that has it; see `check`.
    path: From the collection to the leaf.
  """
  collection, name, *inner, leaf = path
  module = _NAMINGS[type(model)](model, name, tuple(inner))
  return f'{module}.{_LEAVES[collection, leaf]}'


def is_of_classifier(model: nn.Module, name: str) -> bool:
  """Whether a name is of torchvision's last layer."""
  return name.startswith(_CLASSIFIERS[type(model)])


def to_torch(array: np.ndarray) -> np.ndarray:
  """HWIO to OIHW, and [in, out] to [out, in]; others stay as they are."""
  return {2: np.transpose, 4: lambda x: x.transpose(3, 2, 0, 1)}.get(
    array.ndim, lambda x: x
  )(array)


def from_torch(array: np.ndarray) -> np.ndarray:
  """The inverse of `to_torch`."""
  return {2: np.transpose, 4: lambda x: x.transpose(2, 3, 1, 0)}.get(
    array.ndim, lambda x: x
  )(array)
