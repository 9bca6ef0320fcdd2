"""BatchNorm at test time: an independent slow form, and what must hold."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from flax import traverse_util

from semisup_jax import models
from semisup_jax.evaluation import batch_norm
from semisup_jax.evaluation.batch_norm import Mode, Scale, tent
from semisup_jax.types import InputError

SCALE = Scale(np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.25]))
ROWS = 16  # Of a pass; 37 images make three, the last one short.
MIXTURES = (Mode('source'), Mode('batch'), Mode('alpha', 4), Mode('ema', 0.8))
EPSILON = 1e-5


class Tiny(nn.Module):
  """Two norms, one of them without scale and bias; no convolution."""

  @nn.compact
  def __call__(self, x, *, train):
    norm = {'use_running_average': not train, 'epsilon': EPSILON}
    x = nn.relu(models.BatchNorm(**norm, name='norm1')(nn.Dense(5)(x)))
    plain = {'use_scale': False, 'use_bias': False, 'name': 'norm2'}
    x = models.BatchNorm(**norm, **plain)(nn.Dense(6)(x))
    return nn.Dense(4)(nn.relu(x).mean((1, 2))), {}


def convnet():
  """An encoder with shortcuts, as a config makes it, and a classifier."""
  encoder = models.make_encoder(
    {
      'name': 'convnet',
      'width': 4,
      'strides': (1, 2),
      'dtype': 'float32',
      'remat': False,
      'batch_norm_momentum': 0.9,
      'batch_norm_groups': 1,
    }
  )
  head = models.ClassificationHead(num_classes=4, dtype=jnp.float32)
  return models.EncoderWithHead(encoder, head)


def varied(model):
  """Variables of a model, no two of them alike."""
  first = model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False)
  rng = np.random.default_rng(1)

  def vary(x):
    factor = rng.uniform(1, 1.5, x.shape)
    offset = rng.uniform(-0.3, 0.3, x.shape)
    return (np.asarray(x) * factor + offset).astype(x.dtype)

  return jax.tree.map(vary, first)


@pytest.fixture(scope='module')
def images():
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (37, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope='module', params=['tiny', 'convnet'])
def case(request):
  """An adapter and its model's variables."""
  model = Tiny() if request.param == 'tiny' else convnet()
  adapter = batch_norm.Adapter(model, tent_learning_rate=1e-2, rows=ROWS)
  return adapter, varied(model)


def predicted(case, images, mode, batch_size):
  adapter, variables = case
  return adapter.logits(
    variables, images, mode, batch_size=batch_size, scale=SCALE
  )


def normalized(images):
  return ((images / 255 - SCALE.mean) / SCALE.std).astype(np.float32)


def slow_logits(variables, images, mode, batch_size):
  """`Tiny`, batch by batch, in float64."""
  weights, running = jax.tree.map(
    lambda x: np.asarray(x, np.float64),
    (variables['params'], variables['batch_stats']),
  )
  state = {n: (s['mean'].copy(), s['var'].copy()) for n, s in running.items()}

  def norm(x, name, scale, bias):
    n = len(x)
    source = running[name]['mean'], running[name]['var']
    own = x.mean((0, 1, 2)), x.var((0, 1, 2))
    if mode.name == 'source':
      mean, var = source
    elif mode.name == 'batch':
      mean, var = own
    elif mode.name == 'alpha':
      mean, var = (
        (mode.amount * s + n * o) / (mode.amount + n)
        for s, o in zip(source, own, strict=True)
      )
    else:
      mean, var = state[name] = tuple(
        mode.amount * b + (1 - mode.amount) * o
        for b, o in zip(state[name], own, strict=True)
      )
    return (x - mean) / np.sqrt(var + EPSILON) * scale + bias

  def dense(x, name):
    return x @ weights[name]['kernel'] + weights[name]['bias']

  found = []
  for start in range(0, len(images), batch_size):
    x = images[start : start + batch_size] / 255.0
    x = dense((x - SCALE.mean) / SCALE.std, 'Dense_0')
    x = np.maximum(norm(x, 'norm1', **weights['norm1']), 0)
    x = np.maximum(norm(dense(x, 'Dense_1'), 'norm2', 1.0, 0.0), 0)
    found.append(dense(x.mean((1, 2)), 'Dense_2'))
  return np.concatenate(found)


@pytest.mark.parametrize('batch_size', [1, 3, 8, 16])
@pytest.mark.parametrize('mode', MIXTURES, ids=lambda m: m.name)
def test_statistics_are_those_of_a_slow_loop(images, mode, batch_size):
  adapter = batch_norm.Adapter(Tiny(), tent_learning_rate=1.0, rows=ROWS)
  variables = varied(adapter.model)
  found = predicted((adapter, variables), images, mode, batch_size)
  expected = slow_logits(variables, images, mode, batch_size)
  np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_batch_and_source_are_flaxs_own_train_and_eval_mode(case, images):
  adapter, variables = case
  x = normalized(images[:ROWS])
  source, _ = adapter.model.apply(variables, x, train=False)
  (batch, _), _ = adapter.model.apply(
    variables, x, train=True, mutable=['batch_stats']
  )
  for mode, expected in (('source', source), ('batch', batch)):
    found = predicted(case, images[:ROWS], Mode(mode), ROWS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  assert np.abs(source - batch).max() > 0.05


def test_source_is_the_same_for_every_batch_size_and_order(case, images):
  expected = predicted(case, images, Mode('source'), 16)
  order = np.random.default_rng(2).permutation(len(images))
  for batch_size in (1, 5, 8):
    np.testing.assert_array_equal(
      predicted(case, images, Mode('source'), batch_size), expected
    )
    np.testing.assert_allclose(
      predicted(case, images[order], Mode('source'), batch_size),
      expected[order],
      rtol=1e-5,
      atol=1e-5,
    )


def test_the_short_last_batch_counts_and_padding_does_not(case, images):
  # 37 = 4 x 8 + 5, and the last pass has 11 rows that pad.
  for mode in (Mode('batch'), Mode('alpha', 4)):
    found = predicted(case, images, mode, 8)
    alone = predicted(case, images[32:], mode, 8)
    assert len(found) == len(images)
    np.testing.assert_allclose(found[32:], alone, rtol=1e-5, atol=1e-5)


def test_no_mode_changes_what_it_was_given(case, images):
  adapter, variables = case
  before = jax.tree.map(np.copy, variables)
  for mode in MIXTURES:
    predicted(case, images, mode, 8)
  adapter.recalibrated(variables, images, scale=SCALE)
  adapter.tent_logits(variables, images, batch_size=8, scale=SCALE)
  jax.tree.map(np.testing.assert_array_equal, before, variables)


def test_recalibrated_is_batch_with_the_whole_set_in_one(images):
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=1.0, rows=64)
  variables = varied(adapter.model)
  case = adapter, variables
  anew = adapter.recalibrated(variables, images, scale=SCALE)
  np.testing.assert_allclose(
    predicted((adapter, anew), images, Mode('source'), 8),
    predicted(case, images, Mode('batch'), 64),
    rtol=1e-4,
    atol=1e-5,
  )


def test_recalibrated_pools_the_moments_of_several_passes(images):
  adapter = batch_norm.Adapter(Tiny(), tent_learning_rate=1.0, rows=ROWS)
  variables = varied(adapter.model)
  anew = adapter.recalibrated(variables, images, scale=SCALE)
  # The first layer's input does not depend on how the set is divided.
  layer = variables['params']['Dense_0']
  x = normalized(images).astype(np.float64) @ layer['kernel'] + layer['bias']
  found = anew['batch_stats']['norm1']
  np.testing.assert_allclose(found['mean'], x.mean((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(found['var'], x.var((0, 1, 2)), rtol=1e-4)
  assert anew['params'] is variables['params']


@pytest.mark.parametrize(('prior', 'limit'), [(1e9, 'source'), (1e-9, 'batch')])
def test_alpha_tends_to_source_and_to_batch(case, images, prior, limit):
  np.testing.assert_allclose(
    predicted(case, images, Mode('alpha', prior), 8),
    predicted(case, images, Mode(limit), 8),
    rtol=1e-4,
    atol=1e-5,
  )


def test_without_a_shift_batch_comes_close_to_source_as_batches_grow():
  rng = np.random.default_rng(3)
  images = rng.integers(0, 256, (512, 8, 8, 3), dtype=np.uint8)
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=1.0, rows=256)
  trained = adapter.recalibrated(
    varied(adapter.model), images[:256], scale=SCALE
  )
  case, test = (adapter, trained), images[256:]
  source = predicted(case, test, Mode('source'), 1)
  off = [
    np.abs(predicted(case, test, Mode('batch'), size) - source).mean()
    for size in (2, 16, 256)
  ]
  assert off[0] > 2 * off[1] > 4 * off[2]
  assert off[2] < 0.1 * source.std()


def test_tent_without_a_rate_is_batch_and_moves_nothing(images):
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=0.0, rows=ROWS)
  variables = varied(adapter.model)
  found, state = adapter.tent_logits(
    variables, images, batch_size=8, scale=SCALE
  )
  expected = predicted((adapter, variables), images, Mode('batch'), 8)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  for path, value in tent.affine_parameters(variables).items():
    np.testing.assert_array_equal(state.affine[path], value)


def test_tent_is_adam_on_the_entropy_of_flaxs_train_mode(images):
  rate = 1e-2
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=rate, rows=ROWS)
  variables = varied(adapter.model)
  found, state = adapter.tent_logits(
    variables, images[:24], batch_size=8, scale=SCALE
  )
  flat = traverse_util.flatten_dict(variables['params'])
  learned = {
    path: value for path, value in flat.items() if 'norm' in path[-2].lower()
  }
  assert learned.keys() == state.affine.keys()
  tx = optax.adam(rate)
  adam = tx.init(learned)

  def logits(learned, x):
    params = traverse_util.unflatten_dict({**flat, **learned})
    (output, _), _ = adapter.model.apply(
      {**variables, 'params': params}, x, train=True, mutable=['batch_stats']
    )
    return output

  def entropy(learned, x):
    p = jax.nn.softmax(logits(learned, x))
    return -(p * jnp.log(p)).sum(-1).mean()

  for start in (0, 8, 16):
    x = normalized(images[start : start + 8])
    np.testing.assert_allclose(
      found[start : start + 8], logits(learned, x), rtol=2e-3, atol=2e-4
    )
    updates, adam = tx.update(jax.grad(entropy)(learned, x), adam)
    learned = optax.apply_updates(learned, updates)
  for path, value in learned.items():
    np.testing.assert_allclose(state.affine[path], value, rtol=0, atol=2e-4)
    assert np.abs(value - flat[path]).max() > rate / 2


def test_tent_goes_on_where_it_left_off_or_begins_anew(images):
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=1e-2, rows=ROWS)
  variables = varied(adapter.model)
  run = {'batch_size': 8, 'scale': SCALE}
  whole, _ = adapter.tent_logits(variables, images[:32], **run)
  first, state = adapter.tent_logits(variables, images[:16], **run)
  on, _ = adapter.tent_logits(variables, images[16:32], **run, state=state)
  anew, _ = adapter.tent_logits(variables, images[16:32], **run)
  np.testing.assert_array_equal(whole, np.concatenate([first, on]))
  assert np.abs(on - anew).max() > 1e-3


def test_the_short_last_batch_of_tent_is_not_padded_with_statistics(images):
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=1e-2, rows=ROWS)
  variables = varied(adapter.model)
  found, _ = adapter.tent_logits(
    variables, images[:5], batch_size=8, scale=SCALE
  )
  expected = predicted((adapter, variables), images[:5], Mode('batch'), 8)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_unnormalised_input_is_pixels_as_they_are_read(images):
  adapter = batch_norm.Adapter(convnet(), tent_learning_rate=1.0, rows=ROWS)
  variables = varied(adapter.model)
  found = adapter.logits(
    variables,
    images[:ROWS],
    Mode('source'),
    batch_size=4,
    scale=batch_norm.UNNORMALISED,
  )
  x = images[:ROWS].astype(np.float32)
  expected, _ = adapter.model.apply(variables, x, train=False)
  np.testing.assert_allclose(found, expected, rtol=1e-3)


AMOUNTS = {'alpha_priors': (1, 16), 'ema_momenta': (0.9,)}


def test_a_mode_stands_once_for_each_of_its_amounts():
  made = batch_norm.make_modes(('source', 'alpha', 'ema', 'tent'), **AMOUNTS)
  assert made == [
    Mode('source'),
    Mode('alpha', 1),
    Mode('alpha', 16),
    Mode('ema', 0.9),
    Mode('tent'),
  ]
  assert batch_norm.make_modes((), **AMOUNTS) == []


@pytest.mark.parametrize(
  ('names', 'fields', 'message'),
  [
    (('bach',), {}, "unknown evaluation.batch_norm.modes 'bach'; known: alph"),
    (('batch', 'batch'), {}, 'has one twice'),
    (('alpha',), {'alpha_priors': (0,)}, 'must be numbers above 0'),
    (('ema',), {'ema_momenta': (1.0,)}, r'must be numbers in \[0, 1\)'),
  ],
)
def test_modes_that_cannot_be_are_named(names, fields, message):
  with pytest.raises(InputError, match=message):
    batch_norm.make_modes(names, **{**AMOUNTS, **fields})
