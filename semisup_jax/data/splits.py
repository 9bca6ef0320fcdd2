"""Which images are learned from, which choose, and which are only tested on."""

import dataclasses

import numpy as np

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


def stratified_order(labels: np.ndarray, seed: tuple[int, ...]) -> np.ndarray:
  """Orders rows so that every prefix has the classes in their proportions.

  Any two prefixes are nested by construction.

  Args:
    labels: int [N].
    seed: Non-negative integers; equal ones give equal orders.

  Returns:
    A permutation of the N rows, int64.
  """
  random = np.random.default_rng(seed)
  position = np.empty(len(labels))
  for label in np.unique(labels):
    rows = np.flatnonzero(labels == label)
    # The class's j-th of n images stands at (j + u) / n of the way, so it falls
    # due as often as the class is large; u shuffles who comes first.
    place = np.arange(len(rows)) + random.uniform()
    position[random.permutation(rows)] = place / len(rows)
  return np.argsort(position, kind='stable')


def draw_labelled(
  labels: np.ndarray,
  labels_per_class: int | str,
  *,
  seed: tuple[int, ...],
  num_classes: int,
) -> np.ndarray:
  """Draws labelled images, the same number of each class.

  Nested: with one seed, the draw for a smaller number is part of the larger.

  Args:
    labels: int [N], of the images that may be drawn.
    labels_per_class: How many of each class, or 'all'.
    seed: Non-negative integers; each draw has its own.
    num_classes: K; every class must have enough images.

  Returns:
    Row numbers into `labels`, int64, sorted.

  Raises:
    InputError: If a class has too few images.
  """
  if labels_per_class == 'all':
    return np.arange(len(labels))
  if not isinstance(labels_per_class, int) or labels_per_class < 1:
    raise InputError(
      "labels_per_class must be a positive integer or 'all', got "
      f'{labels_per_class!r}'
    )
  counts = np.bincount(labels, minlength=num_classes)
  if counts.min() < labels_per_class:
    raise InputError(
      f'{labels_per_class} labels a class were asked for, but class '
      f'{int(counts.argmin())} has {counts.min()} images to draw from'
    )
  random = np.random.default_rng(seed)
  chosen = [
    random.permutation(np.flatnonzero(labels == label))[:labels_per_class]
    for label in range(num_classes)
  ]
  return np.sort(np.concatenate(chosen))


def draw_stratified(
  labels: np.ndarray, count: int, *, seed: tuple[int, ...]
) -> np.ndarray:
  """Draws `count` images in all, the classes in their own proportions.

  Nested, as `draw_labelled` is.

  Args:
    labels: int [N], of the images that may be drawn.
    count: How many in all.
    seed: Non-negative integers.

  Returns:
    Row numbers into `labels`, int64, sorted.

  Raises:
    InputError: If there are not so many.
  """
  if not 1 <= count <= len(labels):
    raise InputError(
      f'{count} labelled images were asked for, of {len(labels)} there are'
    )
  return np.sort(stratified_order(labels, seed)[:count])


def make_splits(
  parts: Parts,
  *,
  labels_per_class: int | str | None,
  labels_total: int | None,
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
  if (labels_per_class is None) == (labels_total is None):
    raise InputError(
      'exactly one of data.labels_per_class and data.labels_total must be set; '
      f'got {labels_per_class} and {labels_total}; unset one with '
      '--config.data.labels_per_class=None'
    )
  if labels_total is None:
    drawn = draw_labelled(
      train.labels[rows],
      labels_per_class,
      seed=(seed, 2),
      num_classes=train.num_classes,
    )
  else:
    drawn = draw_stratified(train.labels[rows], labels_total, seed=(seed, 2))
  labelled = rows[drawn]
  unlabelled = rows
  if not unlabelled_includes_labelled:
    unlabelled = np.setdiff1d(rows, labelled)
    if not len(unlabelled):
      raise InputError(
        'all images are labelled, so none is left unlabelled; lower '
        'data.labels_per_class or set '
        '--config.data.unlabelled_includes_labelled=True'
      )
  if 'unlabelled' in parts:
    start = len(train)
    train = _joined(train, parts['unlabelled'])
    unlabelled = np.concatenate([unlabelled, np.arange(start, len(train))])
  splits = Splits(train, unlabelled, labelled, validation, test)
  parts_of_train = [splits.known, *held_out]
  apart = np.unique(np.concatenate(parts_of_train))
  assert len(apart) == sum(map(len, parts_of_train)), 'parts must be disjoint'
  return splits


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
  order = stratified_order(train.labels[rows], seed)
  return rows[np.sort(order[count:])], rows[np.sort(order[:count])]
