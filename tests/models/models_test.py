"""Shapes, parameter counts, types and names of the networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax import models
from semisup_jax.models import resnet
from semisup_jax.types import InputError

RESNET = {
  'name': 'resnet18',
  'stem': 'cifar',
  'width': 8,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
CONVNET = {
  'name': 'convnet',
  'width': 8,
  'strides': (1, 2),
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}
SQUEEZENET = {'name': 'squeezenet1_1', 'dtype': 'float32', 'remat': False}
RESNET9 = {
  'name': 'resnet9',
  'width': 8,
  'dropout': 0.2,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}


def shapes(model, size=32, channels=3):
  image = jax.ShapeDtypeStruct((2, size, size, channels), jnp.float32)
  key = jax.random.key(0)
  variables = jax.eval_shape(
    lambda k, x: model.init(k, x, train=False), key, image
  )
  apply = lambda v, x: model.apply(v, x, train=False)  # noqa: E731
  return variables, *jax.eval_shape(apply, variables, image)


def count(tree):
  return sum(x.size for x in jax.tree.leaves(tree))


@pytest.mark.parametrize(
  ('name', 'parameters', 'channels'),
  [
    # 20 BatchNorm layers have 4,800 channels, each a mean and a variance.
    ('resnet18', 11_689_512, 4_800),
    ('resnet34', 21_797_672, 8_512),
    ('resnet50', 25_557_032, 26_560),
    ('squeezenet1_0', 1_248_424, 0),
    ('squeezenet1_1', 1_235_496, 0),
  ],
)
def test_networks_have_torchvisions_parameters(name, parameters, channels):
  config = {**RESNET, 'stem': 'imagenet', 'width': 64}
  model = models.MODELS[name](config, 1000)
  variables, logits, _ = shapes(model, size=224)
  assert count(variables['params']) == parameters
  assert count(variables.get('batch_stats', {})) == 2 * channels
  assert logits.shape == (2, 1000)


@pytest.mark.parametrize(
  ('stem', 'stem_side', 'stage_sides'),
  [('cifar', 32, (32, 16, 8, 4)), ('imagenet', 16, (8, 4, 2, 1))],
)
def test_resnet_stages_halve_and_are_named(stem, stem_side, stage_sides):
  _, output, features = shapes(models.make_encoder({**RESNET, 'stem': stem}))
  assert output.shape == (2, 64)
  assert features['stem'].shape == (2, stem_side, stem_side, 8)
  for i, side in enumerate(stage_sides):
    assert features[f'stage{i + 1}'].shape == (2, side, side, 8 * 2**i)
  assert features['pooled'].shape == (2, 64)


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_relu_and_its_gradient_are_those_of_jax(dtype):
  rng = np.random.default_rng(0)
  x, slopes = jnp.asarray(rng.normal(size=(2, 4, 5, 6)), dtype)
  x = x.at[0].set(0)  # Where the slope is 0.
  found, backward = jax.vjp(resnet.relu, x)
  expected, of_jax = jax.vjp(jax.nn.relu, x)
  np.testing.assert_array_equal(found, expected)
  np.testing.assert_array_equal(*backward(slopes), *of_jax(slopes))
  assert jnp.isnan(resnet.relu(x * jnp.nan)).all()


def test_stride_two_pads_both_sides_as_torch_does():
  # 'SAME' would pad one side only: its output at (0, 0) sees other pixels.
  config = {**RESNET, 'stem': 'imagenet', 'width': 1}
  model = models.make_encoder(config)
  x = jnp.zeros((1, 8, 8, 1)).at[0, 3, 3].set(1.0)
  variables = model.init(jax.random.key(0), x, train=False)
  ones = jax.tree.map(jnp.ones_like, variables)
  _, features = model.apply(ones, x, train=False)
  # BatchNorm of ones maps 0 to 0 and 1 to 1 + small before ReLU adds the bias.
  seen = np.asarray(features['stem'][0, :, :, 0]) > 0.5
  by_hand = np.zeros((4, 4), bool)
  for i in range(4):
    for j in range(4):
      rows, columns = range(2 * i - 3, 2 * i + 4), range(2 * j - 3, 2 * j + 4)
      by_hand[i, j] = 3 in rows and 3 in columns
  np.testing.assert_array_equal(seen, by_hand)


def test_a_bottleneck_has_its_stride_in_the_3x3_and_four_times_the_width():
  config = {**RESNET, 'name': 'resnet50'}
  variables, output, features = shapes(models.make_encoder(config))
  assert output.shape == (2, 8 * 8 * 4)
  assert features['stage1'].shape == (2, 32, 32, 8 * 4)
  assert features['stage4'].shape == (2, 4, 4, 8 * 8 * 4)
  block = variables['params']['stage2_block1']
  kernels = [block[f'Conv_{i}']['kernel'].shape for i in range(3)]
  assert kernels == [(1, 1, 32, 16), (3, 3, 16, 16), (1, 1, 16, 64)]


def test_no_pixel_is_lost_to_the_stride_of_a_bottleneck():
  # A stride in the first 1x1 would not see those in odd rows and columns.
  conv, norm = resnet.layers(
    train=False,
    dtype=jnp.float32,
    batch_norm_momentum=0.9,
    batch_norm_groups=1,
  )
  block = resnet.Bottleneck(2, conv=conv, norm=norm, strides=2)
  x = 1 + jnp.arange(16.0).reshape(1, 4, 4, 1)
  variables = jax.tree.map(jnp.ones_like, block.init(jax.random.key(0), x))
  grad = jax.grad(lambda y: block.apply(variables, y).sum())(x)
  assert (grad > 0).all()


@pytest.mark.parametrize(
  ('name', 'size', 'sides'),
  [
    # Of torchvision's networks: 109 px become 54 where there is no ceil_mode.
    ('squeezenet1_0', 224, (109, 54, 54, 54, 27, 27, 27, 27, 13)),
    ('squeezenet1_0', 227, (111, 55, 55, 55, 27, 27, 27, 27, 13)),
    ('squeezenet1_1', 224, (111, 55, 55, 27, 27, 13, 13, 13, 13)),
    ('squeezenet1_1', 64, (31, 15, 15, 7, 7, 3, 3, 3, 3)),
    # An even side leaves one row over, which is pooled as well.
    ('squeezenet1_0', 61, (28, 14, 14, 14, 7, 7, 7, 7, 3)),
    ('squeezenet1_0', 8, (1, 1, 1, 1, 1, 1, 1, 1, 1)),
  ],
)
def test_squeezenets_stages_are_named_and_pooled(name, size, sides):
  model = models.make_encoder({**SQUEEZENET, 'name': name})
  _, output, features = shapes(model, size=size)
  assert output.shape == (2, 512)
  assert tuple(features[stage].shape[1] for stage in model.stages) == sides
  assert features['fire9'].shape[-1] == 512
  assert set(features) == {*model.stages, 'pooled'}


def test_squeezenet_drops_features_before_its_classifier_alone():
  model = models.squeezenet1_1(SQUEEZENET, 5)
  x = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))
  variables = model.init(jax.random.key(1), x, train=False)

  still, features = model.apply(variables, x, train=False)
  rngs = {'dropout': jax.random.key(2)}
  moved, others = model.apply(variables, x, train=True, rngs=rngs)
  np.testing.assert_array_equal(others['pooled'], features['pooled'])
  assert (np.asarray(moved) != still).any()


def test_squeezenet_refuses_images_that_its_first_kernel_does_not_fit():
  model = models.make_encoder({**SQUEEZENET, 'name': 'squeezenet1_0'})
  with pytest.raises(InputError, match='at least 7 px, got 6 x 9'):
    model.init(jax.random.key(0), jnp.zeros((1, 6, 9, 3)), train=False)


def test_convnet_keeps_or_halves_by_its_strides():
  _, output, features = shapes(models.make_encoder(CONVNET), 8, channels=1)
  assert features['stage1'].shape == (2, 8, 8, 8)
  assert features['stage2'].shape == (2, 4, 4, 16)
  assert output.shape == (2, 16)


def test_resnet9_has_the_published_networks_parameters():
  variables, output, features = shapes(
    models.make_encoder({**RESNET9, 'width': 64})
  )
  # The courses' network of ten classes counts 6,575,370, with a bias in each
  # convolution, of 2,240 channels in all, and a linear layer of 512 x 10 + 10.
  assert count(variables['params']) == 6_575_370 - 2_240 - 5_130
  assert output.shape == (2, 512)
  sides = [features[f'stage{i}'].shape[1] for i in (1, 2, 3, 4)]
  assert sides == [32, 16, 8, 4]


def test_resnet9_takes_images_of_any_size():
  _, output, features = shapes(models.make_encoder(RESNET9), size=97)
  assert features['stage4'].shape == (2, 12, 12, 64)
  assert output.shape == (2, 64)


def test_dropout_drops_its_share_in_training_alone():
  model = models.make_encoder({**RESNET9, 'dropout': 0.25})
  x = jax.random.normal(jax.random.key(0), (64, 8, 8, 1))
  variables = model.init(jax.random.key(1), x, train=False)

  def apply(seed):
    (output, features), _ = model.apply(
      variables,
      x,
      train=True,
      mutable=['batch_stats'],
      rngs={'dropout': jax.random.key(seed)},
    )
    return np.asarray(output), np.asarray(features['pooled'])

  output, pooled = apply(2)
  alive = pooled > 0
  kept = output[alive] > 0
  assert 0.7 < kept.mean() < 0.8
  np.testing.assert_allclose(
    output[alive][kept], pooled[alive][kept] / 0.75, rtol=1e-6
  )
  assert (apply(3)[0] != output).any()
  still, features = model.apply(variables, x, train=False)
  np.testing.assert_array_equal(still, features['pooled'])


@pytest.mark.parametrize('dropout', [-0.1, 1.0])
def test_dropout_out_of_its_range_is_refused(dropout):
  with pytest.raises(InputError, match=r'model.dropout must be in \[0, 1\)'):
    models.make_encoder({**RESNET9, 'dropout': dropout})


@pytest.mark.parametrize(
  'config', [RESNET, CONVNET, RESNET9], ids=lambda c: c['name']
)
def test_bfloat16_computes_narrow_and_keeps_parameters_and_output_wide(config):
  variables, output, features = shapes(
    models.make_encoder({**config, 'dtype': 'bfloat16'})
  )
  assert {x.dtype for x in jax.tree.leaves(variables)} == {jnp.dtype('float32')}
  assert features['stage1'].dtype == jnp.bfloat16
  assert output.dtype == jnp.float32


@pytest.mark.parametrize('momentum', [0.9, 0.5])
def test_batch_norm_momentum_is_the_share_of_the_old_statistics(momentum):
  model = models.make_encoder({**CONVNET, 'batch_norm_momentum': momentum})
  x = jax.random.normal(jax.random.key(0), (16, 8, 8, 1))
  variables = model.init(jax.random.key(1), x, train=False)
  (_, features), updates = model.apply(
    variables, x, train=True, mutable=['batch_stats']
  )
  del features
  conv = variables['params']['stem_conv']['kernel']
  y = jax.lax.conv_general_dilated(
    x, conv, (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  mean, var = y.mean((0, 1, 2)), y.var((0, 1, 2))
  stats = updates['batch_stats']['stem_norm']
  np.testing.assert_allclose(stats['mean'], (1 - momentum) * mean, atol=1e-5)
  expected = momentum + (1 - momentum) * var  # The biased one.
  np.testing.assert_allclose(stats['var'], expected, rtol=1e-4)


def test_training_mode_has_no_default():
  model = models.make_encoder(CONVNET)
  with pytest.raises(TypeError, match='train'):
    model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))


def test_encoder_with_head_keeps_their_variables_apart():
  encoder = models.make_encoder(CONVNET)
  projector = models.ProjectionHead(
    hidden=12,
    output=5,
    hidden_layers=1,
    dtype=jnp.float32,
    batch_norm_momentum=0.9,
    batch_norm_groups=1,
  )
  model = models.EncoderWithHead(encoder, projector)
  x = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
  variables = model.init(jax.random.key(1), x, train=False)
  output, features = model.apply(variables, x, train=False)
  assert output.shape == (4, 5)
  alone, _ = encoder.apply(models.encoder_variables(variables), x, train=False)
  np.testing.assert_array_equal(alone, features['embedding'])


def test_a_linear_head_is_picked_out_of_a_models_variables():
  head = models.ClassificationHead(num_classes=3, dtype=jnp.float32)
  model = models.EncoderWithHead(
    models.make_encoder({'name': 'pixels', 'dtype': 'float32'}), head
  )
  x = jax.random.normal(jax.random.key(0), (4, 2, 2, 1))
  variables = model.init(jax.random.key(1), x, train=False)
  variables = jax.tree.map(lambda v: v + jnp.arange(3.0), variables)
  logits, features = model.apply(variables, x, train=False)
  kernel, bias = models.linear_head(variables)
  np.testing.assert_allclose(
    features['embedding'] @ kernel + bias, logits, rtol=1e-5
  )


def test_a_predictor_goes_on_from_the_head():
  head = models.ProjectionHead(
    hidden=12,
    output=5,
    hidden_layers=1,
    dtype=jnp.float32,
    batch_norm_momentum=0.9,
    batch_norm_groups=1,
  )
  predictor = head.clone()
  model = models.EncoderWithHead(models.make_encoder(CONVNET), head, predictor)
  x = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
  variables = model.init(jax.random.key(1), x, train=False)
  assert set(variables['params']) == {'encoder', 'head', 'predictor'}
  output, features = model.apply(variables, x, train=False)
  own = {name: tree['predictor'] for name, tree in variables.items()}
  expected, _ = head.apply(own, output, train=False)
  np.testing.assert_array_equal(features['prediction'], expected)


def test_a_projector_can_end_in_batch_norm_without_scale_and_bias():
  head = models.ProjectionHead(
    hidden=12,
    output=5,
    hidden_layers=2,
    dtype=jnp.float32,
    batch_norm_momentum=0.9,
    batch_norm_groups=1,
    batch_norm_output=True,
  )
  x = 3 + jax.random.normal(jax.random.key(0), (64, 9))
  variables = head.init(jax.random.key(1), x, train=False)
  (z, _), _ = head.apply(variables, x, train=True, mutable=['batch_stats'])
  np.testing.assert_allclose(z.mean(0), np.zeros(5), atol=1e-5)
  np.testing.assert_allclose(z.std(0), np.ones(5), rtol=1e-2)
  assert set(variables['params']['Dense_2']) == {'kernel'}
  assert 'BatchNorm_2' not in variables['params']


@pytest.mark.parametrize('shape', [(8, 8, 1), (28, 28, 3), (5, 13, 1)])
def test_an_autoencoder_gives_back_images_of_any_size(shape):
  encoder = models.make_encoder({**CONVNET, 'strides': (2,)})
  decoder = models.Decoder(
    width=4,
    dtype=jnp.bfloat16,
    batch_norm_momentum=0.9,
    batch_norm_groups=1,
  )
  model = models.Autoencoder(encoder, decoder)
  x = jax.random.normal(jax.random.key(0), (3, *shape))
  variables = model.init(jax.random.key(1), x, train=False)
  embedding, features = model.apply(variables, x, train=False)
  pixels = features['reconstruction']
  assert pixels.shape == (3, *shape)
  assert pixels.dtype == jnp.float32
  assert 0 < pixels.min() <= pixels.max() < 1
  alone, _ = encoder.apply(models.encoder_variables(variables), x, train=False)
  np.testing.assert_array_equal(alone, embedding)
  # All there is to go by is the embedding.
  assert not np.array_equal(pixels[0], pixels[1])


def test_raw_pixels_are_an_encoder_without_variables():
  model = models.make_encoder({'name': 'pixels', 'dtype': 'float32'})
  x = jax.random.normal(jax.random.key(0), (3, 4, 5, 2))
  assert not model.init(jax.random.key(1), x, train=False)
  output, _ = model.apply({}, x, train=False)
  np.testing.assert_array_equal(output, np.asarray(x).reshape(3, 40))


def test_a_classifier_starts_at_equal_odds():
  head = models.ClassificationHead(7, dtype=jnp.float32)
  x = jax.random.normal(jax.random.key(0), (4, 9))
  variables = head.init(jax.random.key(1), x, train=False)
  logits, _ = head.apply(variables, x, train=True)
  np.testing.assert_array_equal(logits, np.zeros((4, 7)))


@pytest.mark.parametrize(
  ('config', 'message'),
  [
    (
      {**RESNET, 'name': 'resnet19'},
      'resnet19.*known: convnet, pixels, resnet18, resnet34, resnet50, resnet9',
    ),
    ({**RESNET, 'stem': 'mnist'}, "model.stem 'mnist'; known: cifar, imagenet"),
    ({**RESNET, 'dtype': 'float8'}, 'float8.*known: bfloat16'),
    ({**RESNET, 'width': 0}, 'at least 1, got 0'),
    ({**RESNET, 'batch_norm_momentum': 1.0}, r'in \[0, 1\), got 1.0'),
    ({**CONVNET, 'strides': (3,)}, r'got \(3,\)'),
  ],
)
def test_wrong_fields_are_named(config, message):
  with pytest.raises(InputError, match=message):
    models.make_encoder(config)


@pytest.mark.parametrize('field', ['batch_norm_groups', 'remat'])
def test_a_field_that_a_recipe_lacks_is_named(field):
  config = {name: value for name, value in CONVNET.items() if name != field}
  with pytest.raises(InputError, match=rf'needs model\.{field}, which'):
    models.make_encoder(config)
