"""Between torchvision's names and our variables, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from semisup_jax import models, weights
from semisup_jax.types import InputError
from semisup_jax.weights import safetensors

from . import made

SECTION = {
  'stem': 'imagenet',
  'width': 4,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
NETWORKS = (
  *('resnet18', 'resnet34', 'resnet50'),
  *('squeezenet1_0', 'squeezenet1_1'),
)


def network(name='resnet18', num_classes=None, **changes):
  return models.MODELS[name]({**SECTION, **changes}, num_classes)


def random_variables(model):
  """Of the right shapes; nothing has to be compiled for them."""
  x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
  shapes = jax.eval_shape(
    lambda x: model.init(jax.random.key(0), x, train=False), x
  )
  random = np.random.default_rng(0)
  return jax.tree.map(
    lambda leaf: random.normal(size=leaf.shape).astype(leaf.dtype), shapes
  )


def exported(tmp_path, model, variables):
  """The arrays of a file of ours, under torchvision's names."""
  weights.export(tmp_path / 'ours.safetensors', model, variables)
  return safetensors.decode((tmp_path / 'ours.safetensors').read_bytes())


def assert_same(found, expected):
  types = [jax.tree.map(lambda x: x.dtype, tree) for tree in (found, expected)]
  assert types[0] == types[1]
  jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize('num_classes', [None, 5])
@pytest.mark.parametrize('name', NETWORKS)
def test_what_was_exported_is_loaded_to_the_bit(tmp_path, name, num_classes):
  model = network(name, num_classes)
  variables = random_variables(model)
  exported(tmp_path, model, variables)
  found = weights.load(tmp_path / 'ours.safetensors', model)
  assert_same(found, variables)
  assert [path.name for path in tmp_path.iterdir()] == ['ours.safetensors']


@pytest.mark.parametrize(
  ('name', 'count', 'shapes'),
  [
    (
      'resnet18',
      102,  # Of 122, of which 20 count batches.
      {
        'conv1.weight': (4, 3, 7, 7),
        'bn1.running_var': (4,),
        'layer1.0.conv1.weight': (4, 4, 3, 3),
        'layer2.0.downsample.0.weight': (8, 4, 1, 1),
        'layer2.0.downsample.1.bias': (8,),
        'layer4.1.bn2.running_mean': (32,),
        'fc.weight': (5, 32),
        'fc.bias': (5,),
      },
    ),
    (
      'resnet50',
      267,
      {
        'layer1.0.downsample.0.weight': (16, 4, 1, 1),
        'layer3.5.conv3.weight': (64, 16, 1, 1),
        'layer4.2.bn3.weight': (128,),
        'fc.weight': (5, 128),
      },
    ),
    (
      'squeezenet1_0',
      52,
      {
        'features.0.weight': (96, 3, 7, 7),
        'features.7.squeeze.weight': (32, 256, 1, 1),
        'features.12.expand3x3.weight': (256, 64, 3, 3),
        'classifier.1.weight': (5, 512, 1, 1),
      },
    ),
    (
      'squeezenet1_1',
      52,
      {
        'features.0.weight': (64, 3, 3, 3),
        'features.6.squeeze.bias': (32,),
        'features.9.expand1x1.weight': (192, 48, 1, 1),
      },
    ),
  ],
)
def test_names_and_shapes_are_torchvisions(tmp_path, name, count, shapes):
  model = network(name, 5)
  arrays = exported(tmp_path, model, random_variables(model))
  assert len(arrays) == count
  assert {name: arrays[name].shape for name in shapes} == shapes


def test_kernels_are_turned_and_not_only_reshaped(tmp_path):
  model = network(num_classes=5)
  variables = random_variables(model)
  arrays = exported(tmp_path, model, variables)
  kernel = variables['params']['stem_conv']['kernel']
  assert kernel[5, 6, 2, 3] == arrays['conv1.weight'][3, 2, 5, 6]
  kernel = variables['params']['classifier']['kernel']
  assert kernel[7, 3] == arrays['fc.weight'][3, 7]


@pytest.mark.parametrize('name', ['resnet18', 'squeezenet1_1'])
def test_an_encoder_leaves_the_classifier_of_a_file_out(tmp_path, name):
  model = network(name, 5)
  variables = random_variables(model)
  arrays = exported(tmp_path, model, variables)
  arrays['bn1.num_batches_tracked'] = np.array(3)
  state = {f'module.{k}': made.tensor(x) for k, x in arrays.items()}
  (tmp_path / 'x.pth').write_bytes(made.zip_content({'state_dict': state}))
  found = weights.load(tmp_path / 'x.pth', network(name))
  del variables['params']['classifier']
  assert_same(found, variables)


@pytest.mark.parametrize('dtype', [np.float16, jnp.bfloat16, np.float64])
def test_other_types_become_those_that_training_keeps(tmp_path, dtype):
  model = network(dtype='bfloat16')
  arrays = exported(tmp_path, model, random_variables(model))
  narrow = {name: array.astype(dtype) for name, array in arrays.items()}
  (tmp_path / 'x').write_bytes(safetensors.encode(narrow))
  found = weights.load(tmp_path / 'x', model)
  assert {x.dtype.name for x in jax.tree.leaves(found)} == {'float32'}
  np.testing.assert_array_equal(
    found['params']['stem_norm']['scale'],
    narrow['bn1.weight'].astype(np.float32),
  )


def changed(tmp_path, change):
  """A file of ResNet-18 with other arrays."""
  model = network(num_classes=5)
  arrays = exported(tmp_path, model, random_variables(model))
  change(arrays)
  (tmp_path / 'x').write_bytes(safetensors.encode(arrays))
  return tmp_path / 'x'


def several(arrays):
  del arrays['bn1.bias']
  arrays['bn2.bias'] = arrays['bn1.weight']
  arrays['conv1.weight'] = arrays['conv1.weight'][:, :1]


def without_a_layer(arrays):
  for name in list(arrays):
    if name.startswith('layer4'):
      del arrays[name]


@pytest.mark.parametrize(
  ('change', 'name', 'message'),
  [
    (
      several,
      'resnet18',
      'it lacks: bn1.bias; it has besides: bn2.bias; of another shape: '
      'conv1.weight [4, 1, 7, 7], not [4, 3, 7, 7]',
    ),
    (
      without_a_layer,
      'resnet18',
      'it lacks: layer4.0.bn1.running_mean, layer4.0.bn1.running_var, '
      'layer4.0.bn2.running_mean and 22 more',
    ),
    (
      lambda arrays: None,
      'squeezenet1_0',
      'it lacks: features.0.bias, features.0.weight, '
      'features.3.expand1x1.bias and 47 more; it has besides: '
      'layer1.0.bn1.running_mean, layer1.0.bn1.running_var, '
      'layer1.0.bn2.running_mean and 99 more',
    ),
  ],
)
def test_what_does_not_fit_is_named_in_one_line(
  tmp_path, change, name, message
):
  path = changed(tmp_path, change)
  with pytest.raises(InputError) as caught:
    weights.load(path, network(name))
  assert str(caught.value) == f'{path} does not fit the network; {message}'


def test_a_classifier_that_a_file_lacks_is_named(tmp_path):
  model = network()
  exported(tmp_path, model, random_variables(model))
  with pytest.raises(InputError, match=r'it lacks: fc\.bias, fc\.weight$'):
    weights.load(tmp_path / 'ours.safetensors', network(num_classes=5))


def test_images_of_other_channels_need_other_weights(tmp_path):
  model = network()
  exported(tmp_path, model, random_variables(model))
  with pytest.raises(InputError, match=r'conv1.weight \[4, 3, 7, 7\], not \[4'):
    weights.load(tmp_path / 'ours.safetensors', model, image_shape=(32, 32, 1))


def test_networks_that_torchvision_lacks_are_refused(tmp_path):
  model = models.make_encoder({'name': 'pixels', 'dtype': 'float32'})
  message = 'weights are of a ResNet or a SqueezeNet, .* is a Pixels'
  with pytest.raises(InputError, match=message):
    weights.load(tmp_path / 'x', model)
  with pytest.raises(InputError, match=message):
    weights.export(tmp_path / 'x', model, {})
  assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
  model = network()
  with pytest.raises(InputError, match=r'cannot be written \(No such file'):
    weights.export(tmp_path / 'no' / 'x', model, random_variables(model))
  (tmp_path / 'taken').mkdir()
  with pytest.raises(InputError, match=r'cannot be written \(Is a directory'):
    weights.export(tmp_path / 'taken', model, random_variables(model))
  assert [path.name for path in tmp_path.iterdir()] == ['taken']


def test_a_variance_is_loaded_as_a_variance(tmp_path):
  model = network()
  variables = random_variables(model)
  flat = traverse_util.flatten_dict(variables['batch_stats'], sep='/')
  arrays = exported(tmp_path, model, variables)
  np.testing.assert_array_equal(
    arrays['layer3.0.downsample.1.running_var'],
    flat['stage3_block1/shortcut_norm/var'],
  )
  np.testing.assert_array_equal(
    arrays['layer1.1.bn2.running_mean'], flat['stage1_block2/BatchNorm_1/mean']
  )
