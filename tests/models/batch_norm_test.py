"""BatchNorm over groups, against Flax's on each group and on each device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import PartitionSpec as P

from semisup_jax import models, training
from semisup_jax.types import InputError

CONVNET = {
  'name': 'convnet',
  'width': 4,
  'strides': (2,),
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
GROUPS = 4


def close(a, b, atol=1e-6, rtol=0.0):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(
      np.asarray(x, np.float64), np.asarray(y, np.float64), atol=atol, rtol=rtol
    ),
    a,
    b,
  )


def same(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture
def float64():
  with jax.enable_x64(True):
    yield


def types(tree):
  return jax.tree.map(lambda x: x.dtype, tree)


def layer(kind, dtype=jnp.float32, **fields):
  return kind(
    use_running_average=False, momentum=0.7, dtype=dtype, epsilon=1e-5, **fields
  )


def pulled(norm, variables, x, cotangent):
  """Output, new statistics, and the gradients of params and x."""

  def apply(params, x):
    return norm.apply({**variables, 'params': params}, x, mutable='batch_stats')

  y, pull, updates = jax.vjp(apply, variables['params'], x, has_aux=True)
  return y, updates['batch_stats'], pull(cotangent)


def inputs(shape, dtype=jnp.float32):
  keys = jax.random.split(jax.random.key(0), 3)
  # Groups of different means: what is global and what is not lie far apart.
  shift = jnp.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
  x = jax.random.normal(keys[0], shape) * 2 + shift
  variables = {
    'params': {
      'scale': jax.random.normal(keys[1], shape[-1:]),
      'bias': jnp.linspace(-1.0, 1.0, shape[-1]),
    },
    'batch_stats': {
      'mean': jnp.linspace(-2.0, 3.0, shape[-1]),
      'var': jnp.linspace(0.5, 4.0, shape[-1]),
    },
  }
  cotangent = jax.random.normal(keys[2], shape)
  return variables, x.astype(dtype), cotangent.astype(dtype)


@pytest.mark.parametrize(
  ('shape', 'groups', 'dtype'),
  [
    ((12, 5), 4, jnp.float64),
    ((8, 3, 2, 5), 2, jnp.float64),
    ((8, 3, 2, 5), 4, jnp.bfloat16),
  ],
)
def test_each_group_is_normalized_by_flaxs_batch_norm(
  shape, groups, dtype, request
):
  if dtype == jnp.float64:
    request.getfixturevalue('float64')
  variables, x, cotangent = inputs(shape, dtype)
  norm = layer(models.BatchNorm, dtype, groups=groups)
  y, stats, (grads, grad_x) = pulled(norm, variables, x, cotangent)

  alone = [
    pulled(layer(nn.BatchNorm, dtype), variables, *part)
    for part in zip(
      jnp.split(x, groups), jnp.split(cotangent, groups), strict=True
    )
  ]
  assert y.dtype == dtype
  same(y, jnp.concatenate([each[0] for each in alone]))
  means = jax.tree.map(lambda *s: np.mean(s, 0), *(e[1] for e in alone))
  close(stats, means, atol=1e-5)
  # Flax's own rounds twice in bfloat16: ours is that of float32, rounded once.
  wide = jnp.promote_types(dtype, jnp.float32)
  expected = [
    pulled(layer(nn.BatchNorm, wide), variables, *part)[2][1]
    for part in zip(
      jnp.split(x.astype(wide), groups),
      jnp.split(cotangent.astype(wide), groups),
      strict=True,
    )
  ]
  atol, rtol = (1e-12, 0) if dtype == jnp.float64 else (1e-6, 2**-8)
  close(grad_x, jnp.concatenate(expected), atol, rtol)
  sums = jax.tree.map(lambda *g: np.sum(g, 0), *(e[2][0] for e in alone))
  close(grads, sums, atol=1e-4)


def test_after_many_updates_the_statistics_are_the_mean_of_the_groups_own():
  variables, x, _ = inputs((12, 5))
  norm, alone = layer(models.BatchNorm, groups=3), layer(nn.BatchNorm)
  together, own = variables, [variables] * 3
  for _ in range(4):
    x = x[::-1] * 1.3 + 0.5
    _, stats = norm.apply(together, x, mutable='batch_stats')
    together = {**variables, **stats}
    own = [
      {**variables, **alone.apply(v, part, mutable='batch_stats')[1]}
      for v, part in zip(own, jnp.split(x, 3), strict=True)
    ]
  expected = jax.tree.map(lambda *s: np.mean(s, 0), *own)
  close(together['batch_stats'], expected['batch_stats'], atol=1e-4)


def test_the_forward_pass_of_one_group_is_flaxs_to_the_bit():
  variables, x, cotangent = inputs((8, 3, 2, 5))
  same(
    pulled(layer(models.BatchNorm, groups=1), variables, x, cotangent)[:2],
    pulled(layer(nn.BatchNorm), variables, x, cotangent)[:2],
  )


@pytest.mark.parametrize('count', [1, 4])
def test_one_group_is_flaxs_batch_norm_on_any_number_of_devices(count):
  with jax.enable_x64(True):
    variables, x, cotangent = inputs((8, 3, 2, 5), jnp.float64)
    expected = pulled(layer(nn.BatchNorm, jnp.float64), variables, x, cotangent)
    with jax.set_mesh(mesh_of(count)):
      found = pulled(
        layer(models.BatchNorm, jnp.float64), variables, x, cotangent
      )
    close(found, expected, atol=1e-12)


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_maps_and_parameters_keep_their_types(dtype):
  variables, x, cotangent = inputs((8, 3, 2, 5), dtype)
  found, expected = (
    pulled(layer(kind, dtype), variables, x, cotangent)
    for kind in (models.BatchNorm, nn.BatchNorm)
  )
  assert types(found) == types(expected)


def test_devices_add_up_once_in_each_pass():
  variables, x, cotangent = inputs((8, 3, 2, 5))
  mesh = mesh_of(4)
  rows, whole = training.divided(mesh), training.replicated(mesh)

  def passes(variables, x, cotangent):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      y, _, _ = pulled(layer(models.BatchNorm), variables, x, cotangent)
      # Slopes that depend on the forward pass, or both messages become one.
      return pulled(layer(models.BatchNorm), variables, x, y)

  text = (
    jax.jit(passes, in_shardings=(whole, rows, rows))
    .lower(variables, x, cotangent)
    .compile()
    .as_text()
  )
  assert text.count(' all-reduce(') == 2
  assert ' all-gather(' not in text


def test_evaluation_knows_no_groups():
  variables, x, _ = inputs((7, 5))  # Nothing divides 7, and nothing has to.
  outputs = [
    kind(use_running_average=True, epsilon=1e-5, **more).apply(variables, x)
    for kind, more in ((models.BatchNorm, {'groups': 4}), (nn.BatchNorm, {}))
  ]
  same(*outputs)


def test_a_batch_that_the_groups_do_not_divide_is_refused():
  variables, x, _ = inputs((7, 5))
  with pytest.raises(ValueError, match=r'7 rows .* into 4 groups'):
    layer(models.BatchNorm, groups=4).apply(
      variables, x, mutable=['batch_stats']
    )


class Named(nn.Module):
  """A layer that Flax names, and one that has a name."""

  norm: type[nn.Module]
  more: dict

  @nn.compact
  def __call__(self, x):
    x = self.norm(use_running_average=False, **self.more)(x)
    return self.norm(use_running_average=False, name='own', **self.more)(x)


@pytest.mark.parametrize('groups', [1, 4])
def test_variables_are_named_and_start_as_flaxs(groups):
  key, x = jax.random.key(0), jnp.ones((1, 3))
  variables = Named(models.BatchNorm, {'groups': groups}).init(key, x)
  assert set(variables['params']) == {'BatchNorm_0', 'own'}
  expected = Named(nn.BatchNorm, {}).init(key, x)
  assert jax.tree.structure(variables) == jax.tree.structure(expected)
  same(variables, expected)


def classifier(groups):
  """An encoder and a head, both with BatchNorm."""
  return models.EncoderWithHead(
    models.make_encoder(
      {**CONVNET, 'dtype': 'float64', 'batch_norm_groups': groups}
    ),
    models.ProjectionHead(
      hidden=6,
      output=3,
      hidden_layers=1,
      dtype=jnp.float64,
      batch_norm_momentum=0.9,
      batch_norm_groups=groups,
    ),
  )


def learned(model, variables, images, labels):
  """The mean cross-entropy's gradients, and the statistics after the pass."""

  def loss(params):
    (logits, _), updates = model.apply(
      {**variables, 'params': params}, images, train=True, mutable='batch_stats'
    )
    losses = -jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels]
    return losses.mean(), updates['batch_stats']

  grads, stats = jax.grad(loss, has_aux=True)(variables['params'])
  return {'gradients': grads, 'batch_stats': stats}


def batch():
  random = np.random.default_rng(0)
  images = (
    random.normal(size=(16, 8, 8, 1)) + np.arange(16)[:, None, None, None]
  )
  return images, random.integers(0, 3, 16)


def mesh_of(devices):
  return jax.sharding.Mesh(np.array(jax.devices()[:devices]), ('data',))


@pytest.fixture(scope='module')
def of_local_devices():
  """As many devices as groups, each by itself, and what they learn averaged."""
  with jax.enable_x64(True):
    model = classifier(1)
    images, labels = batch()
    variables = model.init(jax.random.key(0), images, train=False)

    def local(*part):
      return jax.lax.pmean(learned(model, variables, *part), 'data')

    averaged = jax.shard_map(
      local,
      mesh=mesh_of(GROUPS),
      in_specs=(P('data'), P('data')),
      out_specs=P(),
      check_vma=False,  # Else JAX sums the devices' gradients by itself.
    )
    return variables, jax.device_get(jax.jit(averaged)(images, labels))


@pytest.mark.parametrize('devices', [1, 2, 4, 8])
def test_on_any_number_of_devices_it_is_local_batch_norm_on_as_many_as_groups(
  of_local_devices, devices
):
  variables, expected = of_local_devices
  with jax.enable_x64(True):
    mesh = mesh_of(devices)
    part = jax.sharding.NamedSharding(mesh, P('data'))
    whole = jax.sharding.NamedSharding(mesh, P())
    model = classifier(GROUPS)
    step = jax.jit(
      lambda images, labels: learned(model, variables, images, labels),
      in_shardings=part,
      out_shardings=whole,
    )
    found = jax.device_get(step(*jax.device_put(batch(), part)))
  close(found, expected, atol=1e-12)
  norms = [float(np.abs(x).max()) for x in jax.tree.leaves(found['gradients'])]
  assert max(norms) > 1e-3


def test_every_batch_norm_of_a_resnet_has_the_groups():
  config = {**CONVNET, 'name': 'resnet18', 'stem': 'cifar'}
  model = models.make_encoder({**config, 'batch_norm_groups': 4})
  seen = []

  def look(call, args, kwargs, context):
    if isinstance(context.module, nn.BatchNorm):
      seen.append(context.module.groups)
    return call(*args, **kwargs)

  with nn.intercept_methods(look):
    jax.eval_shape(
      lambda x: model.init(jax.random.key(0), x, train=False),
      jnp.zeros((4, 8, 8, 1)),
    )
  assert set(seen) == {4}


@pytest.mark.parametrize('groups', [0, -2, 2.0, True, None])
def test_groups_are_a_whole_number(groups):
  with pytest.raises(InputError, match=f'at least 1; got {groups!r}'):
    models.make_encoder({**CONVNET, 'batch_norm_groups': groups})
