"""Who may be learned from, and who is only tested on."""

import dataclasses

import numpy as np
import pytest

from semisup_jax.data import drawing, splits
from semisup_jax.data.dataset import Dataset
from semisup_jax.data.folds import read_fold
from semisup_jax.types import InputError

LABELS = np.repeat(np.arange(3, dtype=np.int32), [60, 30, 10])
DEFAULTS = {
  'labels_per_class': 4,
  'labels_total': None,
  'labels_skip': 0,
  'unlabelled_total': None,
  'unlabelled_includes_labelled': True,
  'validation_fraction': 0.1,
  'test_fraction': 0.2,
  'seed': 0,
}


def dataset(labels=LABELS):
  # Each image says which it is.
  images = np.zeros((len(labels), 4, 4, 1), np.uint8)
  images[:, 0, 0, 0] = np.arange(len(labels))
  return Dataset(images, labels, ('a', 'b', 'c'))


def identities(part):
  return set(part.images[:, 0, 0, 0].tolist())


@pytest.mark.parametrize('seed', [0, 1, 2])
@pytest.mark.parametrize('included', [True, False])
def test_parts_are_disjoint_and_stratified(seed, included):
  made = splits.make_splits(
    {'train': dataset()},
    **{**DEFAULTS, 'seed': seed, 'unlabelled_includes_labelled': included},
  )
  test, validation = identities(made.test), identities(made.validation)
  learned = set(made.unlabelled.tolist()) | set(made.labelled.tolist())
  assert not test & validation
  assert not (test | validation) & learned
  assert len(test | validation | learned) == 100
  np.testing.assert_array_equal(np.bincount(made.test.labels), [12, 6, 2])
  np.testing.assert_array_equal(
    np.bincount(made.train.labels[made.labelled]), [4, 4, 4]
  )
  np.testing.assert_array_equal(made.known, sorted(learned))
  assert made.overlap == (12 if included else 0)
  assert len(made.unlabelled) == (72 if included else 60)


def test_the_test_part_is_the_same_under_every_seed():
  tests = [
    splits.make_splits({'train': dataset()}, **{**DEFAULTS, 'seed': seed})
    for seed in (0, 1)
  ]
  assert identities(tests[0].test) == identities(tests[1].test)
  assert identities(tests[0].validation) != identities(tests[1].validation)
  other = splits.make_splits({'train': dataset()}, **DEFAULTS, test_seed=1)
  assert identities(other.test) != identities(tests[0].test)


def test_official_parts_are_kept():
  official = dataset().take(np.arange(10))
  made = splits.make_splits(
    {'train': dataset(), 'validation': official, 'test': official}, **DEFAULTS
  )
  assert made.validation is official
  assert made.test is official
  assert len(made.unlabelled) == 100


def test_images_without_labels_are_learned_from_and_nothing_else():
  both = dataset(np.append(LABELS, np.full(30, -1, np.int32)))
  made = splits.make_splits({'train': both}, **DEFAULTS)
  plain = splits.make_splits({'train': dataset()}, **DEFAULTS)
  assert len(made.train) == 130
  np.testing.assert_array_equal(made.labelled, plain.labelled)
  np.testing.assert_array_equal(
    made.unlabelled, [*plain.unlabelled, *range(100, 130)]
  )
  assert len(made.validation) == len(plain.validation)
  assert made.train.labels[made.labelled].min() >= 0


def test_a_total_of_unlabelled_images_counts_those_of_unknown_class():
  both = dataset(np.append(LABELS, np.full(100, -1, np.int32)))
  fields = {
    **DEFAULTS,
    'labels_per_class': 'all',
    'unlabelled_includes_labelled': False,
  }
  nested = []
  for total in (10, 60):
    made = splits.make_splits(
      {'train': both}, **{**fields, 'unlabelled_total': total}
    )
    assert len(made.unlabelled) == total
    assert made.unlabelled.min() >= 100
    nested.append(set(made.unlabelled.tolist()))
  assert nested[0] < nested[1]


def test_labels_and_validation_come_from_a_fold_and_the_rest_is_unlabelled():
  test = dataset(LABELS[::10])
  fold = np.array([*range(0, 40), *range(60, 80), *range(90, 100)])
  for labels in ({'labels_per_class': 'all'}, {'labels_total': 30}):
    made = splits.make_splits(
      {'train': dataset(), 'test': test},
      **{
        **DEFAULTS,
        'labels_per_class': None,
        **labels,
        'unlabelled_includes_labelled': False,
      },
      fold=fold,
    )
    validation = identities(made.validation)
    assert len(validation) == 7  # A tenth of the fold.
    assert validation <= set(fold.tolist())
    assert set(made.labelled.tolist()) <= set(fold.tolist()) - validation
    left = set(range(100)) - validation - set(made.labelled.tolist())
    assert set(made.unlabelled.tolist()) == left
  assert len(made.labelled) == 30


def test_a_fold_needs_labels_and_a_test_part():
  parts = {'train': dataset()}
  with pytest.raises(InputError, match='a test part of its own'):
    splits.make_splits(parts, **DEFAULTS, fold=np.arange(50))
  with pytest.raises(InputError, match='names image 100, which has no label'):
    splits.make_splits(
      {**parts, 'test': dataset()}, **DEFAULTS, fold=np.arange(40, 101)
    )


def folds(path, text, fold=0):
  path.write_text(text)
  return {'folds': str(path), 'fold': fold}


def test_a_fold_is_a_line_of_a_file(tmp_path):
  config = folds(tmp_path / 'folds.txt', '3 1 2 \n4 0\n', fold=1)
  np.testing.assert_array_equal(read_fold(config), [0, 4])
  assert read_fold({'folds': None, 'fold': 0}) is None


@pytest.mark.parametrize(
  ('text', 'fold', 'message'),
  [
    ('1 2\n3', 2, r'data.fold must be in 0 to 1, .* has 2 fold.s.; got 2'),
    ('1 2\n3', -1, 'got -1'),
    ('1 two', 0, "whole numbers, got 'two'"),
    ('1 -2', 0, "whole numbers, got '-2'"),
    ('1 2 1', 0, 'fold 0 .* names an image twice'),
  ],
)
def test_a_file_of_folds_that_is_none_is_named(tmp_path, text, fold, message):
  with pytest.raises(InputError, match=message):
    read_fold(folds(tmp_path / 'folds.txt', text, fold))


def test_a_file_of_folds_that_is_not_there_is_named(tmp_path):
  config = {'folds': str(tmp_path / 'none.txt'), 'fold': 0}
  with pytest.raises(
    InputError, match=r'data\.folds: .*none.txt cannot be read'
  ):
    read_fold(config)


@pytest.mark.parametrize(
  'draw', [drawing.draw_labelled, drawing.draw_stratified]
)
def test_draws_are_nested_seeded_and_different(draw):
  more = {'num_classes': 3} if draw is drawing.draw_labelled else {}
  small = draw(LABELS, 3, seed=(0, 1), **more)
  large = draw(LABELS, 7, seed=(0, 1), **more)
  assert set(small) <= set(large)
  np.testing.assert_array_equal(small, draw(LABELS, 3, seed=(0, 1), **more))
  others = [tuple(draw(LABELS, 3, seed=(0, i), **more)) for i in range(20)]
  assert len(set(others)) > 10


def two_sets(*, inside, first=20, second=40):
  """A labelled set, and a larger one, without and with labels."""
  counted = {**DEFAULTS, 'labels_per_class': None}
  parts = {'train': dataset()}
  without = splits.make_splits(
    parts,
    **{
      **counted,
      'labels_total': first,
      'unlabelled_total': second,
      'unlabelled_includes_labelled': inside,
    },
  )
  skip = 0 if inside else first
  labelled = splits.make_splits(
    parts, **{**counted, 'labels_total': second, 'labels_skip': skip}
  )
  return without, labelled


@pytest.mark.parametrize('inside', [True, False])
def test_a_larger_set_is_the_same_with_and_without_its_labels(inside):
  without, labelled = two_sets(inside=inside)
  np.testing.assert_array_equal(without.unlabelled, labelled.labelled)
  assert (len(without.labelled), len(without.unlabelled)) == (20, 40)
  assert without.overlap == (20 if inside else 0)
  # 72 images in the proportions 6 to 3 to 1.
  counts = np.bincount(without.train.labels[without.unlabelled])
  np.testing.assert_allclose(counts, [24, 12, 4], atol=1)


def test_images_that_are_in_no_set_are_not_learned_from():
  without, _ = two_sets(inside=True)
  assert len(without.known) == 40
  assert without.counts()['unlabelled'] == 40


def test_a_total_of_unlabelled_images_holds_for_labels_a_class_too():
  fields = {'unlabelled_total': 30, 'unlabelled_includes_labelled': False}
  made = splits.make_splits({'train': dataset()}, **{**DEFAULTS, **fields})
  assert (len(made.unlabelled), made.overlap) == (30, 0)


def test_every_image_is_equally_likely_to_be_drawn():
  counts = np.zeros(100)
  for i in range(2000):
    counts[drawing.draw_labelled(LABELS, 3, seed=(i,), num_classes=3)] += 1
  expected = np.repeat(2000 * 3 / np.array([60, 30, 10]), [60, 30, 10])
  chi_square = np.sum((counts - expected) ** 2 / expected)
  assert chi_square < 150  # 97 degrees of freedom: p < 0.0005 beyond.


@pytest.mark.parametrize('count', [10, 37, 100])
def test_a_count_keeps_the_classes_proportions(count):
  rows = drawing.draw_stratified(LABELS, count, seed=(0,))
  got = np.bincount(LABELS[rows], minlength=3)
  np.testing.assert_allclose(got, count * np.array([0.6, 0.3, 0.1]), atol=1)
  assert got.sum() == count


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'labels_per_class': 9}, '9 labels a class.*class 2 has'),
    ({'labels_per_class': 0}, "positive integer or 'all', got 0"),
    ({'labels_per_class': None}, 'exactly one of'),
    ({'labels_total': 5}, 'exactly one of.*got 4 and 5'),
    ({'labels_per_class': None, 'labels_total': 99}, '99 .*of 72 there are'),
    (
      {'labels_per_class': None, 'labels_total': 9, 'labels_skip': 70},
      'after 70 that are skipped,',
    ),
    ({'labels_skip': 1}, 'needs data.labels_total'),
    ({'unlabelled_total': 11}, 'must be 12 to 72 here, got 11'),
    (
      {'unlabelled_total': 61, 'unlabelled_includes_labelled': False},
      'must be 1 to 60 here, got 61',
    ),
    ({'validation_fraction': 0.0}, 'between 0 and 1, got 0.0'),
    ({'test_fraction': 1.5}, 'data.test_fraction.*got 1.5'),
    ({'validation_fraction': 0.001}, 'leaves a part empty'),
    (
      {'labels_per_class': 'all', 'unlabelled_includes_labelled': False},
      'none is left unlabelled',
    ),
  ],
)
def test_impossible_splits_are_refused(fields, message):
  with pytest.raises(InputError, match=message):
    splits.make_splits({'train': dataset()}, **{**DEFAULTS, **fields})


def grouped(seed=0):
  """Three classes; groups of 1 to 5 images, and some images of no group."""
  random = np.random.default_rng(seed)
  sizes = random.integers(1, 6, 40)
  groups = np.repeat(np.arange(40), sizes)[:100].astype(np.int32)
  groups = np.concatenate([groups, np.full(100 - len(groups), -1, np.int32)])
  return dataclasses.replace(dataset(), groups=random.permutation(groups))


@pytest.mark.parametrize('seed', [0, 1, 2, 3])
def test_a_group_is_on_one_side_of_every_split(seed):
  made = splits.make_splits(
    {'train': grouped(seed)}, **{**DEFAULTS, 'seed': seed}
  )
  sides = [
    set(part.groups[part.groups >= 0].tolist())
    for part in (made.train.take(made.known), made.validation, made.test)
  ]
  for i in range(3):
    for j in range(i):
      assert not sides[i] & sides[j]
  # About the shares that were asked for, of all and of the classes.
  assert abs(len(made.test) - 20) < 5  # The largest group.
  assert abs(len(made.validation) - 8) < 5
  np.testing.assert_allclose(
    np.bincount(made.test.labels, minlength=3), [12, 6, 2], atol=4
  )


def test_the_unlabelled_images_of_a_group_that_is_tested_on_are_left_out():
  labels = np.concatenate([LABELS, np.full(20, -1)]).astype(np.int32)
  groups = np.concatenate([np.arange(100) // 2, np.arange(20) * 2 % 50])
  groups[::10] = -1
  whole = dataclasses.replace(dataset(labels), groups=groups.astype(np.int32))
  made = splits.make_splits({'train': whole}, **DEFAULTS)
  held_out = np.concatenate([made.validation.groups, made.test.groups])
  held_out = set(held_out[held_out >= 0].tolist())
  left = np.setdiff1d(np.arange(100, 120), made.unlabelled)
  assert len(left)
  for row in range(100, 120):
    assert (int(groups[row]) in held_out) == (row in left)


def test_groups_that_are_too_large_to_hold_one_out_are_named():
  groups = (np.arange(100) % 2).astype(np.int32)
  whole = dataclasses.replace(dataset(), groups=groups)
  with pytest.raises(
    InputError,
    match='no groups make up about 20 of 100 labelled images; '
    'there are 2 groups, the largest of 50 images',
  ):
    splits.make_splits({'train': whole}, **DEFAULTS)
