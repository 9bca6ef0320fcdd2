"""Accuracy, or differences of it, as lines with bands: by labels a class, or
by categories."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, charts, wording

BY = 'labels_per_class'  # The field of a row that says where it stands.
DASHED = (0, (5, 1.6))
LENGTH = 2.2  # Of a line in the legend, in units of the font's size.


class Line(NamedTuple):
  """One line of the figure.

  Attributes:
    name: In the legend.
    rows: `labels_per_class`, ascending and 'all' last, `mean` in [0, 1], and
      `low` and `high`, None where there is no interval.
    look: Number of its colour and marker, the same for what a name stands for
      in every figure.
    is_control: Whether it is drawn dashed and without a band: a level, or what
      is shown only for comparison.
    mark: Number of its marker, where that stands for something else than the
      colour does.
  """

  name: str
  rows: Sequence[Mapping[str, Any]]
  look: int
  is_control: bool = False
  mark: int | None = None


def curves_by_labels(
  panels: Mapping[str, Sequence[Line]],
  theme: str = 'light',
  *,
  xlabel: str = 'labels a class',
  ylabel: str = 'accuracy, %',
  zero: bool = False,
) -> Figure:
  """One panel below the other, over one logarithmic axis of labels a class.

  'all' stands at its right end, behind a dotted line.

  Args:
    panels: Lines by the panel's title; a name stands for one look.
    theme: `light` or `dark`.
    xlabel: Of the last panel.
    ylabel: Of every panel.
    zero: Whether a line marks 0, of differences.
  """
  lines = [line for own in panels.values() for line in own]
  places = charts.places_of(
    wording.ordered(row[BY] for line in lines for row in line.rows)
  )
  figure, axes = _panels(
    panels, theme, lambda row: places[row[BY]], ylabel, zero=zero
  )
  if axes is not None:
    labels = [wording.count(k) for k in places]
    axes.set_xticks([*places.values()], labels=labels)
    axes.set_xlabel(xlabel)
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
  named = {line.name: line for own in panels.values() for line in own}
  shown = [canvas.literal(name, 40) for name in named]
  count = max(len(panels), 1)
  height = 0.7 + 2.5 * count
  if shown:
    height += 0.2 * canvas.legend_lines(shown, LENGTH)
  figure, grid, colors = canvas.empty(theme, height, rows=count, sharex=True)
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
  handles = [Line2D([], [], **_style(line, colors)) for line in named.values()]
  canvas.legend(figure, colors, handles, shown, above=True, length=LENGTH)
  return figure, grid[-1, 0]


def _draw(
  axes: Axes,
  line: Line,
  place: Callable[[Mapping[str, Any]], float],
  colors: canvas.Theme,
) -> None:
  style = _style(line, colors)
  x = np.array([place(row) for row in line.rows])
  y = np.array([100 * row['mean'] for row in line.rows])
  # All labels are no number among the numbers; they come last.
  few = sum(row.get(BY) != 'all' for row in line.rows)
  axes.plot(x[:few], y[:few], zorder=3, **style)
  if few < len(x):
    dotted = {**style, 'linestyle': ':'}
    axes.plot(x[max(few - 1, 0) :], y[max(few - 1, 0) :], zorder=3, **dotted)
  if not line.is_control:
    _intervals(axes, line.rows, x, few, style['color'])


def _intervals(
  axes: Axes,
  rows: Sequence[Mapping[str, Any]],
  x: np.ndarray,
  few: int,
  color: str,
) -> None:
  """A band along the first `few` points, and a bar at one that is alone."""
  low, high = (
    np.array([100 * charts.bound(row, end) for row in rows])
    for end in ('low', 'high')
  )
  band = few if few > 1 else 0
  if np.isfinite(low[:band]).any():
    axes.fill_between(
      x[:band], low[:band], high[:band], color=color, alpha=0.15, linewidth=0
    )
  if np.isfinite(low[band:]).any():
    axes.vlines(x[band:], low[band:], high[band:], color=color, linewidth=1.4)


def _style(line: Line, colors: canvas.Theme) -> dict[str, Any]:
  mark = line.look if line.mark is None else line.mark
  marker = charts.MARKERS[mark % len(charts.MARKERS)]
  return {
    'color': colors.series[line.look % len(colors.series)],
    'linestyle': DASHED if line.is_control else '-',
    'marker': '' if line.is_control else marker,
    'markersize': 4.5,
    'linewidth': 1.6,
  }
