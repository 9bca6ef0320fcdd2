"""Each of the fourteen ops at its amounts, and which are drawn how often."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageOps
import pytest
import scipy.stats

from semisup_jax.augment import affine, color, rand_augment, tones
from semisup_jax.types import InputError


@functools.cache
def _compiled(magnitude):
  def apply(image, op, amount):
    return rand_augment.apply_op(image, op, amount, magnitude)

  options = {'xla_backend_optimization_level': 0}
  return jax.jit(apply, compiler_options=options)


def _apply(name, image, amount, magnitude=1.0):
  op = rand_augment.NAMES.index(name)
  return _compiled(magnitude)(jnp.asarray(image, jnp.float32), op, amount)


def _pixels(channels):
  pixels = np.random.default_rng(0).normal(110, 30, (20, 24, channels))
  return np.clip(pixels, 20, 230).astype(np.uint8)


def _enhance(enhancer, factor):
  return lambda picture: enhancer(picture).enhance(factor)


def test_the_list_is_fixmatchs():
  assert sorted(rand_augment.NAMES) == [
    'autocontrast',
    'brightness',
    'color',
    'contrast',
    'equalize',
    'identity',
    'posterize',
    'rotate',
    'sharpness',
    'shear_x',
    'shear_y',
    'solarize',
    'translate_x',
    'translate_y',
  ]


@pytest.mark.parametrize(
  ('name', 'amount', 'op'),
  [
    ('identity', 0.9, lambda picture: picture),
    ('autocontrast', 0.9, PIL.ImageOps.autocontrast),
    ('equalize', 0.9, PIL.ImageOps.equalize),
    ('brightness', 0.0, _enhance(PIL.ImageEnhance.Brightness, 0.95)),
    ('brightness', 1.0, _enhance(PIL.ImageEnhance.Brightness, 0.05)),
    ('color', 0.5, _enhance(PIL.ImageEnhance.Color, 0.5)),
    ('contrast', 0.5, _enhance(PIL.ImageEnhance.Contrast, 0.5)),
    ('sharpness', 1.0, _enhance(PIL.ImageEnhance.Sharpness, 0.05)),
    ('posterize', 0.0, lambda picture: picture),
    ('posterize', 0.39, lambda x: PIL.ImageOps.posterize(x, 7)),
    ('posterize', 0.99, lambda x: PIL.ImageOps.posterize(x, 4)),
    ('solarize', 0.5, lambda x: PIL.ImageOps.solarize(x, 128)),
    ('solarize', 0.7, lambda x: PIL.ImageOps.solarize(x, 77)),
  ],
)
def test_tones_are_pillows(name, amount, op):
  pixels = _pixels(3)
  expected = np.asarray(op(PIL.Image.fromarray(pixels)))
  ours = 255 * _apply(name, pixels / 255, amount)
  # Pillow rounds what is dull to 8 bits, and then the mixture.
  np.testing.assert_allclose(ours, expected, atol=1.6)


@pytest.mark.parametrize('amount', [0.0, 0.35, 0.8])
@pytest.mark.parametrize(
  ('name', 'matrix'),
  [  # From (x, y, 1) of the result to (x, y) of the image, about the centre.
    ('rotate', lambda t: [np.cos(t), np.sin(t), 0, -np.sin(t), np.cos(t), 0]),
    ('shear_x', lambda r: [1, r, 0, 0, 1, 0]),
    ('shear_y', lambda r: [1, 0, 0, r, 1, 0]),
    ('translate_x', lambda d: [1, 0, -24 * d, 0, 1, 0]),
    ('translate_y', lambda d: [1, 0, 0, 0, 1, -20 * d]),
  ],
)
def test_moves_are_pillows(make_image, name, matrix, amount):
  image = make_image(20, 24, 1)
  image[[0, -1]] = image[:, [0, -1]] = 0  # Pillow does not fade into the fill.
  limit = np.deg2rad(30) if name == 'rotate' else 0.3
  a, b, c, d, e, f = matrix(limit * (2 * amount - 1))
  c, f = c + 12 - 12 * a - 10 * b, f + 10 - 12 * d - 10 * e
  expected = PIL.Image.fromarray(image[..., 0]).transform(
    (24, 20),
    PIL.Image.Transform.AFFINE,
    (a, b, c, d, e, f),
    PIL.Image.Resampling.BILINEAR,
  )
  ours = _apply(name, image, amount)[..., 0]
  np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize('name', rand_augment.NAMES)
def test_magnitude_0_leaves_only_what_has_no_strength(make_image, name):
  image = make_image(20, 24, 3)
  result = np.asarray(_apply(name, image, 0.9, 0.0))
  if name in ('autocontrast', 'equalize'):
    op = getattr(tones, name)
    np.testing.assert_allclose(result, op(jnp.array(image)), atol=1e-6)
    assert np.any(result != image)
  else:  # Posterize rounds to 8 bits.
    atol = 0.51 / 255 if name == 'posterize' else 1e-5
    np.testing.assert_allclose(result, image, atol=atol)


def test_half_the_magnitude_is_half_the_way(make_image):
  image = make_image(20, 24, 3)
  turned = affine.affine(jnp.array(image), 15.0, 1.0, 0.0, (0.0, 0.0))
  dimmed = color.adjust_brightness(jnp.array(image), 1 - 0.475)
  posterized = tones.posterize(jnp.array(image), 6)
  solarized = tones.solarize(jnp.array(image), 0.5)
  for name, expected in (
    ('rotate', turned),
    ('brightness', dimmed),
    ('posterize', posterized),
    ('solarize', solarized),
  ):
    # The last number before 1, which an amount does not reach.
    ours = _apply(name, image, np.nextafter(np.float32(1), 0), 0.5)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize('name', rand_augment.NAMES)
@pytest.mark.parametrize('size', [(8, 8), (33, 17)])
def test_one_channel_and_any_size_will_do(make_image, name, size):
  image = make_image(*size, 1)
  result = np.asarray(_apply(name, image, 0.9))
  assert result.shape == image.shape
  assert result.min() >= -1e-6
  assert result.max() <= 1 + 1e-6
  changed = np.abs(result - image).max() > 1e-3
  small = name == 'equalize' and size == (8, 8)
  assert changed == (name not in ('identity', 'color') and not small)


def test_ops_and_strengths_are_uniform_and_independent(monkeypatch):
  drawn = []

  def record(image, op, amount, magnitude):
    drawn.append((op, amount))
    return image

  monkeypatch.setattr(rand_augment, 'apply_op', record)

  def draws(key):
    drawn.clear()
    rand_augment.rand_augment(key, jnp.zeros((8, 8, 1)), 3)
    ops, strengths = zip(*drawn, strict=True)
    return jnp.stack(ops), jnp.stack(strengths)

  keys = jax.random.split(jax.random.key(0), 700)
  ops, strengths = map(np.asarray, jax.jit(jax.vmap(draws))(keys))
  assert ops.shape == strengths.shape == (700, 3)
  counts = np.bincount(np.ravel(ops), minlength=14)
  assert len(counts) == 14
  assert scipy.stats.chisquare(counts).pvalue > 1e-3
  assert scipy.stats.kstest(np.ravel(strengths), 'uniform').pvalue > 1e-3
  correlation = np.corrcoef(np.concatenate([ops, strengths], 1).T)
  assert np.abs(correlation - np.eye(6)).max() < 0.16


def test_each_op_takes_what_the_last_one_gave(monkeypatch):
  steps = []

  def record(image, op, amount, magnitude):
    steps.append((image, image + 1 + amount, magnitude))
    return steps[-1][1]

  monkeypatch.setattr(rand_augment, 'apply_op', record)
  image = jnp.zeros((8, 8, 1))
  result = rand_augment.rand_augment(jax.random.key(0), image, 3, 0.7)
  befores, afters, magnitudes = zip(*steps, strict=True)
  assert befores[0] is image
  assert befores[1:] == afters[:-1]
  assert result is afters[-1]
  assert magnitudes == (0.7, 0.7, 0.7)


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    ((0,), 'count must be a number at least 1, got 0'),
    ((2.0,), 'count must be a whole number, got 2.0'),
    ((True,), 'count must'),
    ((2, 1.5), 'magnitude must'),
    ((2, -0.5), 'magnitude must'),
  ],
)
def test_bad_amounts_are_refused(args, message):
  with pytest.raises(InputError, match=message):
    rand_augment.rand_augment(jax.random.key(0), jnp.zeros((8, 8, 3)), *args)


def test_other_numbers_of_channels_are_refused():
  with pytest.raises(ValueError, match='1 or 3 channels, got 2'):
    rand_augment.rand_augment(jax.random.key(0), jnp.zeros((8, 8, 2)), 1)
