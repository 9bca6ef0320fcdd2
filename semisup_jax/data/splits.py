"""Which images are learned from, which choose, and which are only tested on."""

import dataclasses

import numpy as np

from semisup_jax.data import drawing
from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.data.labels import known, undecided
from semisup_jax.types import InputError


@dataclasses.dataclass(frozen=True)
class Splits:
  """Row numbers into `train`, and the two sets that are never trained on.

  Attributes:
    train: The source's training part, its unlabelled images last. Where the
      source has no official test or validation part, their images are among it,
      in rows that are not `known`.
    unlabelled: Rows whose images are used without their labels, int64 [U].
    labelled: Rows whose labels may be seen, int64 [L].
    validation: What chooses: regularization, checkpoints, recipes.
    test: What is reported, and chooses nothing.
  """

  train: Dataset
  unlabelled: np.ndarray
  labelled: np.ndarray
  validation: Dataset
  test: Dataset

  def counts(self) -> dict[str, int]:
    """Number of images in each part."""
    return {
      'unlabelled': len(self.unlabelled),
      'labelled': len(self.labelled),
      'validation': len(self.validation),
      'test': len(self.test),
    }

  @property
  def known(self) -> np.ndarray:
    """The rows of `train` that may be learned from, int64, sorted."""
    return np.union1d(self.unlabelled, self.labelled)

  @property
  def without_label(self) -> np.ndarray:
    """The unlabelled rows that are not labelled as well, int64, sorted."""
    return np.setdiff1d(self.unlabelled, self.labelled)

  @property
  def overlap(self) -> int:
    """How many unlabelled images are labelled ones as well."""
    return len(np.intersect1d(self.unlabelled, self.labelled))


def make_splits(
  parts: Parts,
  *,
  labels_per_class: int | str | None,
  labels_total: int | None,
  labels_skip: int,
  unlabelled_total: int | None,
  unlabelled_includes_labelled: bool,
  validation_fraction: float,
  test_fraction: float,
  seed: int,
  test_seed: int = 0,
  fold: np.ndarray | None = None,
) -> Splits:
  """Divides a data set for learning from few labels.

  Args:
    parts: What the source has: `train`, perhaps `validation` and `test`.
    labels_per_class: Labels that may be seen at all, of each class, or 'all'.
    labels_total: The same as a count over all classes, in their proportions;
      one of the two is None.
    labels_skip: How many of the images that `labels_total` draws from are
      passed over first, so that another draw of the same seed has them.
    unlabelled_total: How many images are used without labels, the classes, and
      the images of unknown class, in their proportions; None is as many as
      there are.
    unlabelled_includes_labelled: Whether the labelled images are among the
      unlabelled ones too, or apart from them.
    validation_fraction: Share of `train` for validation, where the source has
      no official one; stratified.
    test_fraction: The same for the test part.
    seed: Seeds validation and the labelled images.
    test_seed: Seeds the test part, where the source has no official one.
    fold: The rows of `train` whose labels may be seen at all, from `read_fold`:
      the labelled images and validation are among them, all others are
      unlabelled. None is every row that has a label.

  Raises:
    InputError: If a part would be empty, a class has too few images, or nothing
      can be told of any label in a part.
  """
  train = parts['train']
  test = parts.get('test')
  rows = np.flatnonzero(known(train.labels))
  if fold is not None:
    rows = _within(fold, rows, test)
  held_out = []
  if test is None:
    rows, apart = _hold_out(train, rows, test_fraction, 'test', (test_seed,))
    held_out.append(apart)
    test = train.take(apart)
  validation = parts.get('validation')
  if validation is None:
    rows, apart = _hold_out(
      train, rows, validation_fraction, 'validation', (seed, 1)
    )
    held_out.append(apart)
    validation = train.take(apart)
  _check_labels_vary({'validation': validation, 'test': test})
  drawn = _labelled(
    train.labels[rows],
    labels_per_class,
    labels_total,
    labels_skip,
    seed=(seed, 2),
    num_classes=train.num_classes,
  )
  labelled = rows[drawn]
  rows = _with_unlabelled(train, rows, fold)
  rows = _without_groups(train, rows, (validation, test))
  unlabelled = rows[
    drawing.draw_unlabelled(
      train.labels[rows],
      np.flatnonzero(np.isin(rows, labelled)),
      unlabelled_total,
      includes_labelled=unlabelled_includes_labelled,
      seed=(seed, 2),
    )
  ]
  splits = Splits(train, unlabelled, labelled, validation, test)
  parts_of_train = [splits.known, *held_out]
  apart = np.unique(np.concatenate(parts_of_train))
  assert len(apart) == sum(map(len, parts_of_train)), 'parts must be disjoint'
  return splits


def _check_labels_vary(held_out: dict[str, Dataset]) -> None:
  for what, part in held_out.items():
    if part.multi_label and undecided(part.labels).all():
      raise InputError(
        f'each label is on all of the {len(part)} {what} images or on none of '
        'them, so nothing can be told apart there; label more images'
      )


def _labelled(labels, per_class, total, skip, *, seed, num_classes):
  """Draws the labelled images by one of the two ways to count them."""
  if (per_class is None) == (total is None):
    raise InputError(
      'exactly one of data.labels_per_class and data.labels_total must be set; '
      f'got {per_class} and {total}; unset one with '
      '--config.data.labels_per_class=None'
    )
  if total is not None:
    return drawing.draw_stratified(labels, total, seed=seed, skip=skip)
  if skip:
    raise InputError(
      f'data.labels_skip={skip} needs data.labels_total, and no '
      'data.labels_per_class'
    )
  return drawing.draw_labelled(
    labels, per_class, seed=seed, num_classes=num_classes
  )


def _within(fold, labelled, test) -> np.ndarray:
  """The rows of a fold, of those that have a label; all must."""
  if test is None:
    raise InputError(
      'data.folds needs a data set with a test part of its own: what is in no '
      'fold is learned from without labels'
    )
  without = np.setdiff1d(fold, labelled)
  if len(without):
    raise InputError(
      f'data.folds names image {without[0]}, which has no label; the labelled '
      f'ones are {labelled[0]} to {labelled[-1]}'
    )
  return fold


def _with_unlabelled(train, rows, fold) -> np.ndarray:
  """`rows`, and those that have no label, or one that is not to be seen."""
  seen = known(train.labels)
  if fold is not None:
    seen = np.isin(np.arange(len(train)), fold)
  return np.union1d(rows, np.flatnonzero(~seen))


def _without_groups(train, rows, held_out) -> np.ndarray:
  """`rows` but for those whose group is one that is held out.

  Only unlabelled ones can be: of labelled images whole groups were held out.
  """
  if train.groups is None:
    return rows
  groups = np.concatenate([part.groups for part in held_out])
  inside = np.isin(train.groups[rows], groups[groups >= 0])
  return rows[~inside]


def _hold_out(train, rows, fraction, what, seed):
  """Splits `rows` into those that stay and a stratified share held out.

  Of images in groups whole groups are.
  """
  if not 0 < fraction < 1:
    raise InputError(
      f'data.{what}_fraction must be between 0 and 1, got {fraction}'
    )
  count = round(fraction * len(rows))
  if not 0 < count < len(rows):
    raise InputError(
      f'data.{what}_fraction={fraction} of {len(rows)} images leaves a part '
      'empty'
    )
  labels = train.labels[rows]
  if train.groups is None and train.multi_label:
    apart = drawing.draw_share(labels, count, seed=seed)
  elif train.groups is None:
    apart = np.sort(drawing.stratified_order(labels, seed)[:count])
  else:
    groups = train.groups[rows]
    apart = drawing.draw_groups(labels, groups, count, seed=seed)
    if not 0 < len(apart) < len(rows):
      raise InputError(
        f'data.{what}_fraction={fraction}: no groups make up about {count} of '
        f'{len(rows)} labelled images; there are '
        f'{len(np.unique(groups))} groups, the largest of '
        f'{np.unique(groups, return_counts=True)[1].max()} images'
      )
  return np.delete(rows, apart), rows[apart]
