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

from benchmarks.torch_networks import NETWORKS
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
