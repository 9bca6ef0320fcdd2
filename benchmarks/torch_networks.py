"""Networks in plain torch, the variables named as torchvision's or as ours."""

from collections.abc import Callable

import torch
from torch import nn


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


class CifarResNet18(ResNet):
  """Without a classifier, its stem as ours for images of up to 64 px."""

  def __init__(self):
    super().__init__((2, 2, 2, 2), bottleneck=False)
    self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    self.maxpool = self.fc = nn.Identity()


class Residual(nn.Module):
  """`models.resnet.ResidualBlock`."""

  def __init__(self, channels: int, filters: int, stride: int):
    super().__init__()
    self.Conv_0 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
    self.BatchNorm_0 = nn.BatchNorm2d(filters)
    self.Conv_1 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
    self.BatchNorm_1 = nn.BatchNorm2d(filters)
    self.shortcut_conv = self.shortcut_norm = nn.Identity()
    if stride > 1 or channels != filters:
      self.shortcut_conv = nn.Conv2d(channels, filters, 1, stride, bias=False)
      self.shortcut_norm = nn.BatchNorm2d(filters)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to NCHW."""
    y = self.BatchNorm_0(self.Conv_0(x)).relu()
    y = self.BatchNorm_1(self.Conv_1(y))
    return (self.shortcut_norm(self.shortcut_conv(x)) + y).relu()


class ConvNet(nn.Module):
  """`models.ConvNet`."""

  def __init__(self, channels: int, width: int, strides: tuple[int, ...]):
    super().__init__()
    self.stem_conv = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
    self.stem_norm = nn.BatchNorm2d(width)
    self.stages = [f'stage{i + 1}' for i in range(len(strides))]
    channels = width
    for i, stride in enumerate(strides):
      self.add_module(self.stages[i], Residual(channels, width * 2**i, stride))
      channels = width * 2**i

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to pooled features."""
    x = self.stem_norm(self.stem_conv(x)).relu()
    for stage in self.stages:
      x = self.get_submodule(stage)(x)
    return x.mean((2, 3))


class ProjectionHead(nn.Module):
  """`models.ProjectionHead` with one hidden layer."""

  def __init__(self, channels: int, hidden: int, output: int):
    super().__init__()
    self.Dense_0 = nn.Linear(channels, hidden, bias=False)
    self.BatchNorm_0 = nn.BatchNorm1d(hidden)
    self.Dense_1 = nn.Linear(hidden, output)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """Embeddings to projections."""
    return self.Dense_1(self.BatchNorm_0(self.Dense_0(x)).relu())


class EncoderWithHead(nn.Module):
  """`models.EncoderWithHead`."""

  def __init__(self, encoder: nn.Module, head: nn.Module):
    super().__init__()
    self.encoder, self.head = encoder, head

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """NCHW to projections."""
    return self.head(self.encoder(x))
