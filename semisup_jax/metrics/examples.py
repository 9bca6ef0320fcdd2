"""The examples that count: shapes checked, masked rows dropped."""

import numpy as np
from numpy.typing import ArrayLike


def kept_examples(
  scores: ArrayLike, labels: ArrayLike, mask: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
  """Drops what the mask leaves out and checks the rest.

  Args:
    scores: Logits or probabilities, float [batch, classes].
    labels: Classes, integers [batch] in [0, classes).
    mask: Bool or 0 / 1 [batch], true for what counts; None for all. Rows left
      out may hold anything.

  Returns:
    Scores, float64 [kept, classes], and labels, int64 [kept].

  Raises:
    ValueError: If shapes do not fit, nothing is kept, a score is not finite (of
      a run that diverged there is nothing to report) or a label is no class.
  """
  scores = np.asarray(scores)
  if scores.ndim != 2 or scores.shape[1] == 0:
    raise ValueError(
      f'scores need the shape [batch, classes >= 1]; got {scores.shape}'
    )
  keep = kept_rows(len(scores), mask)
  kept_scores = scores[keep].astype(np.float64)
  broken = ~np.isfinite(kept_scores).all(axis=1)
  if broken.any():
    raise ValueError(
      f'scores need to be finite; {broken.sum()} of {len(broken)} rows are not'
    )
  return kept_scores, kept_classes(labels, keep, scores.shape[1], 'labels')


def labelled_examples(
  scores: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Checks scores of several labels an image, and the labels.

  Args:
    scores: Logits or probabilities, float [batch >= 1, labels >= 1].
    labels: 0 or 1, of the same shape.

  Returns:
    Scores, float64, and labels, bool.

  Raises:
    ValueError: If shapes do not fit, a score is not finite or a label is
      neither 0 nor 1.
  """
  scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
  if scores.shape != labels.shape or scores.ndim != 2 or 0 in scores.shape:
    raise ValueError(
      'scores and labels need one shape [batch >= 1, labels >= 1]; got '
      f'{scores.shape} and {labels.shape}'
    )
  if not np.isfinite(scores).all():
    raise ValueError('scores need to be finite; not all are')
  if not np.isin(labels, (0, 1)).all():
    raise ValueError(
      f'labels need to be 0 or 1; got {labels.min()} to {labels.max()}'
    )
  return scores, labels == 1


def kept_rows(batch: int, mask: ArrayLike | None) -> np.ndarray:
  """Returns the mask as booleans, [batch], all true for None.

  Raises:
    ValueError: If the mask has another shape or keeps nothing.
  """
  keep = np.ones(batch, bool) if mask is None else np.asarray(mask).astype(bool)
  if keep.shape != (batch,):
    raise ValueError(f'mask needs the shape ({batch},); got {keep.shape}')
  if not keep.any():
    raise ValueError(f'no example to measure: none of {batch} is kept')
  return keep


def kept_classes(
  classes: ArrayLike, keep: np.ndarray, num_classes: int, what: str
) -> np.ndarray:
  """Returns the kept class indices, int64 [kept].

  Args:
    classes: Integers [batch], those kept in [0, num_classes).
    keep: Bool [batch].
    num_classes: How many classes there are.
    what: What the indices are, for the message.

  Raises:
    ValueError: If the shape is not that of `keep`, they are no integers or one
      that is kept is out of range.
  """
  classes = np.asarray(classes)
  if classes.shape != keep.shape:
    raise ValueError(f'{what} need the shape {keep.shape}; got {classes.shape}')
  if not np.issubdtype(classes.dtype, np.integer):
    raise ValueError(f'{what} need to be integers; got {classes.dtype}')
  kept = classes[keep].astype(np.int64)
  if kept.min() < 0 or kept.max() >= num_classes:
    raise ValueError(
      f'{what} need to be in [0, {num_classes}); got {kept.min()} to '
      f'{kept.max()}'
    )
  return kept


def check_probabilities(probabilities: np.ndarray) -> None:
  """Refuses rows that are no distribution, logits above all.

  Args:
    probabilities: Float [batch >= 1, classes], finite.

  Raises:
    ValueError: If a value is negative or a row does not sum to 1 within 1e-3.
  """
  off = np.abs(probabilities.sum(axis=1) - 1).max()
  if probabilities.min() < 0 or off > 1e-3:
    raise ValueError(
      'probabilities need to be at least 0 and to sum to 1 in every row; got '
      f'a least value of {probabilities.min():.4g} and a sum off by {off:.4g} '
      '(softmax the logits first)'
    )
