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
  labels: np.ndarray, count: int, *, seed: tuple[int, ...], skip: int = 0
) -> np.ndarray:
  """Draws `count` images in all, the classes in their own proportions.

  Nested, as `draw_labelled` is; and two draws of one seed, of which the second
  skips as many as the first has, are disjoint.

  Args:
    labels: int [N], of the images that may be drawn.
    count: How many in all.
    seed: Non-negative integers.
    skip: How many are passed over first.

  Returns:
    Row numbers into `labels`, int64, sorted.

  Raises:
    InputError: If there are not so many.
  """
  after = f', after {skip} that are skipped,' if skip else ''
  if count < 1 or skip < 0 or skip + count > len(labels):
    raise InputError(
      f'{count} labelled images{after} were asked for, of {len(labels)} there '
      'are'
    )
  return np.sort(stratified_order(labels, seed)[skip : skip + count])


def draw_unlabelled(
  labels: np.ndarray,
  labelled: np.ndarray,
  count: int | None,
  *,
  includes_labelled: bool,
  seed: tuple[int, ...],
) -> np.ndarray:
  """Draws the images that are used without labels.

  Nested, and with the seed of `draw_stratified` its continuation: after a
  labelled draw of the first 5,000, 25,000 unlabelled ones that include them are
  the first 25,000, and 25,000 that do not are those that come next.

  Args:
    labels: int [N], of the images that may be drawn; they only stratify.
    labelled: Row numbers into `labels` of the labelled ones.
    count: How many in all; None is as many as there are.
    includes_labelled: Whether the labelled ones are among them, or apart.
    seed: Non-negative integers.

  Returns:
    Row numbers into `labels`, int64, sorted.

  Raises:
    InputError: If there are not so many, or none.
  """
  order = stratified_order(labels, seed)
  others = order[~np.isin(order, labelled)]
  if not includes_labelled and not len(others):
    raise InputError(
      'all images are labelled, so none is left unlabelled; lower '
      'data.labels_per_class or set '
      '--config.data.unlabelled_includes_labelled=True'
    )
  least = len(labelled) if includes_labelled else 1
  first = labelled if includes_labelled else labelled[:0]
  drawn = np.concatenate([first, others])
  if count is not None and not least <= count <= len(drawn):
    raise InputError(
      f'data.unlabelled_total must be {least} to {len(drawn)} here, got {count}'
    )
  return np.sort(drawn[:count])


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
    draw_unlabelled(
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
    return draw_stratified(labels, total, seed=seed, skip=skip)
  if skip:
    raise InputError(
      f'data.labels_skip={skip} needs data.labels_total, and no '
      'data.labels_per_class'
    )
  return draw_labelled(labels, per_class, seed=seed, num_classes=num_classes)


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
