"""What a classifier says of images, and where it is wrong."""

import numpy as np


def top_classes(
  probabilities: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
  """The most probable classes, of equal ones the first.

  Args:
    probabilities: float [N, K].
    k: How many of the K, at least 1; all of them, if there are fewer.

  Returns:
    `(classes, probabilities)`, int and float [N, min(k, K)].

  Raises:
    ValueError: If k is below 1.
  """
  if k < 1:
    raise ValueError(f'k must be at least 1, got {k}')
  classes = np.argsort(-probabilities, axis=1, kind='stable')[:, :k]
  return classes, np.take_along_axis(probabilities, classes, axis=1)


def mistakes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
  """The images that are given a wrong class, the most certain ones first.

  Args:
    probabilities: float [N, K].
    labels: int [N]; an image of a class below 0 is unknown, and not wrong.

  Returns:
    Their rows, int [M].
  """
  said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
  wrong = np.flatnonzero((labels >= 0) & (said != labels))
  return wrong[np.argsort(-sure[wrong], kind='stable')]
