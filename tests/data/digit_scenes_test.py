"""Scenes of several digits: what is in them is what their labels say."""

import numpy as np
import pytest
from sklearn import datasets

from semisup_jax import data

from ..data_section import section


@pytest.fixture(scope='module')
def parts():
  return data.load(section(name='digit_scenes'))


def cells(part):
  """The four cells of each scene, as bytes; None of an empty one."""
  found = []
  for image in part.images[..., 0]:
    corners = (image[y : y + 8, x : x + 8] for y in (0, 8) for x in (0, 8))
    found.append([c.tobytes() if c.any() else None for c in corners])
  return found


@pytest.fixture(scope='module')
def known():
  """Digits by their pixels."""
  source = datasets.load_digits()
  images = np.rint(source.images * (255 / 16)).astype(np.uint8)
  assert len({image.tobytes() for image in images}) == len(images)
  return {
    image.tobytes(): label
    for image, label in zip(images, source.target, strict=True)
  }


@pytest.mark.parametrize('split', ['train', 'validation', 'test'])
def test_labels_are_those_of_the_digits_that_are_there(parts, known, split):
  part = parts[split]
  assert part.images.shape[1:] == (16, 16, 1)
  assert part.multi_label
  for scene, labels in zip(cells(part), part.labels, strict=True):
    there = {known[cell] for cell in scene if cell is not None}
    assert set(np.flatnonzero(labels)) == there


def test_no_digit_is_in_the_scenes_of_two_parts(parts):
  used = [
    {cell for scene in cells(part) for cell in scene if cell is not None}
    for part in parts.values()
  ]
  assert sum(map(len, used)) == len(set.union(*used))
  assert sum(len(part) for part in parts.values()) == 2100


def test_later_classes_are_rarer_and_some_scenes_are_empty(parts):
  counts = parts['train'].labels.sum(axis=0)
  assert counts[:3].min() > 2 * counts[-3:].max()
  assert counts.min() > 80
  for part in parts.values():
    assert (part.labels.sum(axis=1) == 0).any()
    assert (part.labels.sum(axis=1) == 4).any()


def test_scenes_are_always_the_same(parts):
  again = data.load(section(name='digit_scenes', classes=(1, 3), image_size=8))
  np.testing.assert_array_equal(
    again['test'].labels, parts['test'].labels[:, [1, 3]]
  )
  assert again['test'].images.shape == (400, 8, 8, 1)
  same = data.load(section(name='digit_scenes'))
  for split, part in parts.items():
    np.testing.assert_array_equal(same[split].images, part.images)
