"""The largest macro-F1 that a classifier of a given accuracy can have.

On a test set with n images of each of K classes, let t_k be the recall of class
k, e_k = 1 - t_k its share of errors, and d_k n the errors that are predicted as
k. Then F1_k = 2 t_k / (1 + t_k + d_k), and the accuracy is the mean of the t_k.

Every error is some class's d: the d_k sum to E = K (1 - accuracy), and of d_k
none is class k's own, so that d_k <= E - e_k. For given recalls the mean of the
F1_k is convex in the d_k, so it is largest in a corner of that set: one class,
the sink, takes all errors but its own, which another, the second sink, takes.
The other K - 2 classes take none, and there F1 = 2 t / (1 + t), which is
concave: it is largest where their recalls are equal. That leaves two recalls to
choose, of the sink and of the second one.

If no class took an error its F1 would be 2 t / (1 + t), and the mean at most
2 a / (1 + a): a looser bound, which no classifier that errs can reach.
"""

import numpy as np


def largest_macro_f1(
  accuracy: float, num_classes: int, *, steps: int = 400
) -> float:
  """Bounds the macro-F1 on a test set with equally many images of each class.

  Args:
    accuracy: In [0, 1].
    num_classes: K, at least 2.
    steps: Of the grid of both recalls, which is then made finer around the best
      place three times: the result is within 1e-6.

  Returns:
    The bound, in [0, 1]. It is reached where the number of images lets errors
    be divided so.

  Raises:
    ValueError: If an argument is out of its range.
  """
  if not 0 <= accuracy <= 1:
    raise ValueError(f'accuracy needs to be in [0, 1]; got {accuracy}')
  if num_classes < 2:
    raise ValueError(f'num_classes needs to be at least 2; got {num_classes}')
  low, high = np.zeros(2), np.ones(2)
  best, place = 0.0, np.zeros(2)
  for _ in range(4):
    sink, second = np.meshgrid(
      *(np.linspace(a, b, steps + 1) for a, b in zip(low, high, strict=True))
    )
    if num_classes == 2:  # There are no others to make up for what is missing.
      second = 2 * accuracy - sink
    f1 = _macro_f1(sink, second, accuracy, num_classes)
    where = np.unravel_index(np.argmax(f1), f1.shape)
    if f1[where] >= best:
      best, place = float(f1[where]), np.array([sink[where], second[where]])
    width = (high - low) / steps * 4
    low, high = np.maximum(place - width, 0), np.minimum(place + width, 1)
  return best


def _macro_f1(sink, second, accuracy, num_classes):
  """Of the corner that the module describes; -inf where there is none."""
  errors = num_classes * (1 - accuracy)
  others = num_classes - 2
  left = num_classes * accuracy - sink - second  # The others' recalls, summed.
  possible = (left >= -1e-12) & (left <= others + 1e-12)
  possible &= (second >= 0) & (second <= 1)
  left = np.clip(left, 0, others)
  of_others = 2 * left / (1 + left / others) if others else 0
  total = (
    of_others
    + 2 * sink / np.maximum(2 * sink + errors, 1e-12)
    + 2 * second / np.maximum(1 + second + (1 - sink), 1e-12)
  )
  return np.where(possible, total / num_classes, -np.inf)
