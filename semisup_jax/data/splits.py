"""Which images are learned from, which choose, and which are only tested on."""

import dataclasses

import numpy as np

from semisup_jax.data import drawing
from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.types import InputError

# A data set without an official test split gets the same one under every seed:
# what is tested on must not depend on the run.
TEST_SEED = 0


@dataclasses.dataclass(frozen=True)
class Splits:
  """Row numbers into `train`, and the two sets that are never trained on.

  Attributes:
    train: The source's training part, and after it its unlabelled one, if it
      has any. Where the source has no official test or validation part, their
      images are among it, in rows that are not `known`.
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
) -> Splits:
  """Divides a data set for learning from few labels.

  Args:
    parts: What the source has: `train`, perhaps `validation`, `test` and
      `unlabelled`.
    labels_per_class: Labels that may be seen at all, of each class, or 'all'.
    labels_total: The same as a count over all classes, in their proportions;
      one of the two is None.
    labels_skip: How many of the images that `labels_total` draws from are
      passed over first, so that another draw of the same seed has them.
    unlabelled_total: How many images of `train` are used without labels, the
      classes in their proportions; None is as many as there are.
    unlabelled_includes_labelled: Whether the labelled images are among the
      unlabelled ones too, or apart from them.
    validation_fraction: Share of `train` for validation, where the source has
      no official one; stratified.
    test_fraction: The same for the test part, under a seed that is fixed.
    seed: Seeds validation and the labelled images.

  Raises:
    InputError: If a part would be empty, or a class has too few images.
  """
  train = parts['train']
  test = parts.get('test')
  rows = np.arange(len(train))
  held_out = []
  if test is None:
    rows, apart = _hold_out(train, rows, test_fraction, 'test', (TEST_SEED,))
    held_out.append(apart)
    test = train.take(apart)
  validation = parts.get('validation')
  if validation is None:
    rows, apart = _hold_out(
      train, rows, validation_fraction, 'validation', (seed, 1)
    )
    held_out.append(apart)
    validation = train.take(apart)
  drawn = _labelled(
    train.labels[rows],
    labels_per_class,
    labels_total,
    labels_skip,
    seed=(seed, 2),
    num_classes=train.num_classes,
  )
  labelled = rows[drawn]
  unlabelled = rows[
    drawing.draw_unlabelled(
      train.labels[rows],
      drawn,
      unlabelled_total,
      includes_labelled=unlabelled_includes_labelled,
      seed=(seed, 2),
    )
  ]
  if 'unlabelled' in parts:
    start = len(train)
    train = _joined(train, parts['unlabelled'])
    unlabelled = np.concatenate([unlabelled, np.arange(start, len(train))])
  splits = Splits(train, unlabelled, labelled, validation, test)
  parts_of_train = [splits.known, *held_out]
  apart = np.unique(np.concatenate(parts_of_train))
  assert len(apart) == sum(map(len, parts_of_train)), 'parts must be disjoint'
  return splits


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


def _joined(train: Dataset, more: Dataset) -> Dataset:
  return Dataset(
    np.concatenate([train.images, more.images]),
    np.concatenate([train.labels, more.labels]),
    train.class_names,
  )


def _hold_out(train, rows, fraction, what, seed):
  """Splits `rows` into those that stay and a stratified share held out."""
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
  order = drawing.stratified_order(train.labels[rows], seed)
  return rows[np.sort(order[count:])], rows[np.sort(order[:count])]
