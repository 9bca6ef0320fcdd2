"""Features before and after their ReLU, and Grad-CAM, in any network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from semisup_jax import models, visualize
from semisup_jax.models import resnet

SECTION = {
  'width': 4,
  'dtype': 'float32',
  'remat': False,
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
}
MODELS = {
  'convnet': {'strides': (1, 2)},
  'resnet9': {'dropout': 0.1},
  'resnet18': {'stem': 'imagenet'},
}
IMAGES = np.random.default_rng(0).normal(size=(3, 16, 16, 3)).astype('float32')


@functools.cache
def made(name, **fields):
  """A network and its variables, BatchNorm's own not those it starts with."""
  model = models.make_encoder(
    {'name': name, **SECTION, **MODELS[name], **fields}
  )
  init = jax.jit(functools.partial(model.init, train=False))
  variables = init(jax.random.key(0), IMAGES)
  random = np.random.default_rng(1)
  variables = jax.tree.map(
    lambda x: x + 0.1 * random.normal(size=x.shape).astype(x.dtype), variables
  )
  return functools.partial(model.apply, train=False), variables


def test_maps_are_in_the_order_of_the_network():
  network, variables = made('resnet18')
  assert visualize.map_features(network, variables, IMAGES) == (
    'stem',
    *(f'stage{i}' for i in range(1, 5)),
  )


@pytest.mark.parametrize(
  ('name', 'feature'),
  [
    ('convnet', 'stem'),
    ('convnet', 'stage2'),
    ('resnet9', 'stage1'),
    ('resnet18', 'stem'),
    ('resnet18', 'stage4'),
  ],
)
def test_the_relu_of_what_was_before_is_what_comes_after(name, feature):
  network, variables = made(name)
  found = visualize.activations(network, variables, IMAGES, feature)
  _, features = network(variables, IMAGES)
  np.testing.assert_allclose(found.after, features[feature], atol=1e-4)
  np.testing.assert_array_equal(np.maximum(found.before, 0), found.after)
  assert found.before.min() < 0


def test_what_was_before_the_stem_is_what_its_batch_norm_gives():
  network, variables = made('convnet')
  found = visualize.activations(network, variables, IMAGES, 'stem')
  _, state = network(variables, IMAGES, capture_intermediates=True)
  expected = state['intermediates']['stem_norm']['__call__'][0]
  np.testing.assert_allclose(found.before, expected, atol=1e-5)


def test_half_precision_is_opened_as_well():
  network, variables = made('convnet', dtype='bfloat16')
  found = visualize.activations(network, variables, IMAGES, 'stage1')
  assert found.before.dtype == found.after.dtype == np.float32
  np.testing.assert_array_equal(np.maximum(found.before, 0), found.after)
  cams = visualize.grad_cam(
    network, variables, IMAGES, 'stage1', lambda x: x[:, 0]
  )
  assert (cams.dtype, cams.shape) == (np.float32, (3, 16, 16))


def test_a_feature_that_is_not_there_is_an_error():
  network, variables = made('convnet')
  with pytest.raises(KeyError, match='stage9'):
    visualize.activations(network, variables, IMAGES, 'stage9')


def test_a_sum_has_no_before():
  network, variables = made('resnet9')
  found = visualize.activations(network, variables, IMAGES, 'stage2')
  assert found.before is None
  assert found.after.shape == (3, 8, 8, 8)


class Averaged(nn.Module):
  """Maps, their averages, and a linear layer on these."""

  @nn.compact
  def __call__(self, x, *, train):
    maps = nn.relu(nn.Conv(5, (3, 3), name='conv')(x))
    return maps.mean(axis=(1, 2)), {'maps': maps}


def test_grad_cam_is_the_class_activation_map_of_a_linear_head():
  model = Averaged()
  variables = model.init(jax.random.key(0), IMAGES, train=False)
  network = functools.partial(model.apply, train=False)
  weights = np.random.default_rng(2).normal(size=(5, 7)).astype('float32')
  _, features = network(variables, IMAGES)
  classes = np.array([6, 0, 3])
  found = visualize.grad_cam(
    network,
    variables,
    IMAGES,
    'maps',
    lambda x: jnp.sum((x @ weights) * jax.nn.one_hot(classes, 7), axis=1),
  )
  for maps, label, one in zip(features['maps'], classes, found, strict=True):
    by_hand = sum(
      weights[f, label] * np.asarray(maps[..., f]) for f in range(5)
    )
    np.testing.assert_allclose(one, np.maximum(by_hand, 0) / 256, atol=1e-6)
  assert found.max() > 0


def test_grad_cam_weighs_maps_by_mean_slopes():
  """Of a stage with another one after it, which is built here by hand."""
  network, variables = made('convnet')
  weights = np.random.default_rng(5).normal(size=8).astype('float32')
  found = visualize.grad_cam(
    network, variables, IMAGES, 'stage1', lambda x: x @ weights
  )
  _, features = network(variables, IMAGES)
  maps = features['stage1']
  conv, norm = resnet.layers(
    train=False, dtype='float32', batch_norm_momentum=0.9, batch_norm_groups=1
  )
  stage = resnet.ResidualBlock(8, conv=conv, norm=norm, strides=2)
  own = {name: tree['stage2'] for name, tree in variables.items()}
  slopes = jax.grad(
    lambda x: jnp.sum(stage.apply(own, x).mean(axis=(1, 2)) @ weights)
  )(maps)
  expected = sum(
    np.asarray(slopes[..., f].mean(axis=(1, 2)))[:, None, None] * maps[..., f]
    for f in range(4)
  )
  np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-5)
  assert found.max() > 1e-3


def test_maps_as_large_as_images_keep_their_range():
  maps = np.random.default_rng(0).random((2, 4, 6)).astype(np.float32)
  large = visualize.enlarged(maps, 12, 18)
  assert large.shape == (2, 12, 18)
  assert maps.min() - 1e-6 <= large.min()
  assert large.max() <= maps.max() + 1e-6
  np.testing.assert_allclose(
    visualize.enlarged(np.full((1, 2, 2), 0.3, np.float32), 8, 8), 0.3
  )
