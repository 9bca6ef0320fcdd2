"""Mixed images, and of which classes they count as how much."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas


class Mixed(NamedTuple):
  """A row of the figure.

  Attributes:
    name: Of the way to mix.
    images: uint8 [N, H, W, C], C of 1 or 3.
    targets: Float [N, K], the shares of the classes.
    classes: Their names.
  """

  name: str
  images: np.ndarray
  targets: np.ndarray
  classes: Sequence[str]


def mixed_images(rows: Sequence[Mixed], theme: str = 'light') -> Figure:
  """A row for each way to mix; above each image its classes and their shares.

  Args:
    rows: With as many images each.
    theme: `light` or `dark`.
  """
  columns = max((len(row.images) for row in rows), default=1)
  figure, grid, colors = canvas.empty(
    theme, 0.1 + 1.35 * max(len(rows), 1), max(len(rows), 1), columns
  )
  for axes in grid.flat:
    canvas.without_frame(axes)
  if not rows:
    canvas.note(grid[0, 0], colors, 'nothing is mixed')
  for line, row in zip(grid, rows, strict=False):
    line[0].set_ylabel(canvas.literal(row.name), color=colors.ink)
    for axes, image, target in zip(line, row.images, row.targets, strict=False):
      shown = np.broadcast_to(image, (*image.shape[:2], 3))
      axes.imshow(shown, interpolation='nearest')
      axes.set_title(
        _shares(target, row.classes),
        pad=3,
        color=colors.muted,
        fontsize=canvas.SMALL,
      )
  return figure


def _shares(target: np.ndarray, classes: Sequence[str]) -> str:
  """`7: 62 %` and, below it, `1: 38 %`: at most two classes have a share."""
  first, second = np.argsort(-target, kind='stable')[:2]
  lines = [f'{canvas.literal(classes[first], 8)}: {100 * target[first]:.0f} %']
  if round(100 * target[second]):
    name = canvas.literal(classes[second], 8)
    lines.append(f'{name}: {100 * target[second]:.0f} %')
  return '\n'.join(lines)
