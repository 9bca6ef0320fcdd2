"""Mixed batches, read off targets that name the row they come from."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from semisup_jax import augment
from semisup_jax.augment import mixing
from semisup_jax.types import InputError

_MIXES = ['mixup', 'cutmix', 'collage']
_SPLICES = ['cutmix', 'collage']


# Most of the time here is LLVM's, on code that runs once.
_jit = functools.partial(
  jax.jit, compiler_options={'xla_backend_optimization_level': 0}
)


def _images(count, height, width, channels=1):
  rng = np.random.default_rng(0)
  pixels = rng.normal(size=(count, height, width, channels))
  return jnp.array(pixels, jnp.float32)


@functools.cache
def _compiled(name, alpha, per):
  return _jit(lambda *args: augment.MIXING[name](*args, alpha=alpha, per=per))


def _mix(name, images, key=2, alpha=1.0, per='image'):
  """Mixes under jit; returns images, every row's partner and own weight."""
  return _read(_compiled(name, alpha, per), images, key)


def _read(mix, images, key=2):
  mixed, targets = mix(jax.random.key(key), images, jnp.eye(len(images)))
  assert mixed.shape == images.shape
  targets = np.array(targets)
  own = np.diag(targets).copy()
  np.fill_diagonal(targets, -1)  # Below every weight, which may be 0.
  partner = np.argmax(targets, axis=1)
  others = targets[np.arange(len(own)), partner]
  np.testing.assert_allclose(own + others, 1, atol=1e-6)
  return np.asarray(mixed), partner, own


def _kept(mixed, images, partner):
  """Returns bool [N, H, W], having checked that the rest is the partner's."""
  kept = np.all(mixed == images, axis=-1)
  taken = np.all(mixed == np.asarray(images)[partner], axis=-1)
  assert np.all(kept ^ taken)
  return kept


@pytest.mark.parametrize('n', [2, 33])
def test_partners_are_a_permutation_without_fixed_points(n):
  keys = jax.random.split(jax.random.key(0), 200)
  partners = _jit(jax.vmap(lambda key: mixing.derangement(key, n)))(keys)
  assert partners.dtype == jnp.int32
  rows = np.arange(n)
  np.testing.assert_array_equal(np.sort(partners), np.tile(rows, (200, 1)))
  assert np.all(partners != rows)


def test_every_cycle_is_as_likely():
  keys = jax.random.split(jax.random.key(1), 1200)
  partners = _jit(jax.vmap(lambda key: mixing.derangement(key, 4)))(keys)
  found, counts = np.unique(partners, axis=0, return_counts=True)
  assert len(found) == 6
  assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize('n', [0, 1])
def test_one_row_has_no_partner(n):
  with pytest.raises(ValueError, match=f'2 rows or more, got {n}'):
    mixing.derangement(jax.random.key(0), n)


@pytest.mark.parametrize('per', ['batch', 'image'])
def test_mixup_weighs_images_as_labels(per):
  images = _images(40, 7, 12, 3)
  mixed, partner, own = _mix('mixup', images, per=per)
  images = np.asarray(images)
  for row in range(40):
    expected = own[row] * images[row] + (1 - own[row]) * images[partner[row]]
    np.testing.assert_allclose(mixed[row], expected, atol=1e-5)


@pytest.mark.parametrize('per', ['batch', 'image'])
@pytest.mark.parametrize('name', _SPLICES)
def test_a_label_weighs_exactly_the_area_kept(name, per):
  images = _images(40, 7, 12, 3)
  mixed, partner, own = _mix(name, images, per=per)
  kept = _kept(mixed, images, partner)
  np.testing.assert_array_equal(own, np.float32(kept.sum((1, 2)) / 84))
  shapes = np.unique(kept, axis=0)
  assert len(shapes) == 1 if per == 'batch' else len(shapes) > 20


@pytest.mark.parametrize('name', _MIXES)
def test_the_partner_is_as_random_as_the_weight(name):
  images = _images(40, 7, 12, 3)
  _, partner, own = _mix(name, images, per='batch')
  _, other_partner, other_own = _mix(name, images, key=1, per='batch')
  assert len(np.unique(own)) == 1
  assert own[0] != other_own[0]
  assert np.any(partner != other_partner)
  np.testing.assert_array_equal(np.sort(partner), np.arange(40))


@pytest.mark.parametrize('alpha', [0.2, 1.0, 8.0])
def test_mixup_draws_from_the_beta_distribution_for_each_image(alpha):
  _, _, own = _mix('mixup', _images(1500, 1, 1), alpha=alpha)
  cdf = scipy.stats.beta(alpha, alpha).cdf
  assert scipy.stats.kstest(own, cdf).pvalue > 1e-3
  assert abs(np.corrcoef(own[1:], own[:-1])[0, 1]) < 0.1


def test_mixup_draws_from_the_beta_distribution_for_each_batch():
  images, targets = _images(2, 1, 1), jnp.eye(2)

  def mix(key):
    return mixing.mixup(key, images, targets, alpha=0.75, per='batch')[1]

  mixed = _jit(jax.vmap(mix))(jax.random.split(jax.random.key(0), 1500))
  np.testing.assert_array_equal(mixed[:, 0, 0], mixed[:, 1, 1])
  cdf = scipy.stats.beta(0.75, 0.75).cdf
  assert scipy.stats.kstest(np.asarray(mixed[:, 0, 0]), cdf).pvalue > 1e-3


@pytest.mark.parametrize('alpha', [1e-3, 1e5])
def test_extreme_alphas_give_weights_within_0_and_1(alpha):
  images = jnp.zeros((3000, 1, 1, 1))
  weight = np.asarray(
    mixing._draw_weights(jax.random.key(0), images, alpha, 'image')
  )
  assert weight.min() >= 0
  assert weight.max() <= 1
  outer = np.mean(np.abs(weight - 0.5) > 0.49)  # NaN would not count.
  assert outer > 0.9 if alpha < 1 else outer < 0.1
  assert abs(np.mean(weight) - 0.5) < 0.05


@pytest.mark.parametrize('weight', [0.0, 0.51, 1.0])
def test_cutmix_cuts_a_box_of_the_area_and_place_asked_for(monkeypatch, weight):
  monkeypatch.setattr(
    mixing, '_draw_weights', lambda *_: jnp.full((1200,), weight)
  )
  images = _images(1200, 10, 20)
  mix = functools.partial(mixing.cutmix, alpha=1.0, per='image')
  mixed, partner, _ = _read(_jit(mix), images)
  taken = ~_kept(mixed, images, partner)
  sides = []
  for axis, size in ((2, 10), (1, 20)):
    covered = taken.any(axis=axis)
    length = round(size * (1 - weight) ** 0.5)
    expected = [  # Box by box, for every centre on this side.
      [c - length // 2 <= i < c - length // 2 + length for i in range(size)]
      for c in range(size)
    ]
    boxes, counts = np.unique(covered, axis=0, return_counts=True)
    shapes, times = np.unique(expected, axis=0, return_counts=True)
    np.testing.assert_array_equal(boxes, shapes)
    if len(shapes) > 1:
      frequency = 1200 * times / size
      assert scipy.stats.chisquare(counts, frequency).pvalue > 1e-3
    sides.append(covered)
  np.testing.assert_array_equal(taken, sides[0][:, :, None] & sides[1][:, None])


def test_collage_cuts_once_either_way_and_keeps_either_side():
  images = _images(400, 10, 16)
  mixed, partner, own = _mix('collage', images, alpha=8.0)
  kept = _kept(mixed, images, partner)
  vertical = np.all(kept == kept[:, :1], axis=(1, 2))
  horizontal = np.all(kept == kept[:, :, :1], axis=(1, 2))
  whole = vertical & horizontal
  assert np.all(vertical | horizontal)
  assert np.all(own[whole] * (1 - own[whole]) == 0)
  kinds = []
  for cut, line in (
    (vertical & ~whole, kept[:, 0]),
    (horizontal & ~whole, kept[:, :, 0]),
  ):
    # One change along the line, so one cut.
    changes = np.sum(line[:, 1:] != line[:, :-1], axis=1)
    assert np.all(changes[cut] == 1)
    kinds += [np.sum(cut & line[:, 0]), np.sum(cut & ~line[:, 0])]
  assert scipy.stats.chisquare(kinds).pvalue > 1e-3


def test_collage_keeps_a_share_from_the_beta_distribution():
  images = jnp.array(np.random.default_rng(0).random((400, 100, 100, 1)))
  _, _, own = _mix('collage', images, alpha=2.0)
  cdf = scipy.stats.beta(2, 2).cdf
  # Rounded to hundredths: jittered back within them.
  own = own + np.random.default_rng(1).uniform(-0.005, 0.005, 400)
  assert scipy.stats.kstest(own, cdf).pvalue > 1e-3


@pytest.mark.parametrize('name', _MIXES)
def test_eager_jit_and_a_sharded_batch_agree(name):
  mesh = jax.make_mesh((8,), ('data',), axis_types=(AxisType.Auto,))
  sharded = NamedSharding(mesh, PartitionSpec('data'))
  mix = functools.partial(augment.MIXING[name], alpha=1.0, per='image')
  key = jax.random.key(3)
  images, targets = _images(16, 5, 6, 3), np.eye(16, dtype=np.float32)
  targets = 0.7 * targets + 0.3 / 16  # Soft ones.
  eager = mix(key, images, targets)
  jitted = _jit(mix)(key, images, targets)
  across = _jit(mix, out_shardings=sharded)(
    key, *jax.device_put((images, targets), sharded)
  )
  np.testing.assert_allclose(jitted[1].sum(axis=1), 1, atol=1e-6)
  assert np.any(np.abs(jitted[1] - targets) > 0.1)
  for a, b, c in zip(eager, jitted, across, strict=True):
    assert c.sharding.is_equivalent_to(sharded, c.ndim)
    np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(b, c, atol=1e-6)


@pytest.mark.parametrize('targets_dtype', ['float32', 'float64'])
@pytest.mark.parametrize('name', _MIXES)
def test_float64_images_meet_no_narrower_float(name, targets_dtype):
  mix = lambda *args: augment.MIXING[name](*args, alpha=1.0, per='image')  # noqa: E731
  with jax.enable_x64(True):
    images, targets = jnp.zeros((4, 5, 6, 1)), jnp.eye(4, dtype=targets_dtype)
    trace = jax.make_jaxpr(mix)(jax.random.key(0), images, targets)
  assert [x.dtype for x in trace.out_avals] == ['float64', targets_dtype]
  if targets_dtype == 'float64':
    assert 'f32' not in str(trace)


def test_none_returns_its_input():
  images, targets = _images(1, 2, 2), jnp.ones((1, 3))
  mixed = augment.MIXING['none'](None, images, targets, alpha=0, per='')
  assert mixed[0] is images
  assert mixed[1] is targets


@pytest.mark.parametrize(
  ('kwargs', 'message'),
  [
    ({'alpha': 0}, 'alpha must be a number above 0, got 0'),
    ({'alpha': -1.0}, 'alpha must be a number at least 0, got -1.0'),
    ({'alpha': float('nan')}, 'alpha must be a number'),
    ({'alpha': '1'}, "alpha must be a number at least 0, got '1'"),
    ({'per': 'row'}, "per must be one of batch, image, got 'row'"),
  ],
)
@pytest.mark.parametrize('name', _MIXES)
def test_bad_settings_are_refused(name, kwargs, message):
  with pytest.raises(InputError, match=message):
    _mix(name, _images(4, 2, 2), **kwargs)


@pytest.mark.parametrize(
  ('images', 'targets', 'message'),
  [
    (np.zeros((4, 2, 2, 1), np.uint8), jnp.eye(4), 'images must be float32'),
    (jnp.zeros((4, 2, 2, 1)), jnp.arange(4), r'\[4, 2, 2, 1\] and \[4\]'),
    (jnp.zeros((4, 2, 2, 1)), jnp.eye(4, dtype=int), 'targets must be float'),
    (jnp.zeros((4, 2, 2, 1)), jnp.eye(3), r'\[4, 2, 2, 1\] and \[3, 3\]'),
    (jnp.zeros((4, 2, 2)), jnp.eye(4), r'images must be \[N, H, W, C\]'),
    (jnp.zeros((1, 2, 2, 1)), jnp.eye(1), '2 rows or more, got 1'),
  ],
)
@pytest.mark.parametrize('name', _MIXES)
def test_bad_arrays_are_refused(name, images, targets, message):
  with pytest.raises(ValueError, match=message):
    augment.MIXING[name](
      jax.random.key(0), images, targets, alpha=1.0, per='batch'
    )
