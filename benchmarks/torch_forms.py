"""What is measured of PyTorch; each function gives a `worker.Prepared`.

Only a worker imports this module. Steps are written as they are fast: NHWC in
memory, the fused optimizer, autocast where the network is bfloat16, nothing
that waits for the device.
"""

import math
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from benchmarks import cases, torch_networks
from benchmarks.worker import Prepared

DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}
DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
torch.backends.cudnn.benchmark = True  # Shapes stay as they are.


def _wait() -> None:
  if DEVICE.type == 'cuda':
    torch.cuda.synchronize()


def _on_device() -> int | None:
  return torch.cuda.max_memory_allocated() if DEVICE.type == 'cuda' else None


def _network(config: Any, channels: int) -> nn.Module:
  """A recipe's encoder and projector."""
  section = config.model
  if section.name == 'resnet18':
    encoder, width = torch_networks.CifarResNet18(), 512
  else:
    width = section.width * 2 ** (len(section.strides) - 1)
    encoder = torch_networks.ConvNet(channels, section.width, section.strides)
  method = config.method
  head = torch_networks.ProjectionHead(
    width, method.projector_hidden, method.projector_output
  )
  return torch_networks.EncoderWithHead(encoder, head)


def _optimizer(network: nn.Module, section: Any) -> torch.optim.Optimizer:
  """A recipe's: no decay for what has one axis."""
  groups = [
    {
      'params': [x for x in network.parameters() if (x.ndim > 1) == decays],
      'weight_decay': section.weight_decay * decays,
    }
    for decays in (True, False)
  ]
  if section.name == 'adamw':
    return torch.optim.AdamW(
      groups,
      section.learning_rate,
      betas=(section.momentum, 0.999),
      eps=1e-8,
      fused=True,
    )
  return torch.optim.SGD(
    groups,
    section.learning_rate,
    momentum=section.momentum,
    nesterov=True,
    fused=True,
  )


# Torch's names of what, after one step, is the gradient but for a factor.
MOMENTS = {'sgd': 'momentum_buffer', 'adamw': 'exp_avg'}


def nt_xent(z: torch.Tensor, temperature: float) -> torch.Tensor:
  """As it is mostly written, of z [2 N, D]: first views, then second ones."""
  z = nn.functional.normalize(z.float())
  logits = (z @ z.T / temperature).fill_diagonal_(-math.inf)
  partners = torch.arange(len(z), device=z.device).roll(len(z) // 2)
  return nn.functional.cross_entropy(logits, partners)


def barlow_twins(z_a: torch.Tensor, z_b: torch.Tensor) -> torch.Tensor:
  """As the authors' code has it."""
  n, dim = z_a.shape
  a, b = (
    nn.functional.batch_norm(z, None, None, training=True) for z in (z_a, z_b)
  )
  c = a.T @ b / n
  diagonal = torch.diagonal(c).add(-1).pow(2).sum()
  # Without the first, each row of dim + 1 begins with one of the diagonal.
  off = c.flatten()[:-1].view(dim - 1, dim + 1)[:, 1:].pow(2).sum()
  return diagonal + 0.0051 * off


def objective(name: str, rows: int, dim: int) -> Prepared:
  """Value and gradient of an objective's plain form, for both views."""
  made = [
    torch.tensor(z, device=DEVICE, requires_grad=True)
    for z in cases.projections(rows, dim)
  ]

  def value_and_grad():
    loss = (
      barlow_twins(*made)
      if name == 'barlow_twins'
      else nt_xent(torch.cat(made), 0.5)
    )
    return loss.detach(), torch.autograd.grad(loss, made)

  def call(calls):
    for _ in range(calls):
      value_and_grad()
    _wait()

  def check():
    loss, (a, b) = value_and_grad()
    return {
      'loss': loss.cpu().numpy(),
      'gradient/a': a.cpu().numpy(),
      'gradient/b': b.cpu().numpy(),
    }

  return Prepared(call, check, on_device=_on_device)


def product(size: int, dtype: str) -> Prepared:
  """A product of two square matrices: the most that a device computes."""
  x = torch.randn(size, size, dtype=DTYPES[dtype], device=DEVICE)

  def call(calls):
    for _ in range(calls):
      torch.mm(x, x)
    _wait()

  return Prepared(call, facts=lambda: {'flops': 2 * size**3})


def _batched(
  case: str, batch_size: int
) -> Callable[[int], Iterator[torch.Tensor]]:
  """Both views of random batches, drawn for a whole batch on the device."""
  from benchmarks import torch_views

  draw = torch_views.batched(case)
  images = torch.from_numpy(cases.images(case, batch_size))
  images = images.permute(0, 3, 1, 2).contiguous().to(DEVICE)

  def batches(count):
    for _ in range(count):
      rows = torch.randperm(len(images), device=DEVICE)[:batch_size]
      yield draw(images[rows])

  return batches


def _one_by_one(
  case: str, batch_size: int
) -> Callable[[int], Iterator[torch.Tensor]]:
  """Both views of random batches, drawn for each image by other processes."""
  from benchmarks import torch_views

  loader = torch_views.Loader(case, cases.images(case, batch_size), batch_size)

  def batches(count):
    for batch in loader.batches(count):
      yield batch.to(DEVICE, non_blocking=True)

  return batches


VIEWS = {'batched': _batched, 'one by one': _one_by_one}


def views(case: str, batch_size: int, drawn: str) -> Prepared:
  """Two views of each image of a batch, and nothing else.

  Args:
    case: A key of `cases.CASES`.
    batch_size: Of images.
    drawn: A key of `VIEWS`.
  """
  batches = VIEWS[drawn](case, batch_size)

  def call(calls):
    for _ in batches(calls):
      pass
    _wait()

  return Prepared(call, on_device=_on_device)


def step(
  case: str,
  batch_size: int,
  dtype: str,
  folder: str,
  drawn: str,
  compiled: bool,
) -> Prepared:
  """Whole steps: a batch is gathered, seen in two views and learned from.

  Args:
    case: A key of `cases.CASES`.
    batch_size: Of images.
    dtype: Of the network.
    folder: Where ours has written its first weights and views.
    drawn: A key of `VIEWS`.
    compiled: Whether by torch.compile.
  """
  config = cases.config(case, batch_size, dtype)
  torch.backends.cudnn.allow_tf32 = False  # float32 is to be compared as such.
  path = pathlib.Path(folder)
  network = _network(config, cases.CASES[case].image_shape[-1]).train()
  tensors = safetensors.torch.load_file(path / 'weights.safetensors')
  lacks, more = network.load_state_dict(tensors, strict=False)
  lacks = [name for name in lacks if '.running_' not in name]
  if more or [n for n in lacks if not n.endswith('num_batches_tracked')]:
    raise ValueError(f'other variables: {lacks}, {more}')
  network = network.to(DEVICE, memory_format=torch.channels_last)
  optimizer = _optimizer(network, config.optimizer)
  batches = VIEWS[drawn](case, batch_size)
  forward = torch.compile(network) if compiled else network

  def learn(x):
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.autocast(
      DEVICE.type, torch.bfloat16, enabled=dtype == 'bfloat16'
    ):
      z = forward(x)
    loss = nt_xent(z, config.method.temperature)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss

  def call(calls):
    for x in batches(calls):
      learn(x)
    _wait()

  def check():
    x = torch.from_numpy(np.load(path / 'views.npy')).permute(0, 3, 1, 2)
    x = torch.cat([x[::2], x[1::2]]).to(DEVICE)
    before = {
      name: p.detach().clone() for name, p in network.named_parameters()
    }
    loss = learn(x)
    found = {'loss': loss.detach().cpu().numpy()}
    for name, p in network.named_parameters():
      moment = optimizer.state[p][MOMENTS[config.optimizer.name]]
      found[f'update/{name}'] = (p.detach() - before[name]).cpu().numpy()
      found[f'moment/{name}'] = moment.cpu().numpy()
    return found

  return Prepared(call, check, on_device=_on_device)
