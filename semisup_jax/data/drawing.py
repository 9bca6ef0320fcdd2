"""Draws of rows from a data set: stratified, nested, by a seed of their own."""

import numpy as np

from semisup_jax.types import InputError


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


def draw_groups(
  labels: np.ndarray, groups: np.ndarray, count: int, *, seed: tuple[int, ...]
) -> np.ndarray:
  """Draws whole groups with about `count` images, the classes in proportion.

  In an order that is drawn, each group is taken that brings the numbers of the
  classes nearer to their shares of `count`, by the sum of squares.

  Args:
    labels: int [N].
    groups: int [N]; an image of group -1 is one of its own.
    count: How many images there should be.
    seed: Non-negative integers.

  Returns:
    Row numbers into `labels`, int64, sorted; none, where every group is too
    large.
  """
  own = groups < 0
  members = np.where(own, groups.max(initial=-1) + 1 + np.cumsum(own), groups)
  random = np.random.default_rng(seed)
  missing = count * np.bincount(labels) / len(labels)
  taken = []
  for group in random.permutation(np.unique(members)):
    rows = np.flatnonzero(members == group)
    added = np.bincount(labels[rows], minlength=len(missing))
    if np.sum((missing - added) ** 2) < np.sum(missing**2):
      missing = missing - added
      taken.append(rows)
  return np.sort(np.concatenate([np.arange(0), *taken]))


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
