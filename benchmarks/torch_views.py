"""The views of `cases`, as they are made in PyTorch.

Two ways: for a whole batch on the device, by kornia, and for one image after
the other, as torchvision's transforms of Pillow's images have it, written out
here since torchvision need not be installed. They do the same work as ours but
for this: kornia's crop is not antialiased, and what has a random order in ours
may have a fixed one.
"""

import math
import os
import random
from collections.abc import Callable

import kornia.augmentation as K
import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import nn

from benchmarks import cases


class BrightnessContrastNoise(nn.Module):
  """Of grey images, of which kornia's ColorJitter takes none."""

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """[N, 1, H, W] in [0, 1] to the same."""
    brightness, contrast = torch.empty(
      (2, len(x), 1, 1, 1), device=x.device
    ).uniform_(0.6, 1.4)
    x = (brightness * x).clamp(0, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (contrast * x + (1 - contrast) * mean).clamp(0, 1)
    return (x + 0.1 * torch.randn_like(x)).clamp(0, 1)


BATCHED: dict[str, Callable[[], nn.Module]] = {
  'resnet18': lambda: nn.Sequential(
    K.RandomResizedCrop((32, 32), (0.08, 1.0), cropping_mode='resample'),
    K.RandomHorizontalFlip(),
    K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
    K.RandomGrayscale(p=0.2),
  ),
  'digits': lambda: nn.Sequential(
    K.RandomAffine(15, (0.12, 0.12), (0.8, 1.2), 10, p=1.0),
    BrightnessContrastNoise(),
  ),
}


def batched(case: str) -> Callable[[torch.Tensor], torch.Tensor]:
  """Makes uint8 [N, C, H, W] both views, float [2 N, C, H, W]."""
  ops = BATCHED[case]()

  @torch.no_grad()
  def views(images):
    x = images.float() / 255
    return (ops(torch.cat([x, x])) - cases.MEAN) / cases.STD

  return views


def _resized_crop(image: Image.Image) -> Image.Image:
  """Torchvision's RandomResizedCrop of scale (0.08, 1)."""
  width, height = image.size
  for _ in range(10):
    area = random.uniform(0.08, 1) * width * height
    ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
    w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
    if 0 < w <= width and 0 < h <= height:
      left, top = random.randint(0, width - w), random.randint(0, height - h)
      box = (left, top, left + w, top + h)
      return image.resize(image.size, Image.Resampling.BILINEAR, box)
  return image


def _hue(image: Image.Image, amount: float) -> Image.Image:
  hue, saturation, value = image.convert('HSV').split()
  turned = np.asarray(hue) + np.uint8(int(amount * 255) % 256)
  bands = (Image.fromarray(turned), saturation, value)
  return Image.merge('HSV', bands).convert('RGB')


def _jittered(image: Image.Image, enhanced: list[type]) -> Image.Image:
  """Torchvision's ColorJitter of 0.4, and of colours of hue 0.1."""
  ops = [
    lambda image, kind=kind: kind(image).enhance(random.uniform(0.6, 1.4))
    for kind in enhanced
  ]
  if image.mode == 'RGB':
    ops.append(lambda image: _hue(image, random.uniform(-0.1, 0.1)))
  random.shuffle(ops)
  for op in ops:
    image = op(image)
  return image


def _of_colours(image: Image.Image) -> np.ndarray:
  image = _resized_crop(image)
  if random.random() < 0.5:
    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
  if random.random() < 0.8:
    kinds = [
      ImageEnhance.Brightness,
      ImageEnhance.Contrast,
      ImageEnhance.Color,
    ]
    image = _jittered(image, kinds)
  if random.random() < 0.2:
    image = image.convert('L').convert('RGB')
  return np.asarray(image, np.float32) / 255


def _affine(image: Image.Image) -> Image.Image:
  """Torchvision's RandomAffine, with the matrix of `augment.affine`."""
  angle = math.radians(random.uniform(-15, 15))
  slant = math.tan(math.radians(random.uniform(-10, 10)))
  scale = random.uniform(0.8, 1.2)
  cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
  a, b, d, e = cos - slant * sin, sin + slant * cos, -sin, cos
  size = image.size[0]
  center = size / 2
  x, y = (center + size * random.uniform(-0.12, 0.12) for _ in range(2))
  data = (a, b, center - a * x - b * y, d, e, center - d * x - e * y)
  return image.transform(
    image.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
  )


def _of_digits(image: Image.Image) -> np.ndarray:
  kinds = [ImageEnhance.Brightness, ImageEnhance.Contrast]
  image = _jittered(_affine(image), kinds)
  x = np.asarray(image, np.float32)[..., None] / 255
  noise = np.random.normal(0, 0.1, x.shape).astype(np.float32)
  return np.clip(x + noise, 0, 1)


ONE_BY_ONE = {'resnet18': _of_colours, 'digits': _of_digits}


class Views(torch.utils.data.Dataset):
  """Two views of each image, float [2, C, H, W], as a worker draws them."""

  def __init__(self, case: str, images: np.ndarray):
    self._images = [Image.fromarray(x.squeeze()) for x in images]
    self._view = ONE_BY_ONE[case]

  def __len__(self) -> int:
    return len(self._images)

  def __getitem__(self, row: int) -> torch.Tensor:
    x = np.stack([self._view(self._images[row]) for _ in range(2)])
    x = (x - cases.MEAN) / cases.STD
    return torch.from_numpy(x.astype(np.float32).transpose(0, 3, 1, 2).copy())


class Rows:
  """A sampler: as many rows as the next loop needs, in a random order."""

  def __init__(self, images: int):
    self._images, self.count = images, images

  def __iter__(self):
    order = []
    while len(order) < self.count:
      order += torch.randperm(self._images).tolist()
    return iter(order[: self.count])

  def __len__(self) -> int:
    return self.count


class Loader:
  """Batches of `Views`, drawn by one worker a core."""

  def __init__(self, case: str, images: np.ndarray, batch_size: int):
    self._rows = Rows(len(images))
    self._batch_size = batch_size
    self._loader = torch.utils.data.DataLoader(
      Views(case, images),
      batch_size,
      sampler=self._rows,
      num_workers=len(os.sched_getaffinity(0)),
      persistent_workers=True,
      pin_memory=torch.cuda.is_available(),
    )

  def batches(self, count: int):
    """So many batches, float [2 N, C, H, W], and none is drawn beyond them."""
    self._rows.count = count * self._batch_size
    for batch in self._loader:
      yield batch.transpose(0, 1).flatten(0, 1)
