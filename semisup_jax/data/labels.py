"""What labels say of images: one class each, or any number of K labels.

`labels` are those of a `Dataset`: int32 [N] of classes, or [N, K] of 0 and 1.
What is drawn, counted or shown by class goes through here, and is the same for
both from then on.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from semisup_jax.data.dataset import UNKNOWN, Dataset
from semisup_jax.types import InputError


def known(labels: np.ndarray) -> np.ndarray:
  """Whether somebody has labelled an image, bool [N]."""
  is_known = labels != UNKNOWN
  return is_known.all(axis=1) if labels.ndim == 2 else is_known


def members(labels: np.ndarray, num_classes: int) -> np.ndarray:
  """Which images are of which class; unlabelled ones are of none.

  Args:
    labels: int32 [N] or [N, K].
    num_classes: K, or of one class an image how many of them to look at.

  Returns:
    Bool [N, K]; of several labels an image [N, K + 1], the last column for the
    images that have none of them: they too have to be learned and tested on.
  """
  if labels.ndim == 1:
    return labels[:, None] == np.arange(num_classes)
  has = labels == 1
  return np.column_stack([has, known(labels) & ~has.any(axis=1)])


def counts(labels: np.ndarray, num_classes: int) -> np.ndarray:
  """How many images each class or label has, int64 [K]."""
  if labels.ndim == 2:
    return (labels == 1).sum(axis=0)
  return np.bincount(labels[labels != UNKNOWN], minlength=num_classes)


def in_words(
  labels: np.ndarray, class_names: Sequence[str]
) -> list[str | None]:
  """The class of each image, or its labels, as a person writes it.

  Args:
    labels: int32 [N] or [N, K].
    class_names: K of them.

  Returns:
    N texts; None of an unlabelled image.
  """
  names = np.array(class_names)
  if labels.ndim == 1:
    return [None if label == UNKNOWN else str(names[label]) for label in labels]
  texts = [' and '.join(names[row == 1]) or 'none' for row in labels]
  return [
    text if one else None
    for text, one in zip(texts, known(labels), strict=True)
  ]


def strata(labels: np.ndarray) -> np.ndarray:
  """The class of each image, or a number for its combination of labels.

  Returns:
    int [N]; unlabelled images are a stratum of their own.
  """
  if labels.ndim == 1:
    return labels
  return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)


def alone(labels: np.ndarray) -> np.ndarray:
  """The class of each image where it has one alone, as a picture colours it.

  Returns:
    int32 [N]; `UNKNOWN` where an image has no label, or several.
  """
  if labels.ndim == 1:
    return labels
  one = (labels == 1).sum(axis=1) == 1
  return np.where(one, labels.argmax(axis=1), UNKNOWN).astype(np.int32)


def undecided(labels: np.ndarray) -> np.ndarray:
  """Which labels all images have, or none: nothing can be told of them there.

  Args:
    labels: int32 [N, K], none of them unknown.

  Returns:
    Bool [K].
  """
  return (labels == labels[:1]).all(axis=0)


def any_positive(dataset: Dataset) -> Dataset:
  """The same images in two classes, by whether one has any of its labels.

  Args:
    dataset: Of several labels an image.

  Returns:
    Labels int32 [N], 0 for the class `none` and 1 for `any`; unlabelled images
    stay so.

  Raises:
    InputError: If an image has one class.
  """
  if not dataset.multi_label:
    raise InputError(
      'data.targets=any_positive needs several labels an image; here each has '
      f'one of the classes {", ".join(dataset.class_names[:3])}, ...; set '
      '--config.data.targets=None'
    )
  labels = dataset.labels
  any_ = np.where(known(labels), (labels == 1).any(axis=1), UNKNOWN)
  return dataclasses.replace(
    dataset, labels=any_.astype(np.int32), class_names=('none', 'any')
  )
