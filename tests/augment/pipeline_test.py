"""What a string of ops means, how it fails, and who uses which key."""

import inspect
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax import augment
from semisup_jax.types import InputError


def _add_draw(key, image, scale=1.0):
  return image + scale * jax.random.uniform(key, (), image.dtype)


def _times(key, image, factor):
  return image * factor


_TABLE = {'add_draw': _add_draw, 'times': _times}


def _uint8(*shape):
  return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize('spec', ['', '  '])
def test_the_empty_string_is_the_identity(spec):
  image = jnp.ones((4, 3, 1))
  assert augment.parse(spec, _TABLE)(jax.random.key(0), image) is image


def test_ops_apply_from_left_to_right_with_the_key_of_their_position():
  key, image = jax.random.key(3), jnp.ones((2, 2, 1))
  transform = augment.parse('times(2)| add_draw |add_draw(scale=-3.5)', _TABLE)
  draw = [
    jax.random.uniform(jax.random.fold_in(key, position))
    for position in range(3)
  ]
  expected = 2 + draw[1] - 3.5 * draw[2]
  np.testing.assert_allclose(transform(key, image), expected * image, rtol=1e-6)


def test_an_op_more_changes_no_draw_before_it():
  key, image = jax.random.key(3), jnp.ones((2, 2, 1))
  short = augment.parse('add_draw|add_draw', _TABLE)
  long = augment.parse('add_draw|add_draw|times(1)|times(1)', _TABLE)
  np.testing.assert_array_equal(short(key, image), long(key, image))


@pytest.mark.parametrize(
  ('spec', 'messages'),
  [
    ('flip', ["unknown augmentation 'flip'", 'equalize, flip_left_right']),
    ('noise(0.1)|blur(3)', ["unknown augmentation 'blur'", 'gaussian_blur']),
    ('flip_left_right||noise(0.1)', ["cannot read augmentation ''"]),
    ('|', ["cannot read augmentation ''"]),
    ('noise(0.1', ["cannot read augmentation 'noise(0.1'"]),
    ('noise(0.1) noise(0.2)', ['cannot read']),
    ('noise(x)', ["cannot read augmentation 'noise(x)'", 'literal']),
    ('noise(1 + 1)', ['cannot read']),
    ('noise(*(0.1,))', ['cannot read']),
    ("noise(**{'std': 0.1})", ['cannot read']),
    ('noise(std=0.1, std=0.2)', ['cannot read']),
    ('noise({[]: 1})', ['cannot read']),
    ('a.noise(0.1)', ['cannot read']),
    ('"noise"', ['cannot read']),
    ('noise', ["'noise': missing", "'std'", 'use noise(std)']),
    ('noise(0.1, 0.2)', ['too many positional', 'use noise(std)']),
    ('flip_left_right(q=0.1)', ["'q'", 'use flip_left_right(p=0.5)']),
    ('noise(0.1, key=1)', ["'key'", 'use noise(std)']),
    ('flip_left_right(1.5)', ["'flip_left_right(1.5)': p must", 'got 1.5']),
    ("flip_left_right('a')", ['p must be a number', "got 'a'"]),
    ('grayscale(-0.1)', ['p must be a number in [0, 1], got -0.1']),
    ('noise(-1)', ['std must be a number at least 0, got -1']),
    ('noise(1e999)', ['std must be a number', 'got inf']),
    (f'noise({10**400})', ['noise(1000']),
    ('random_resized_crop(1.0, 0.2)', ['scale', 'least <= most']),
    ('random_resized_crop(0.2, 2)', ['scale must be', 'got 2']),
    ('random_resized_crop(0.2, 1, ratio=(2, 1))', ['ratio']),
    ('random_crop(-1)', ['padding', 'got -1']),
    ("random_crop(1, mode='wrong')", ['constant, reflect', "'wrong'"]),
    ('color_jitter(0.4, 0.4, 0.4)', ["'hue'", 'p=1.0']),
    ('color_jitter(0.4, 0.4, 0.4, 0.6)', ['hue must', 'got 0.6']),
    ('gaussian_blur(0, 1)', ['sigma']),
    ('gaussian_blur(1, 2, kernel_size=4)', ['kernel_size', 'odd']),
    ('random_affine(15, 1.1, 0, 0)', ['scale must be a pair']),
    ('random_affine(15, (0.8, 1.2), 90, 0)', ['shear']),
    ('sharpness(-1)', ['amount must', 'got -1']),
    ('solarize(0.5, 2)', ['threshold must', 'got 2']),
    ('posterize(0.5)', ["'bits'", 'use posterize(p, bits)']),
    ('posterize(0.5, 4.5)', ['bits must be a whole number, got 4.5']),
    ('equalize', ["'p'", 'use equalize(p)']),
    ('cutout(16)', ['size must be a number in [0, 1], got 16']),
    ('rand_augment(0)', ['count must be a number at least 1, got 0']),
    ('rand_augment(2, 10)', ['magnitude must', 'got 10', '[0, 1]']),
    ('normalize', ["'mean'", 'use normalize(mean, std)']),
    ('normalize(0.5, 0)', ['std positive']),
    ('normalize(0.5, "a")', ["'normalize(0.5"]),
    ('normalize((0.5, 0.5), 1)', ['one a channel']),
  ],
)
def test_a_bad_string_fails_in_one_line_that_says_why(spec, messages):
  with pytest.raises(InputError) as caught:
    augment.parse(spec, augment.OPS)
  line = str(caught.value)
  assert '\n' not in line
  for message in messages:
    assert message in line


def test_ops_are_checked_on_the_given_shape():
  table = augment.with_statistics([0.5] * 4, [0.5] * 4)
  augment.parse('normalize', table, image_shape=(8, 8, 4))
  with pytest.raises(InputError, match='one a channel'):
    augment.parse('normalize', table, image_shape=(8, 8, 1))
  with pytest.raises(InputError, match='1 or 3 channels, got 4'):
    augment.parse('grayscale(1)', table, image_shape=(8, 8, 4))


def test_parsing_starts_no_backend():
  # So that the command line can check a config before it sets up devices.
  lines = [
    'import jax',
    'from semisup_jax import augment',
    'table = augment.with_statistics([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])',
    "spec = 'random_resized_crop(0.2, 1.0)|random_crop(2)|flip_left_right'",
    "spec += '|color_jitter(0.4, 0.4, 0.4, 0.1)|grayscale(0.2)|noise(0.1)'",
    "spec += '|gaussian_blur(0.1, 2.0)|random_affine(15, (1, 2), 9, 0.1)'",
    "spec += '|sharpness(0.9)|solarize(0.2)|posterize(0.2, 4)|cutout(0.5)'",
    "spec += '|autocontrast(0.2)|equalize(0.2)|rand_augment(2)'",
    "augment.parse(spec + '|normalize', table)",
    "jax.config.update('jax_num_cpu_devices', 3)  # Fails once one is started.",
    'assert jax.device_count() == 3',
  ]
  subprocess.run([sys.executable, '-c', '\n'.join(lines)], check=True)


def test_statistics_make_normalize_need_no_arguments():
  table = augment.with_statistics((0.1, 0.2, 0.3), (0.5, 0.5, 0.25))
  assert {**table, 'normalize': None} == {**augment.OPS, 'normalize': None}
  images = _uint8(2, 4, 3, 3)
  result = augment.preprocess(augment.parse('normalize', table), images)
  expected = (images / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.5, 0.25]
  np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
  given = augment.parse('normalize(0.5, std=0.5)', table)
  np.testing.assert_allclose(
    augment.preprocess(given, images), images / 127.5 - 1, atol=1e-6
  )


def test_every_op_takes_key_and_image_first():
  for op in augment.OPS.values():
    assert [*inspect.signature(op).parameters][:2] == ['key', 'image']


def test_no_two_views_share_a_key():
  keys = augment.view_keys(jax.random.key(0), 64, 5)
  assert keys.shape == (64, 5)
  data = np.reshape(jax.random.key_data(keys), (64 * 5, -1))
  assert len(np.unique(data, axis=0)) == 64 * 5


def test_a_views_key_comes_of_the_view_and_the_row():
  key, images = jax.random.key(1), _uint8(5, 4, 3, 3)
  result = augment.views(_add_draw, key, images, 3)
  assert result.shape == (5, 3, 4, 3, 3)
  for row, view in np.ndindex(5, 3):
    own = jax.random.fold_in(jax.random.fold_in(key, view), row)
    expected = _add_draw(own, images[row].astype(np.float32) / 255)
    np.testing.assert_allclose(result[row, view], expected, rtol=1e-6)


@pytest.mark.parametrize(
  ('images', 'dtype', 'message'),
  [
    (np.zeros((2, 4, 4, 1), np.float32), jnp.float32, 'got float32'),
    (np.zeros((4, 4, 1), np.uint8), jnp.float32, r'\[4, 4, 1\]'),
    (np.zeros((2, 4, 4, 1), np.uint8), jnp.bfloat16, 'bfloat16'),
  ],
)
def test_images_are_uint8_and_views_are_not_narrow(images, dtype, message):
  with pytest.raises(ValueError, match=message):
    augment.views(_add_draw, jax.random.key(0), images, 2, dtype)
  with pytest.raises(ValueError, match=message):
    augment.preprocess(_add_draw, images, dtype)
