"""Whether a network with weights from torch computes what torch computes.

  pip install -e '.[bench]'
  python -m benchmarks.torch_weights
  python -m benchmarks.torch_weights --size=64 --networks=resnet18

Networks in plain torch, named as torchvision's, with random weights and random
BatchNorm statistics, are saved by torch.save in both of its layouts and as
.safetensors; each file is loaded here, and both compute the logits of the same
random images. Then ours is exported, and torch loads that. Prints a Markdown
table of the largest differences. The files are temporary.
"""

import argparse
import pathlib
import tempfile
from collections.abc import Callable, Iterator

import jax
import numpy as np
import safetensors.torch
import torch
from torch import nn

from semisup_jax import models, weights

IMAGES = 4
_SECTION = {
  'stem': 'imagenet',
  'width': 64,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}


class Block(nn.Module):
  """A basic block of two convolutions, or a bottleneck of three."""

  def __init__(
    self, channels: int, filters: int, stride: int, bottleneck: bool
  ):
    super().__init__()
    out = filters * (4 if bottleneck else 1)
    shapes = [(channels, filters, 3, stride), (filters, filters, 3, 1)]
    if bottleneck:
      shapes = [
        (channels, filters, 1, 1),
        (filters, filters, 3, stride),
        (filters, out, 1, 1),
      ]
    self.convolutions = len(shapes)
    for i, (before, after, kernel, step) in enumerate(shapes, 1):
      conv = nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False)
      self.add_module(f'conv{i}', conv)
      self.add_module(f'bn{i}', nn.BatchNorm2d(after))
    self.downsample = None
    if stride > 1 or channels != out:
      self.downsample = nn.Sequential(
        nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
      )

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to NCHW."""
    y = x
    for i in range(1, self.convolutions + 1):
      y = self.get_submodule(f'bn{i}')(self.get_submodule(f'conv{i}')(y))
      if i < self.convolutions:
        y = y.relu()
    return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet(nn.Module):
  """ResNet-18, 34 or 50, by its blocks."""

  def __init__(self, sizes: tuple[int, ...], bottleneck: bool):
    super().__init__()
    self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    self.bn1 = nn.BatchNorm2d(64)
    self.maxpool = nn.MaxPool2d(3, 2, 1)
    channels = 64
    for i, size in enumerate(sizes):
      blocks = []
      for j in range(size):
        stride = 2 if i and not j else 1
        blocks.append(Block(channels, 64 * 2**i, stride, bottleneck))
        channels = 64 * 2**i * (4 if bottleneck else 1)
      self.add_module(f'layer{i + 1}', nn.Sequential(*blocks))
    self.fc = nn.Linear(channels, 1000)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to logits."""
    x = self.maxpool(self.bn1(self.conv1(x)).relu())
    for i in range(1, 5):
      x = self.get_submodule(f'layer{i}')(x)
    return self.fc(x.mean((2, 3)))


class Fire(nn.Module):
  """SqueezeNet's module."""

  def __init__(self, channels: int, squeeze: int, expand: int):
    super().__init__()
    self.squeeze = nn.Conv2d(channels, squeeze, 1)
    self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
    self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to NCHW."""
    x = self.squeeze(x).relu()
    return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


class SqueezeNet(nn.Module):
  """SqueezeNet 1.0 or 1.1, by its first convolution and its poolings."""

  def __init__(self, filters: int, kernel: int, pooled: tuple[int, ...]):
    super().__init__()
    layers = [nn.Conv2d(3, filters, kernel, 2), nn.ReLU()]
    channels = filters
    for number in range(2, 10):
      if number in pooled:
        layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
      squeeze = 16 * (number // 2)
      layers.append(Fire(channels, squeeze, 4 * squeeze))
      channels = 8 * squeeze
    self.features = nn.Sequential(*layers)
    self.classifier = nn.Sequential(
      nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), nn.ReLU()
    )

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to logits."""
    return self.classifier(self.features(x)).mean((2, 3))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
  'resnet18': lambda: ResNet((2, 2, 2, 2), bottleneck=False),
  'resnet34': lambda: ResNet((3, 4, 6, 3), bottleneck=False),
  'resnet50': lambda: ResNet((3, 4, 6, 3), bottleneck=True),
  'squeezenet1_0': lambda: SqueezeNet(96, 7, (2, 5, 9)),
  'squeezenet1_1': lambda: SqueezeNet(64, 3, (2, 4, 6)),
}


def _save_legacy(state, path):
  torch.save(state, path, _use_new_zipfile_serialization=False)


SAVED: dict[str, Callable] = {
  'zip': torch.save,
  'legacy': _save_legacy,
  'safetensors': safetensors.torch.save_file,
}


def make(name: str) -> nn.Module:
  """A network in eval mode, with random weights and statistics."""
  torch.manual_seed(0)
  network = NETWORKS[name]().eval()
  for module in network.modules():
    # Else nothing but the last bias would be left at SqueezeNet's end.
    if isinstance(module, nn.Conv2d):
      nn.init.kaiming_normal_(module.weight)
    if isinstance(module, nn.BatchNorm2d):
      nn.init.uniform_(module.weight, 0.5, 1.0)
      nn.init.normal_(module.bias, std=0.1)
      nn.init.normal_(module.running_mean, std=0.1)
      nn.init.uniform_(module.running_var, 0.5, 1.5)
  return network


def differences(
  name: str, size: int, folder: pathlib.Path
) -> Iterator[tuple[str, float, float]]:
  """Compares the logits of one network.

  Args:
    name: Of the network, a key of `NETWORKS`.
    size: Of the images, in pixels.
    folder: For its files.

  Yields:
    The format, the largest difference of a logit, and how far the logits of two
    images are apart at most.
  """
  network, model = make(name), models.MODELS[name](_SECTION, 1000)
  x = np.random.default_rng(0).normal(size=(IMAGES, size, size, 3))
  x = x.astype(np.float32)
  forward = jax.jit(lambda variables: model.apply(variables, x, train=False)[0])

  def of_torch():
    with torch.no_grad():
      return network(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()

  expected = of_torch()
  apart = float(np.ptp(expected, axis=0).max())
  for kind, save in SAVED.items():
    save(network.state_dict(), folder / f'{name}.{kind}')
    variables = weights.load(folder / f'{name}.{kind}', model)
    found = np.asarray(forward(variables))
    yield kind, float(np.abs(found - expected).max()), apart
  weights.export(folder / 'ours.safetensors', model, variables)
  network = NETWORKS[name]().eval()
  network.load_state_dict(
    safetensors.torch.load_file(folder / 'ours.safetensors')
  )
  yield 'ours, in torch', float(np.abs(of_torch() - found).max()), apart


def main() -> None:
  """Prints one table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--size', type=int, default=224)
  parser.add_argument('--networks', default=','.join(NETWORKS))
  arguments = parser.parse_args()
  versions = f'torch {torch.__version__}, jax {jax.__version__}'
  print(f'{IMAGES} images of {arguments.size} px, {versions}\n')
  print('| network | file | largest difference | two images apart |')
  print('| --- | --- | --- | --- |')
  with tempfile.TemporaryDirectory() as folder:
    for name in arguments.networks.split(','):
      for row in differences(name, arguments.size, pathlib.Path(folder)):
        kind, difference, apart = row
        print(f'| {name} | {kind} | {difference:.1e} | {apart:.2f} |')


if __name__ == '__main__':
  main()
