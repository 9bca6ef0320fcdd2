"""What each threshold would give, of two classes: ROC and precision-recall."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, charts, wording

LENGTH = 1.8  # Of a line in the legend, in units of the font's size.


class Curve(NamedTuple):
  """The two curves of one classifier; all numbers are in [0, 1].

  Attributes:
    protocol: What it was learned by.
    labels_per_class: An integer, an average or 'all'.
    roc: False- and true-positive rate, float [thresholds] each.
    precision_recall: Precision and recall, likewise, recall ascending.
    chosen: False- and true-positive rate, and precision, at the threshold that
      was chosen.
  """

  protocol: str
  labels_per_class: int | float | str
  roc: tuple[np.ndarray, np.ndarray]
  precision_recall: tuple[np.ndarray, np.ndarray]
  chosen: tuple[float, float, float]


def threshold_curves(
  curves: Sequence[Curve], positive: float, theme: str = 'light'
) -> Figure:
  """ROC curves at the left, precision by recall at the right.

  A mark is the threshold that was chosen; a dotted line, scores that say
  nothing.

  Args:
    curves: One a protocol, at least one.
    positive: Share of the images that are of the positive class.
    theme: `light` or `dark`.
  """
  names = _names(curves)
  height = 2.5 + 0.24 * canvas.legend_lines(names, LENGTH)
  figure, grid, colors = canvas.empty(theme, height, columns=2)
  left, right = grid[0]
  looks = charts.looks([curve.protocol for curve in curves], colors)
  styles = [
    {
      'color': looks[curve.protocol]['color'],
      'marker': looks[curve.protocol]['marker'],
      'linestyle': '--' if curve.protocol == wording.BASELINE else '-',
      'markersize': 6,
    }
    for curve in curves
  ]
  for axes, x, y in ((left, (0, 1), (0, 1)), (right, (0, 1), (positive,) * 2)):
    axes.plot(_percent(x), _percent(y), ':', color=colors.muted, linewidth=1)
  for curve, style in zip(curves, styles, strict=True):
    false, true, precision = curve.chosen
    _draw(left, *curve.roc, (false, true), style)
    # From one recall to the next it is that of the next: what is averaged.
    steps = {**style, 'drawstyle': 'steps-pre'}
    precisions, recalls = curve.precision_recall
    begun = recalls > 0  # Before, precision is 0, or 1 by convention.
    precisions = precisions[begun]
    _draw(
      right,
      np.append(0, recalls[begun]),
      np.append(precisions[0], precisions),
      (true, precision),
      steps,
    )
  left.set(xlabel='1 - specificity, %', ylabel='sensitivity, %')
  right.set(xlabel='sensitivity (recall), %', ylabel='precision, %')
  for axes in grid[0]:
    axes.set(xlim=(-2, 102), ylim=(-2, 102))
    axes.set(xticks=[0, 50, 100], yticks=[0, 50, 100])
    axes.grid(color=colors.line, linewidth=0.8)
  handles = [Line2D([], [], linewidth=1.6, **style) for style in styles]
  canvas.legend(figure, colors, handles, names, above=True, length=LENGTH)
  return figure


def _names(curves: Sequence[Curve]) -> list[str]:
  """Of the protocols, with their numbers of labels where these differ."""
  alike = len({curve.labels_per_class for curve in curves}) == 1
  return [
    wording.protocol(curve.protocol)
    + ('' if alike else f' ({wording.count(curve.labels_per_class)})')
    for curve in curves
  ]


def _draw(axes: Axes, x, y, chosen, style) -> None:
  line = {**style, 'marker': ''}
  axes.plot(_percent(x), _percent(y), linewidth=1.6, **line)
  axes.plot(*_percent(chosen), **style, zorder=4, clip_on=False)


def _percent(values) -> np.ndarray:
  return 100 * np.asarray(values)
