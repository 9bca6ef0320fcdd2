"""Accuracy, or differences of it, as lines with bands: by labels a class, or
by categories."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, charts

DASHED = (0, (5, 1.6))


class Line(NamedTuple):
  """One line of the figure.

  Attributes:
    name: In the legend.
    rows: `labels_per_class`, `mean` in [0, 1], and `low` and `high`, None where
      there is no interval.
    look: Number of its colour and marker, the same for what a name stands for
      in every figure.
    is_control: Whether it is drawn dashed and without a band: a level, or what
      is shown only for comparison.
  """

  name: str
  rows: Sequence[Mapping[str, Any]]
  look: int
  is_control: bool = False


def curves_by_labels(
  panels: Mapping[str, Sequence[Line]],
  theme: str = 'light',
  *,
  ylabel: str = 'accuracy, %',
  zero: bool = False,
) -> Figure:
  """One panel below the other, over one logarithmic axis of labels a class.

  Args:
    panels: Lines by the panel's title; a name stands for one look.
    theme: `light` or `dark`.
    ylabel: Of every panel.
    zero: Whether a line marks 0, of differences.
  """
  figure, axes = _panels(
    panels, theme, lambda row: row['labels_per_class'], ylabel, zero=zero
  )
  if axes is not None:
    _ticks(axes, panels)
  return figure


def curves_by_category(
  panels: Mapping[str, Sequence[Line]],
  theme: str = 'light',
  *,
  field: str,
  xlabel: str,
  ylabel: str = 'accuracy, %',
) -> Figure:
  """The same over categories, which stand at equal distances.

  Args:
    panels: See `curves_by_labels`; rows have `field`, a text, instead of
      `labels_per_class`.
    theme: `light` or `dark`.
    field: Names a row's category; they are in the order of the numbers that
      they are.
    xlabel: Of the last panel.
    ylabel: Of every panel.
  """
  lines = [line for own in panels.values() for line in own]
  names = sorted({row[field] for line in lines for row in line.rows}, key=float)
  figure, axes = _panels(
    panels, theme, lambda row: names.index(row[field]), ylabel, zero=False
  )
  if axes is not None:
    axes.set_xticks(range(len(names)), labels=names)
    axes.set_xlabel(xlabel)
  return figure


def _panels(
  panels: Mapping[str, Sequence[Line]],
  theme: str,
  place: Callable[[Mapping[str, Any]], float],
  ylabel: str,
  *,
  zero: bool,
) -> tuple[Figure, Axes | None]:
  """The figure, and its last axes; None where there is nothing to show."""
  panels = {title: lines for title, lines in panels.items() if lines}
  count = max(len(panels), 1)
  figure, grid, colors = canvas.empty(
    theme, 0.9 + 2.5 * count, rows=count, sharex=True
  )
  if not panels:
    canvas.note(grid[0, 0], colors, 'no results')
    return figure, None
  for axes, (title, lines) in zip(grid[:, 0], panels.items(), strict=True):
    if zero:
      axes.axhline(0, color=colors.muted, linewidth=1, zorder=1)
    for line in lines:
      _draw(axes, line, place, colors)
    style = {'loc': 'left', 'color': colors.ink, 'fontsize': canvas.SIZE}
    axes.set_title(canvas.literal(title, 60), **style)
    axes.set_ylabel(ylabel)
    axes.grid(color=colors.line, linewidth=0.8)
  named = {line.name: line for own in panels.values() for line in own}
  handles = [Line2D([], [], **_style(line, colors)) for line in named.values()]
  shown = [canvas.literal(name, 32) for name in named]
  canvas.legend(figure, colors, handles, shown, above=True, length=2.2)
  return figure, grid[-1, 0]


def _draw(
  axes: Axes,
  line: Line,
  place: Callable[[Mapping[str, Any]], float],
  colors: canvas.Theme,
) -> None:
  x = [place(row) for row in line.rows]
  axes.plot(
    x,
    [100 * row['mean'] for row in line.rows],
    zorder=3,
    **_style(line, colors),
  )
  low, high = (
    np.array([charts.bound(row, end) for row in line.rows])
    for end in ('low', 'high')
  )
  if np.isfinite(low).any() and not line.is_control:
    color = _style(line, colors)['color']
    axes.fill_between(
      x, 100 * low, 100 * high, color=color, alpha=0.15, linewidth=0
    )


def _style(line: Line, colors: canvas.Theme) -> dict[str, Any]:
  marker = charts.MARKERS[line.look % len(charts.MARKERS)]
  return {
    'color': colors.series[line.look % len(colors.series)],
    'linestyle': DASHED if line.is_control else '-',
    'marker': '' if line.is_control else marker,
    'markersize': 4.5,
    'linewidth': 1.6,
  }


def _ticks(axes: Axes, panels: Mapping[str, Sequence[Line]]) -> None:
  ks = {
    row['labels_per_class']
    for lines in panels.values()
    for line in lines
    for row in line.rows
  }
  axes.set_xscale('log', base=2)
  axes.set_xticks(sorted(ks), labels=[str(k) for k in sorted(ks)])
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.set_xlabel('labels a class of the source')
