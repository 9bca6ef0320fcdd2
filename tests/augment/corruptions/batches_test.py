"""What an image depends on, names and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.augment import corruptions
from semisup_jax.types import InputError

_NAMES = list(corruptions.CORRUPTIONS)
_ROWS = np.array([7, 0, 31, 2, 5], np.int32)


@pytest.fixture(scope='module')
def images(make_pixels):
  return np.stack([make_pixels(12, 14, 3, seed) for seed in range(5)])


@functools.cache
def _compiled(name, severity):
  return jax.jit(
    functools.partial(corruptions.corrupt, name=name, severity=severity)
  )


def _corrupt(images, rows, name, severity=5, seed=0):
  return np.asarray(_compiled(name, severity)(images, rows, seed=seed))


def test_the_names_are_those_of_the_paper():
  assert (
    *('gaussian_noise', 'shot_noise', 'impulse_noise'),
    *('defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur'),
    *('snow', 'frost', 'fog', 'brightness'),
    *('contrast', 'elastic_transform', 'pixelate', 'jpeg_compression'),
  ) == corruptions.COMMON
  assert (
    *('speckle_noise', 'gaussian_blur', 'spatter', 'saturate'),
  ) == corruptions.EXTRA
  for name in _NAMES:
    assert corruptions.CORRUPTIONS[name].__name__ == name


# What draws no random numbers.
_FIXED = [
  *('defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate'),
  *('jpeg_compression', 'gaussian_blur', 'saturate'),
]


@pytest.mark.parametrize('name', _NAMES)
def test_an_image_depends_on_itself_its_row_and_the_seed_alone(images, name):
  result = _corrupt(images, _ROWS, name)
  assert result.dtype == np.uint8
  assert result.shape == images.shape
  assert np.any(result != images)
  order = np.array([3, 1, 4, 0, 2])
  shuffled = _corrupt(images[order], _ROWS[order], name)
  np.testing.assert_array_equal(shuffled, result[order])
  # On 8 devices, which have one image each, of which three are padding.
  everywhere = corruptions.corrupt_all(
    images, rows=_ROWS, name=name, severity=5, seed=0
  )
  np.testing.assert_array_equal(everywhere, result)
  is_fixed = name in _FIXED
  other_rows = _corrupt(images, _ROWS + 1, name)
  assert np.array_equal(other_rows, result) == is_fixed
  assert np.array_equal(_corrupt(images, _ROWS, name, seed=1), result) == (
    is_fixed
  )


def test_corruptions_and_severities_draw_their_own_numbers(images):
  # These replace values wherever their uniform numbers are small.
  flipped = [
    _corrupt(images, _ROWS, 'impulse_noise', severity) != images
    for severity in (4, 5)
  ]
  assert not np.all(flipped[1][flipped[0]])
  grey = np.full((1, 32, 32, 3), 128, np.uint8)
  added = [
    _corrupt(grey, _ROWS[:1], name, 1).ravel().astype(float)
    for name in ('gaussian_noise', 'speckle_noise')
  ]
  assert abs(np.corrcoef(added)[0, 1]) < 0.1


@pytest.mark.parametrize('name', ['motion_blur', 'zoom_blur', 'shot_noise'])
def test_batches_of_other_sizes_give_the_same(make_pixels, name):
  images = np.stack([make_pixels(10, 9, 1, seed) for seed in range(21)])
  expected = _corrupt(images, np.arange(21), name, 3, seed=5)
  for batch_size in (3, 16, 1000):
    result = corruptions.corrupt_all(
      images, name=name, severity=3, seed=5, batch_size=batch_size
    )
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize('name', ['motion_blur', 'elastic_transform'])
def test_taking_images_together_rounds_a_few_values_otherwise(images, name):
  together = functools.partial(
    corruptions.corrupt, name=name, severity=5, seed=0, at_once=2
  )
  result = np.asarray(jax.jit(together)(images, _ROWS))
  difference = np.abs(result.astype(int) - _corrupt(images, _ROWS, name))
  assert difference.max() <= 1
  assert np.mean(difference > 0) < 2e-3


def test_the_seed_may_be_a_number_or_traced(images):
  expected = _corrupt(images, _ROWS, 'gaussian_noise', 2, seed=3)
  eager = corruptions.corrupt(
    images, _ROWS, name='gaussian_noise', severity=2, seed=np.int64(3)
  )
  np.testing.assert_array_equal(eager, expected)


def test_no_images_are_no_work():
  none = np.zeros((0, 8, 8, 3), np.uint8)
  result = corruptions.corrupt_all(none, name='fog', severity=1, seed=0)
  assert result.shape == none.shape


@pytest.mark.parametrize('severity', [0, 6, 2.0, '3', True, None])
def test_a_wrong_severity_is_refused(images, severity):
  message = r'severity must be a (whole number|number in \[1, 5\]), got'
  for call in (
    functools.partial(corruptions.corrupt, images, _ROWS),
    functools.partial(corruptions.corrupt_all, images),
  ):
    with pytest.raises(InputError, match=message):
      call(name='fog', severity=severity, seed=0)
  with pytest.raises(InputError, match=message):
    corruptions.CORRUPTIONS['fog'](
      jax.random.key(0), jnp.zeros((8, 8, 3)), severity
    )


@pytest.mark.parametrize('name', ['Fog', 'mist', ''])
def test_an_unknown_corruption_is_refused_with_the_known_ones(images, name):
  message = f'unknown corruption {name!r}; known: brightness, contrast, '
  for call in (
    functools.partial(corruptions.corrupt, images, _ROWS),
    functools.partial(corruptions.corrupt_all, images),
  ):
    with pytest.raises(InputError, match=message):
      call(name=name, severity=1, seed=0)


def test_saturating_grey_images_is_refused():
  grey = np.zeros((2, 8, 8, 1), np.uint8)
  with pytest.raises(InputError, match='no colour to saturate'):
    corruptions.corrupt_all(grey, name='saturate', severity=1, seed=0)


@pytest.mark.parametrize(
  ('shape', 'dtype', 'message'),
  [
    ((2, 8, 8, 3), np.float32, r'must be uint8 \[N, H, W, C\] .* float32'),
    ((8, 8, 3), np.uint8, r'must be uint8 \[N, H, W, C\] .* \[8, 8, 3\]'),
    ((2, 8, 8, 2), np.uint8, '1 or 3 channels'),
    ((2, 7, 8, 3), np.uint8, 'at least 8x8 pixels, got 7x8'),
  ],
)
def test_wrong_images_are_refused(shape, dtype, message):
  with pytest.raises(ValueError, match=message):
    corruptions.corrupt_all(
      np.zeros(shape, dtype), name='fog', severity=1, seed=0
    )


@pytest.mark.parametrize(
  'rows', [np.arange(4), np.zeros((5, 1), int), np.zeros(5, np.float32)]
)
def test_wrong_rows_are_refused(images, rows):
  with pytest.raises(ValueError, match=r'rows must be int \[5\]'):
    corruptions.corrupt(images, rows, name='fog', severity=1, seed=0)


@pytest.mark.parametrize('field', ['batch_size', 'at_once'])
@pytest.mark.parametrize('value', [0, 2.5, True])
def test_wrong_sizes_are_refused(images, field, value):
  with pytest.raises(InputError, match=f'{field} must be a'):
    corruptions.corrupt_all(
      images, name='fog', severity=1, seed=0, **{field: value}
    )
