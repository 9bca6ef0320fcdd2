"""What is measured of semisup_jax; each function gives a `worker.Prepared`.

Only a worker imports this module: on a CPU each has one device a core, as
`launch.py` has, or as many as it is told.
"""

import functools
import pathlib
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import traverse_util

from benchmarks import cases, profile
from benchmarks.worker import Prepared
from configs import simclr
from semisup_jax import (
  augment,
  data,
  experiments,
  methods,
  models,
  objectives,
  optim,
  training,
)
from semisup_jax.experiments import fitting, pretrain
from semisup_jax.models import resnet
from semisup_jax.types import Method, Task
from semisup_jax.weights import naming, safetensors


def describe() -> Prepared:
  """Says what the machine computes on, and does nothing."""
  device = jax.devices()[0]
  facts = {
    'platform': device.platform,
    'device': device.device_kind,
    'devices': jax.device_count(),
  }
  return Prepared(lambda calls: None, facts=lambda: facts)


def _as_launched(batch_size: int) -> None:
  """Sets the process up as `launch.py` does."""
  training.keep_freed_memory()
  training.use_a_device_for_each_core(batch_size)


class _Training:
  """A network, the images that it learns from, and its steps."""

  def __init__(
    self,
    method: Method,
    tx: optax.GradientTransformation,
    schedule: optax.Schedule,
    stream: data.Stream,
    mesh: jax.sharding.Mesh,
  ):
    self.mesh = mesh
    self._stream, self._done = stream, 0
    state = training.create_state(method, tx, jax.random.key(0), self.batch(0))
    self.state = training.everywhere(state, mesh)
    self.step = training.make_train_step(method, schedule, mesh)

  def batch(self, number: int) -> dict[str, Any]:
    """That of a step."""
    return {'unlabelled': self._stream.batch(number)}

  def call(self, calls: int, batch: Any = None) -> None:
    """Trains on, on the same batch again if one is given."""
    for _ in range(calls):
      given = batch or self.batch(self._done)
      self.state, metrics = self.step(self.state, given)
      self._done += 1
    jax.block_until_ready(metrics)

  def operations(self) -> dict[str, Any]:
    """`flops` of a step, as it is before XLA makes it faster; on a CPU."""
    costs = self.step.lower(self.state, self.batch(0)).cost_analysis()
    return {'flops': costs['flops']}

  def plan(self) -> dict[str, Any]:
    """`planned`: bytes that a step needs on all devices besides its inputs."""
    compiled = self.step.lower(self.state, self.batch(0)).compile()
    on_one = compiled.memory_analysis().temp_size_in_bytes
    return {'planned': on_one * self.mesh.size}


def _training(config: Any, images: np.ndarray, encoder: nn.Module) -> _Training:
  """Trains by a recipe's method and optimizer, at its highest rate."""
  method = methods.make_method(config, encoder, _task(images))
  # A schedule's first rate is 0, and so would be the update.
  schedule = optax.constant_schedule(config.optimizer.learning_rate)
  tx = optim.make_optimizer(config.optimizer, schedule)
  mesh = training.make_mesh(config.batch_size)
  resident = images
  if jax.default_backend() != 'cpu':
    resident = data.place(images, mesh)
  stream = data.make_stream(
    resident,
    None,
    np.arange(len(images)),
    batch_size=config.batch_size,
    seed=(0,),
    sharding=training.divided(mesh),
  )
  return _Training(method, tx, schedule, stream, mesh)


def _task(images: np.ndarray) -> Task:
  shape = images.shape[1:]
  return Task(
    num_classes=10,
    num_images=len(images),
    num_unlabelled=len(images),
    image_shape=shape,
    transform=functools.partial(_transform, shape),
    steps=lambda streams: 1000,
  )


def _transform(shape: tuple[int, int, int], ops: str) -> augment.Transform:
  table = augment.with_statistics(cases.MEAN, cases.STD)
  return augment.parse(ops, table, image_shape=shape)


def _of_case(
  case: str, batch_size: int, dtype: str
) -> tuple[Any, nn.Module, _Training]:
  """Config, encoder and training of a key of `cases.CASES`."""
  _as_launched(batch_size)
  config = cases.config(case, batch_size, dtype)
  encoder = models.make_encoder(config.model)
  images = cases.images(case, batch_size)
  return config, encoder, _training(config, images, encoder)


def step(
  case: str, batch_size: int, dtype: str, folder: str | None = None
) -> Prepared:
  """Whole steps: a batch is gathered, seen in two views and learned from.

  Args:
    case: A key of `cases.CASES`.
    batch_size: Of images.
    dtype: Of the network.
    folder: Where the first weights and the views of the first step are written
      for other forms, if there are others.
  """
  config, encoder, trained = _of_case(case, batch_size, dtype)
  first = jax.device_get(trained.state.params)
  in_torch = functools.partial(_in_torch, encoder)
  if folder is not None:
    path = pathlib.Path(folder)
    tensors = safetensors.encode(in_torch(first))
    (path / 'weights.safetensors').write_bytes(tensors)
    np.save(path / 'views.npy', _views_of_a_step(trained, config.data.views))

  def check():
    before = trained.batch(0)
    trained.state, metrics = trained.step(trained.state, before)
    after = jax.device_get(trained.state.params)
    update = jax.tree.map(np.subtract, after, first)
    opt_state = jax.device_get(trained.state.opt_state)
    moment = optax.tree.get(opt_state, MOMENTS[config.optimizer.name])
    return {
      'loss': np.asarray(metrics['loss']),
      **_within('update', in_torch(update)),
      **_within('moment', in_torch(moment)),
    }

  return Prepared(
    trained.call,
    check,
    lambda: {'devices': trained.mesh.size},
    on_device=_on_device,
    profile=lambda: profile.seconds_by_operation(trained.call),
  )


def operations(case: str, batch_size: int, dtype: str) -> Prepared:
  """Counts those of a step, and takes none; on a CPU, as only there JAX can.

  They are those of the convolutions' definition: what we have for a CPU does
  fewer, and of what each device does by itself JAX counts that of one.
  """
  with mock.patch.object(resnet, 'convolve', None):
    _, _, trained = _of_case(case, batch_size, dtype)
    counted = trained.operations()
  return Prepared(lambda calls: None, facts=lambda: counted)


# Optax's names of what, after one step, is the gradient but for a factor.
MOMENTS = {'sgd': 'trace', 'adamw': 'mu'}


def _views_of_a_step(trained: _Training, ops: str) -> jax.Array:
  """The views that the next step learns from, [2 N, H, W, C] in pairs."""
  images = trained.batch(0)['unlabelled']['image']
  transform = _transform(images.shape[1:], ops)
  key = jax.random.fold_in(trained.state.key, trained.state.step)
  made = jax.jit(lambda *x: augment.views(transform, *x, 2))(key, images)
  return made.reshape(-1, *images.shape[1:])


def _in_torch(encoder: nn.Module, params: Any) -> dict[str, np.ndarray]:
  """Parameters as `torch_networks` has them."""
  return {
    _name(encoder, path): np.ascontiguousarray(
      naming.to_torch(np.asarray(array))
    )
    for path, array in traverse_util.flatten_dict(params).items()
  }


def _within(group: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  return {f'{group}/{name}': array for name, array in arrays.items()}


def _name(encoder: nn.Module, path: tuple[str, ...]) -> str:
  """Of a parameter in `torch_networks`."""
  part, *modules, leaf = path
  if part == 'encoder' and isinstance(encoder, models.ResNet):
    return f'encoder.{naming.name_of(encoder, ("params", *modules, leaf))}'
  kind = 'bias' if leaf == 'bias' else 'weight'
  return '.'.join((part, *modules, kind))


def _on_device() -> int | None:
  stats = jax.local_devices()[0].memory_stats()
  return stats and stats['peak_bytes_in_use']


def views(case: str, batch_size: int, ops: str | None = None) -> Prepared:
  """Two views of each image of a batch, and nothing else.

  Args:
    case: A key of `cases.CASES`.
    batch_size: Of images.
    ops: Other ones than the recipe's.
  """
  _as_launched(batch_size)
  config = cases.config(case, batch_size, 'float32')
  shape = cases.CASES[case].image_shape
  transform = _transform(shape, config.data.views if ops is None else ops)
  mesh = training.make_mesh(batch_size)
  part = training.divided(mesh)
  images = jax.device_put(cases.images(case, batch_size)[:batch_size], part)
  draw = jax.jit(
    lambda key, images: augment.views(transform, key, images, 2),
    out_shardings=part,
  )
  keys = iter(range(10**9))

  def call(calls):
    for _ in range(calls):
      made = draw(jax.random.key(next(keys)), images)
    jax.block_until_ready(made)

  return Prepared(call, on_device=_on_device)


def product(size: int, dtype: str) -> Prepared:
  """A product of two square matrices: the most that a device computes."""
  _as_launched(size)
  mesh = training.make_mesh(size)
  part = training.divided(mesh)
  x = jax.random.normal(jax.random.key(0), (size, size), models.DTYPES[dtype])
  a, b = jax.device_put(x, part), jax.device_put(x, training.replicated(mesh))
  multiply = jax.jit(jnp.matmul, out_shardings=part)

  def call(calls):
    for _ in range(calls):
      made = multiply(a, b)
    jax.block_until_ready(made)

  return Prepared(call, facts=lambda: {'flops': 2 * size**3})


OBJECTIVES = {
  'nt_xent': functools.partial(objectives.nt_xent, temperature=0.5),
  'nt_xent, block-wise': functools.partial(
    objectives.nt_xent, temperature=0.5, block_size=512
  ),
  'barlow_twins': functools.partial(
    objectives.barlow_twins, redundancy_weight=0.0051
  ),
}


def objective(name: str, rows: int, dim: int) -> Prepared:
  """Value and gradient of an objective, for both views [rows, dim]."""
  _as_launched(rows)
  mesh = training.make_mesh(rows)
  part = training.divided(mesh)
  made = jax.device_put(cases.projections(rows, dim), part)

  def value_and_grad(views):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      return jax.value_and_grad(lambda x: OBJECTIVES[name](*x))(views)

  compiled = jax.jit(
    value_and_grad, out_shardings=(training.replicated(mesh), part)
  )

  def call(calls):
    for _ in range(calls):
      # One after the other, as the steps of a training.
      jax.block_until_ready(compiled(made))

  def check():
    loss, (a, b) = jax.device_get(compiled(made))
    return {'loss': loss, 'gradient/a': a, 'gradient/b': b}

  return Prepared(call, check, on_device=_on_device)


def fed(path: str, fields: dict[str, Any], again: bool = False) -> Prepared:
  """Steps of `configs/simclr.py:folder`, as a run takes them.

  Args:
    path: Of the folder with images.
    fields: Of the config, that are changed.
    again: Whether the device is given the first batch at every step, so that it
      waits for none.
  """
  config = simclr.get_config('folder')
  config.update_from_flattened_dict({'data.path': path, **fields})
  _as_launched(config.batch_size)
  ingredients, _ = experiments.prepare(config)
  method = pretrain.make_method(config, ingredients)
  recipe = fitting.plan(config, method, ingredients)
  mesh = recipe.mesh()
  stream = ingredients.stream(
    'unlabelled', batch_size=config.batch_size, seed=(0,), mesh=mesh
  )
  trained = _Training(method, recipe.tx, recipe.schedule, stream, mesh)
  batch = trained.batch(0) if again else None
  return Prepared(
    lambda calls: trained.call(calls, batch), on_device=_on_device
  )


def sized(
  batch_size: int, image_size: int, images: int, devices: int | None
) -> Prepared:
  """Steps of the small network of `configs/simclr.py:folder`, of any size.

  Args:
    batch_size: Of images.
    image_size: Their height and width.
    images: That the stream draws from.
    devices: On a CPU; None is one a core.
  """
  if devices is not None and jax.config.jax_num_cpu_devices == -1:
    jax.config.update('jax_num_cpu_devices', devices)
  _as_launched(batch_size)
  config = simclr.get_config('folder')
  config.batch_size = batch_size
  shape = (images, image_size, image_size, 3)
  pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
  trained = _training(config, pixels, models.make_encoder(config.model))
  return Prepared(trained.call, facts=trained.plan, on_device=_on_device)
