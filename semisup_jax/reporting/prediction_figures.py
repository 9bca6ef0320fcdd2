"""Figures of predictions: the surest and the least sure, and all of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas


class CertaintyRow(NamedTuple):
  """Images that were given one class.

  Attributes:
    name: Of the class.
    most: The most certain, uint8 [A, S, S, 3].
    most_confidence: Of each, in [0, 1].
    least: The least certain, uint8 [B, S, S, 3].
    least_confidence: Of each, in [0, 1].
  """

  name: str
  most: np.ndarray
  most_confidence: Sequence[float]
  least: np.ndarray
  least_confidence: Sequence[float]


def certainty_sheet(
  rows: Sequence[CertaintyRow], each: int, theme: str = 'light'
) -> Figure:
  """The most certain images of each class at the left, the least at the right.

  Args:
    rows: One a class, at least one.
    each: Images that a side has room for.
    theme: `light` or `dark`.
  """
  side = next(len(x[0]) for row in rows for x in row[1::2] if len(x))
  gap, between, line = side // 12, side // 2, side // 3
  height = side + 2 * line
  width = 2 * each * (side + gap) - gap + between
  mosaic = np.zeros((len(rows) * height, width, 4), np.uint8)
  right = each * (side + gap) + between
  scale = canvas.WIDTH / width
  figure, axes, colors = canvas.empty(theme, 0.35 + len(rows) * height * scale)
  axes = axes[0, 0]
  canvas.without_frame(axes)
  style = {'va': 'bottom', 'fontsize': canvas.SMALL}
  for number, row in enumerate(rows):
    top = number * height + line
    name = canvas.literal(row.name, 40)
    axes.text(0, top - 2, name, color=colors.ink, fontweight='bold', **style)
    for left, images, said in ((0, *row[1:3]), (right, *row[3:5])):
      for i, (image, confidence) in enumerate(zip(images, said, strict=True)):
        x = left + i * (side + gap)
        mosaic[top : top + side, x : x + side, :3] = image
        mosaic[top : top + side, x : x + side, 3] = 255
        axes.text(
          x + side / 2,
          top + side + line,
          f'{100 * confidence:.0f} %',
          ha='center',
          color=colors.muted,
          **style,
        )
  axes.imshow(mosaic, interpolation='nearest')
  for x, text in ((0, 'most certain'), (right, 'least certain')):
    axes.text(x, -line / 3, text, color=colors.muted, **style)
  return figure


def confidence_histogram(
  confidence: np.ndarray, classes: int, theme: str = 'light'
) -> Figure:
  """How many predictions are how confident.

  Args:
    confidence: Probability of the predicted class, float [N].
    classes: K; no prediction is less confident than 1 / K.
    theme: `light` or `dark`.
  """
  figure, grid, colors = canvas.empty(theme, 2.3)
  axes: Axes = grid[0, 0]
  axes.hist(
    100 * confidence,
    bins=np.linspace(100 / classes, 100, 26),
    color=colors.series[1],
  )
  axes.set(xlabel='confidence, %', ylabel='images', xlim=(100 / classes, 100))
  axes.yaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
  axes.grid(axis='y', color=colors.line, linewidth=0.8)
  return figure
