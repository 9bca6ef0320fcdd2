"""What a classifier loses when a part of an image is covered."""

from collections.abc import Callable

import numpy as np

# Covered images that are classified in one go.
CHUNK = 256


def occlude(
  classify: Callable[[np.ndarray], np.ndarray],
  image: np.ndarray,
  label: int,
  *,
  patch: int,
  stride: int,
  fill: np.ndarray,
) -> np.ndarray:
  """Slides a patch of one colour over an image, and watches a class.

  Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901, Sec. 4.2.

  Args:
    classify: uint8 [M, H, W, C] to probabilities, float [M, K].
    image: uint8 [H, W, C].
    label: The class, in [0, K).
    patch: Side of the square, in pixels, 1 to the shorter side of the image.
    stride: Pixels from one place to the next, at least 1; the last place is
      always at the edge.
    fill: Its colour, uint8 [C].

  Returns:
    float32 [H, W]: by how much the class's probability falls, the mean over
    the patches that cover a pixel; NaN where none does, as between patches
    that are further apart than they are wide.

  Raises:
    ValueError: If the patch or the stride is out of range.
  """
  height, width, _ = image.shape
  if not 1 <= patch <= min(height, width) or stride < 1:
    raise ValueError(
      f'patch must be 1 to {min(height, width)} and stride at least 1; got '
      f'{patch} and {stride}'
    )
  places = [
    (slice(top, top + patch), slice(left, left + patch))
    for top in _starts(height, patch, stride)
    for left in _starts(width, patch, stride)
  ]
  whole = classify(image[None])[0, label]
  fall = np.zeros((height, width))
  covered = np.zeros((height, width), int)
  for start in range(0, len(places), CHUNK):
    some = places[start : start + CHUNK]
    images = np.repeat(image[None], len(some), axis=0)
    for one, place in zip(images, some, strict=True):
      one[place] = fill
    for said, place in zip(classify(images)[:, label], some, strict=True):
      fall[place] += whole - said
      covered[place] += 1
  with np.errstate(invalid='ignore'):
    return (fall / covered).astype(np.float32)


def _starts(side: int, patch: int, stride: int) -> list[int]:
  """Where the patch begins, from one edge to the other."""
  return [*range(0, side - patch, stride), side - patch]
