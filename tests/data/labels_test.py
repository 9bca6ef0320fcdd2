"""Several labels an image: who is drawn, and what is held out."""

import dataclasses

import numpy as np
import pytest

from semisup_jax import data
from semisup_jax.data import drawing
from semisup_jax.data.dataset import Dataset
from semisup_jax.data.labels import any_positive
from semisup_jax.types import InputError

from .splits_test import DEFAULTS

ALL = {**DEFAULTS, 'labels_per_class': 'all'}

RANDOM = np.random.default_rng(0)
# A frequent label, a rare one, and one of three images.
LABELS = (RANDOM.uniform(size=(200, 3)) < [0.4, 0.08, 0]).astype(np.int32)
LABELS[[5, 60, 170], 2] = 1
COUNTS = LABELS.sum(axis=0)


def dataset(labels=LABELS, **fields):
  images = np.zeros((len(labels), 4, 4, 1), np.uint8)
  images[:, 0, 0, 0] = np.arange(len(labels))
  return Dataset(images, labels, ('a', 'b', 'c'), **fields)


def test_labels_say_who_is_known_who_is_of_what_and_who_is_alike():
  labels = np.array([[1, 0], [1, 1], [0, 0], [-1, -1], [1, 0]], np.int32)
  assert data.known(labels).tolist() == [True, True, True, False, True]
  np.testing.assert_array_equal(
    data.members(labels, 2),
    [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]],
  )
  assert data.label_counts(labels, 2).tolist() == [3, 1]
  strata = data.strata(labels)
  assert strata[0] == strata[4]
  assert len(set(strata.tolist())) == 4
  assert data.alone(labels).tolist() == [0, -1, -1, -1, 0]
  assert data.undecided(labels[[0, 1]]).tolist() == [True, False]


@pytest.mark.parametrize(
  ('labels', 'message'),
  [
    (np.zeros((4, 2), np.int32), r'must be int32 \[4, 3\]'),
    (np.zeros((3, 3), np.int32), r'must be int32 \[4, 3\]'),
    (np.full((4, 3), 2, np.int32), 'must be in 0 to 1, got 2 to 2'),
    (np.zeros((4, 3)), r'got float64 \[4, 3\]'),
  ],
)
def test_a_data_set_says_what_is_wrong_with_its_labels(labels, message):
  images = np.zeros((4, 4, 4, 1), np.uint8)
  with pytest.raises(InputError, match=message):
    Dataset(images, labels, ('a', 'b', 'c'))


@pytest.mark.parametrize('seed', range(4))
def test_parts_have_their_share_of_each_label(seed):
  unknown = np.full((40, 3), -1, np.int32)
  train = dataset(np.concatenate([LABELS, unknown]))
  made = data.make_splits({'train': train}, **{**ALL, 'seed': seed})
  assert made.counts() == {
    'unlabelled': 184,
    'labelled': 144,
    'validation': 16,
    'test': 40,
  }
  np.testing.assert_allclose(
    made.test.labels.sum(axis=0), 0.2 * COUNTS, atol=0.6
  )
  for part in (made.validation, made.test):
    assert part.labels.sum(axis=0).all()
    assert (part.labels >= 0).all()
  identities = [
    set(part.images[:, 0, 0, 0].tolist())
    for part in (made.validation, made.test)
  ]
  identities.append(set(made.known.tolist()))
  assert sum(map(len, identities)) == len(set.union(*identities)) == 240


def test_groups_stay_together_and_those_without_a_label_are_held_out_too():
  groups = np.repeat(np.arange(50, dtype=np.int32), 4)
  train = dataset(groups=groups)
  made = data.make_splits({'train': train}, **ALL)
  held_out = set(made.test.groups) | set(made.validation.groups)
  assert not held_out & set(groups[made.known])
  assert 30 <= len(made.test) <= 50
  without = (~made.test.labels.any(axis=1)).mean()
  assert without == pytest.approx((~LABELS.any(axis=1)).mean(), abs=0.1)


def test_so_many_images_are_drawn_for_each_label_and_with_none():
  before = np.arange(0)
  for k in (1, 2, 3):
    rows = drawing.draw_labelled(LABELS, k, seed=(0,), num_classes=3)
    has = data.members(LABELS[rows], 3)
    assert (has.sum(axis=0) >= k).all()
    assert 3 * k < len(rows) <= 4 * k
    assert len(set(rows)) == len(rows)
    assert set(before) <= set(rows)
    before = rows
  other = drawing.draw_labelled(LABELS, 3, seed=(1,), num_classes=3)
  assert set(other) != set(before)
  with pytest.raises(InputError, match='class 2 has 3 images to draw from'):
    drawing.draw_labelled(LABELS, 4, seed=(0,), num_classes=3)


def test_where_every_image_has_a_label_none_is_asked_for_without():
  labels = LABELS[LABELS.any(axis=1)]
  rows = drawing.draw_labelled(labels, 3, seed=(0,), num_classes=3)
  assert data.label_counts(labels[rows], 3).min() == 3


def test_a_total_is_of_the_combinations_in_their_proportions():
  rows = drawing.draw_stratified(LABELS, 50, seed=(0,))
  np.testing.assert_allclose(LABELS[rows].sum(0), COUNTS / 4, atol=2)
  fewer = drawing.draw_stratified(LABELS, 20, seed=(0,))
  assert set(fewer) <= set(rows)


def test_a_part_in_which_no_label_varies_is_refused():
  only = np.tile(np.array([1, 0, 0], np.int32), (12, 1))
  parts = {'train': dataset(), 'test': dataset(only)}
  with pytest.raises(InputError, match='all of the 12 test images or on none'):
    data.make_splits(parts, **ALL)
  none = dataclasses.replace(dataset(), labels=0 * LABELS)
  with pytest.raises(InputError, match='each label is on all labelled images'):
    data.check_labels({'train': none}, 'folder')


def test_images_with_all_labels_do_not_do_for_each_of_them():
  labels = np.repeat(np.array([[1, 1], [1, 0], [0, 0]], np.int32), 50, axis=0)
  rows = drawing.draw_labelled(labels, 10, seed=(0,), num_classes=2)
  assert len(rows) == 30
  assert 10 < labels[rows, 0].sum() == 20
  assert 10 <= labels[rows, 1].sum() < 20


def test_unlabelled_images_stay_unlabelled_in_two_classes():
  labels = np.array([[0, 1, 0], [0, 0, 0], [-1, -1, -1]], np.int32)
  found = any_positive(dataset(labels))
  assert found.labels.tolist() == [1, 0, -1]
  with pytest.raises(InputError, match='needs several labels an image'):
    any_positive(found)
