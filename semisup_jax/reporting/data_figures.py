"""Figures of data before anything is learned: class balance and sizes."""

from collections.abc import Mapping

import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas

# More classes than this are no names any more, but a curve.
NAMED = 30


def class_balance(
  counts: Mapping[str, Mapping[str, int]], theme: str = 'light'
) -> Figure:
  """Labelled images of each class, stacked by part, the largest on top.

  Args:
    counts: Images of each class by part.
    theme: `light` or `dark`.
  """
  names = list(next(iter(counts.values())))
  numbers = np.array(
    [[part[name] for name in names] for part in counts.values()]
  )
  order = np.argsort(-numbers.sum(axis=0), kind='stable')
  numbers = numbers[:, order]
  shown = min(len(names), NAMED)
  figure, axes, colors = canvas.empty(theme, 1.1 + 0.24 * max(shown, 3))
  axes = axes[0, 0]
  left = np.zeros(len(names), int)
  where = np.arange(len(names))
  handles = []
  for part, color in zip(numbers, colors.series[1:], strict=False):
    # Of many classes the bars touch each other.
    height = 0.72 if shown == len(names) else 1.0
    handles.append(
      axes.barh(where, part, left=left, color=color, height=height)
    )
    left += part
  axes.set_ylim(len(names) - 0.4, -0.6)
  axes.set_xlabel('labelled images')
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
  axes.grid(axis='x', color=colors.line, linewidth=0.8)
  if shown == len(names):
    axes.set_yticks(where, labels=[canvas.literal(names[i]) for i in order])
  else:
    axes.set_ylabel('classes, by number of images')
  canvas.legend(figure, colors, handles, list(counts), above=True)
  return figure


def image_sizes(
  sizes: Mapping[tuple[int, int], int], side: int, theme: str = 'light'
) -> Figure:
  """Width and height of the files; a dot is as large as there are many.

  Args:
    sizes: How many are of a size, (width, height) in pixels.
    side: Of the square that they become.
    theme: `light` or `dark`.
  """
  figure, axes, colors = canvas.empty(theme, 4.2)
  axes = axes[0, 0]
  widths, heights = np.array(list(sizes)).T
  counts = np.array(list(sizes.values()))
  area = 12 + 250 * counts / counts.max()
  axes.scatter(
    widths, heights, area, color=colors.series[1], alpha=0.6, linewidth=0
  )
  low = min(widths.min(), heights.min(), side) / 1.3
  high = max(widths.max(), heights.max(), side) * 1.3
  ends = [low, high]
  axes.plot(ends, ends, color=colors.muted, linewidth=1, zorder=1)
  axes.plot([side], [side], 's', color=colors.series[3], markersize=7)
  axes.annotate(
    f'read as {side}x{side}',
    (side, side),
    (8, -3),
    textcoords='offset points',
    color=colors.ink,
    fontsize=canvas.SMALL,
  )
  axes.set(
    xscale='log',
    yscale='log',
    xlim=ends,
    ylim=ends,
    xlabel='width, pixels',
    ylabel='height, pixels',
  )
  for axis in (axes.xaxis, axes.yaxis):
    axis.set_major_locator(ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axis.set_major_formatter(ticker.FormatStrFormatter('%d'))
    axis.set_minor_locator(ticker.NullLocator())
  axes.grid(color=colors.line, linewidth=0.8)
  axes.set_box_aspect(0.75)
  return figure
