"""Draws of rows from a data set: stratified, nested, by a seed of their own.

Labels are those of a `Dataset`, one class an image, int [N], or several labels,
int [N, K]; then "the classes in proportion" are the combinations of labels that
images have, where nothing else is said.
"""

import numpy as np

from semisup_jax.data import labels as labels_lib
from semisup_jax.types import InputError


def stratified_order(labels: np.ndarray, seed: tuple[int, ...]) -> np.ndarray:
  """Orders rows so that every prefix has the classes in their proportions.

  Any two prefixes are nested by construction.

  Args:
    labels: int [N] or [N, K].
    seed: Non-negative integers; equal ones give equal orders.

  Returns:
    A permutation of the N rows, int64.
  """
  random = np.random.default_rng(seed)
  strata = labels_lib.strata(labels)
  position = np.empty(len(strata))
  for stratum in np.unique(strata):
    rows = np.flatnonzero(strata == stratum)
    # The class's j-th of n images stands at (j + u) / n of the way, so it falls
    # due as often as the class is large; u shuffles who comes first.
    place = np.arange(len(rows)) + random.uniform()
    position[random.permutation(rows)] = place / len(rows)
  return np.argsort(position, kind='stable')


def draw_groups(
  labels: np.ndarray, groups: np.ndarray, count: int, *, seed: tuple[int, ...]
) -> np.ndarray:
  """Draws whole groups with about `count` images, the classes in proportion.

  In an order that is drawn, each group is taken that brings the numbers of the
  classes nearer to their shares of `count`, by the sum of squares; of several
  labels an image each label is a class, and so is having none.

  Args:
    labels: int [N] or [N, K].
    groups: int [N]; an image of group -1 is one of its own.
    count: How many images there should be.
    seed: Non-negative integers.

  Returns:
    Row numbers into `labels`, int64, sorted; none, where every group is too
    large.
  """
  has = labels_lib.members(labels, labels.max(initial=0) + 1)
  own = groups < 0
  members = np.where(own, groups.max(initial=-1) + 1 + np.cumsum(own), groups)
  random = np.random.default_rng(seed)
  missing = count * has.sum(axis=0) / len(labels)
  taken = []
  for group in random.permutation(np.unique(members)):
    rows = np.flatnonzero(members == group)
    added = has[rows].sum(axis=0)
    if np.sum((missing - added) ** 2) < np.sum(missing**2):
      missing = missing - added
      taken.append(rows)
  return np.sort(np.concatenate([np.arange(0), *taken]))


def draw_folds(
  labels: np.ndarray,
  folds: int,
  *,
  seed: tuple[int, ...],
  groups: np.ndarray | None = None,
) -> np.ndarray:
  """Deals rows into folds, each with the classes in proportion.

  Args:
    labels: int [N].
    folds: How many, 2 or more.
    seed: Non-negative integers.
    groups: int [N], whose images stay in one fold; -1 is a group of its own.
      None is no groups.

  Returns:
    The fold of each row, int64 [N], from 0.

  Raises:
    InputError: If a fold would be empty.
  """
  fold_of = np.empty(len(labels), np.int64)
  if groups is None:
    # Class by class, so that no class and no fold is off by more than one.
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    fold_of[np.lexsort((shuffled, labels))] = np.arange(len(labels)) % folds
  else:
    left = np.arange(len(labels))
    for fold in range(folds - 1):
      count = len(left) // (folds - fold)
      drawn = draw_groups(labels[left], groups[left], count, seed=(*seed, fold))
      fold_of[left[drawn]] = fold
      left = np.delete(left, drawn)
    fold_of[left] = folds - 1
  if len(np.unique(fold_of)) < folds:
    raise InputError(
      f'{folds} folds are too many for {len(labels)} labelled images'
      + ('' if groups is None else f' in {len(np.unique(groups))} groups')
    )
  return fold_of


def draw_share(
  labels: np.ndarray, count: int, *, seed: tuple[int, ...]
) -> np.ndarray:
  """Draws about `count` images, the same share of the images of each label.

  Iterative stratification (Sechidis et al. 2011,
  https://doi.org/10.1007/978-3-642-23808-6_10) into two parts, whole labels at
  a time: the one with the fewest images left is divided first, while there is
  a choice. Of a label with two images or more both parts get one, if images
  that were divided before leave one.

  Args:
    labels: int [N, K], none of them unknown.
    count: How many images there should be; it is met exactly where enough
      images have no label.
    seed: Non-negative integers.

  Returns:
    Row numbers into `labels`, int64, sorted.
  """
  random = np.random.default_rng(seed)
  has = labels == 1
  total = has.sum(axis=0)
  wanted = np.rint(count / len(labels) * total).astype(int)
  wanted = np.where(total > 1, np.clip(wanted, 1, total - 1), 0)
  drawn = np.zeros(len(labels), bool)
  left = has.any(axis=1)
  while left.any():
    remaining = has[left].sum(axis=0)
    label = np.argmin(np.where(remaining > 0, remaining, len(labels) + 1))
    rows = random.permutation(np.flatnonzero(left & has[:, label]))
    more = max(wanted[label] - has[drawn, label].sum(), 0)
    drawn[rows[:more]] = True
    left[rows] = False
  without = random.permutation(np.flatnonzero(~has.any(axis=1)))
  drawn[without[: max(count - drawn.sum(), 0)]] = True
  return np.flatnonzero(drawn)


def draw_labelled(
  labels: np.ndarray,
  labels_per_class: int | str,
  *,
  seed: tuple[int, ...],
  num_classes: int,
) -> np.ndarray:
  """Draws labelled images, the same number of each class.

  Of several labels an image, so many images for each label, and so many that
  have none, as far as there are other ones. Nested: with one seed, the draw for
  a smaller number is part of the larger.

  Args:
    labels: int [N] or [N, K], of the images that may be drawn.
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
  counts = labels_lib.counts(labels, num_classes)
  if counts.min() < labels_per_class:
    raise InputError(
      f'{labels_per_class} labels a class were asked for, but class '
      f'{int(counts.argmin())} has {counts.min()} images to draw from'
    )
  random = np.random.default_rng(seed)
  if labels.ndim == 2:
    has = labels_lib.members(labels, num_classes)
    return _for_each(has, labels_per_class, random)
  chosen = [
    random.permutation(np.flatnonzero(labels == label))[:labels_per_class]
    for label in range(num_classes)
  ]
  return np.sort(np.concatenate(chosen))


def _for_each(
  has: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
  """Rows of bool [N, K]: in each of `count` rounds one more for each column.

  A row that was drawn for another column does not count for this one: else a
  few images that have all labels would do for every one of them.
  """
  order = random.permutation(len(has))
  waiting = [iter(order[column]) for column in has[order].T]
  taken = set()
  for _ in range(count):
    for rows in waiting:
      row = next((row for row in rows if row not in taken), None)
      if row is not None:
        taken.add(row)
  return np.sort(np.array(list(taken), np.int64))


def draw_stratified(
  labels: np.ndarray, count: int, *, seed: tuple[int, ...], skip: int = 0
) -> np.ndarray:
  """Draws `count` images in all, the classes in their own proportions.

  Nested, as `draw_labelled` is; and two draws of one seed, of which the second
  skips as many as the first has, are disjoint.

  Args:
    labels: int [N] or [N, K], of the images that may be drawn.
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
    labels: int [N] or [N, K], of the images that may be drawn; they only
      stratify.
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
