"""Boxes against slices, and where cutout puts them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from semisup_jax.augment import boxes
from semisup_jax.types import InputError


@pytest.mark.parametrize('length', [0, 1, 2, 5, 7, 20])
def test_a_stretch_is_a_slice_about_its_centre(length):
  for center in range(7):
    expected = np.zeros(7, bool)
    start = center - length // 2
    expected[max(start, 0) : max(start + length, 0)] = True
    np.testing.assert_array_equal(boxes.stretch(7, center, length), expected)


def test_stretches_come_in_batches():
  centers, lengths = jnp.array([1, 3, 5]), jnp.array([2, 1, 4])
  many = boxes.stretch(6, centers, lengths)
  assert many.shape == (3, 6)
  for row in range(3):
    one = boxes.stretch(6, int(centers[row]), int(lengths[row]))
    np.testing.assert_array_equal(many[row], one)


def test_fill_box_is_a_slice(make_image):
  image = make_image(9, 12, 3)
  expected = image.copy()
  expected[2:7, 8:12] = 0.25  # Rows 4 - 2 on; columns 10 - 2 on, clipped.
  ours = boxes.fill_box(jnp.array(image), (4, 10), (5, 5), fill=0.25)
  np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
  ('height', 'width', 'size', 'sides'),
  [(8, 12, 0.5, (4, 6)), (9, 8, 0.5, (5, 4)), (8, 8, 0.3, (2, 2))],
)
def test_cutout_greys_a_box_about_every_pixel(draw, height, width, size, sides):
  image = jnp.ones((height, width, 3))
  result = draw(60 * height * width, boxes.random_cutout, image, size)
  assert set(np.unique(result)) == {0.5, 1.0}
  grey = result < 1
  np.testing.assert_array_equal(grey, grey[..., :1] & np.ones(3, bool))
  found, counts = np.unique(grey[..., 0], axis=0, return_counts=True)
  expected = []
  for row, column in np.ndindex(height, width):
    top, left = row - sides[0] // 2, column - sides[1] // 2
    box = np.zeros((height, width), bool)
    box[max(top, 0) : top + sides[0], max(left, 0) : left + sides[1]] = True
    expected.append(box)
  shapes, times = np.unique(expected, axis=0, return_counts=True)
  np.testing.assert_array_equal(found, shapes)
  assert scipy.stats.chisquare(counts, 60 * times).pvalue > 1e-3


def test_cutout_of_nothing_and_with_another_fill(make_image):
  image, key = jnp.array(make_image(8, 8, 1)), jax.random.key(0)
  np.testing.assert_array_equal(boxes.random_cutout(key, image, 0), image)
  black = boxes.random_cutout(key, image + 1, 0.5, fill=0)
  assert np.min(black) < 0.5


@pytest.mark.parametrize(
  ('args', 'kwargs', 'message'),
  [
    ((-0.1,), {}, 'size must'),
    ((1.5,), {}, 'size must'),
    (('1',), {}, 'size must'),
    ((0.5,), {'fill': 2}, 'fill must'),
  ],
)
def test_cutout_refuses_bad_amounts(args, kwargs, message):
  with pytest.raises(InputError, match=message):
    boxes.random_cutout(
      jax.random.key(0), jnp.zeros((8, 8, 1)), *args, **kwargs
    )
