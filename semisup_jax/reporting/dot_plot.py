"""Many methods side by side: what a study of methods comes down to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, charts, comparison, wording

Row = Mapping[str, Any]

FLOORS = (':', (0, (5, 1.6)), (0, (5, 1.4, 1.2, 1.4)))
# How much of a row's height its numbers of labels share.
SHARED = 0.5


def methods_comparison(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """Dots with error bars, one horizontal row a method, for each k.

  Each number of labels a class has its colour, its marker and its place within
  the row, so that no error bar hides another. From the dot of a floor a line
  of its k's colour runs through all rows; each method that is a floor has its
  own dashes.

  Args:
    rows: `method`, as in a config or as it is to be read; `labels_per_class`,
      a number or 'all'; `metric`, of which the first row's is drawn; `mean`,
      `low` and `high`, the last two None where there is no interval; `floor`,
      True where the method is a floor. Methods stand from top to bottom as
      they first appear.
    theme: `light` or `dark`.
  """
  rows = comparison.comparable(rows)
  methods = list(dict.fromkeys(row['method'] for row in rows))
  height = 1.0 + 0.3 * max(len(methods), 3)
  figure, axes, colors = canvas.empty(theme, height)
  axes = axes[0, 0]
  if not rows:
    canvas.note(axes, colors, 'no results')
    return figure
  ks = wording.ordered(row['labels_per_class'] for row in rows)
  looks = _looks(ks, colors)
  _name_rows(axes, methods, colors)
  for k, look in looks.items():
    chosen = [row for row in rows if row['labels_per_class'] == k]
    _dots(axes, chosen, methods, look)
  floors = _floors(axes, rows, looks)
  _name_values(axes, rows[0]['metric'], colors)
  handles = [_handle(look) for look in looks.values()]
  names = [_of_labels(k) for k in ks]
  for method, dashes in floors.items():
    handles.append(Line2D([], [], color=colors.muted, linestyle=dashes))
    names.append(f'floor: {_name(method)}')
  canvas.legend(figure, colors, handles, names, above=True, length=1.6)
  return figure


def _looks(
  ks: Sequence[float | str], colors: canvas.Theme
) -> dict[float | str, dict[str, Any]]:
  """Of each k its colour, its marker and how far below the row's middle it is.

  The fewest labels stand on top, as in the legend they stand first.
  """
  shifts = np.linspace(-SHARED / 2, SHARED / 2, len(ks)) if len(ks) > 1 else [0]
  palette = canvas.cycle(colors.series[1:], ks)
  markers = canvas.cycle(charts.MARKERS[1:], ks)
  return {
    k: {'color': palette[i], 'marker': markers[i], 'shift': float(shifts[i])}
    for i, k in enumerate(ks)
  }


def _dots(
  axes: Axes,
  rows: Sequence[Row],
  methods: Sequence[str],
  look: Mapping[str, Any],
) -> None:
  """The dots of one number of labels, with their intervals."""
  scale = wording.scale(rows[0]['metric'])
  mean = np.array([row['mean'] for row in rows], float)
  low, high = (
    np.array([charts.bound(row, end) for row in rows])
    for end in ('low', 'high')
  )
  axes.errorbar(
    scale * mean,
    [methods.index(row['method']) + look['shift'] for row in rows],
    xerr=scale * np.maximum([mean - low, high - mean], 0),
    fmt=look['marker'],
    color=look['color'],
    markersize=5,
    elinewidth=1.3,
    zorder=3,
  )


def _floors(
  axes: Axes, rows: Sequence[Row], looks: Mapping[float | str, Any]
) -> dict[str, Any]:
  """Lines through all rows; returns the dashes of each method that has one."""
  lines = [row for row in rows if row.get('floor')]
  names = list(dict.fromkeys(row['method'] for row in lines))
  dashes = dict(zip(names, canvas.cycle(FLOORS, names), strict=True))
  for row in lines:
    axes.axvline(
      wording.scale(row['metric']) * row['mean'],
      color=looks[row['labels_per_class']]['color'],
      linestyle=dashes[row['method']],
      linewidth=1.3,
      zorder=1,
    )
  return dashes


def _name_rows(
  axes: Axes, methods: Sequence[str], colors: canvas.Theme
) -> None:
  axes.set_yticks(range(len(methods)), labels=[_name(m) for m in methods])
  axes.set_ylim(len(methods) - 0.4, -0.6)
  axes.tick_params(axis='y', length=0, labelcolor=colors.ink)
  # Lines between the rows: within one they would look like error bars.
  for i in range(1, len(methods)):
    axes.axhline(i - 0.5, color=colors.line, linewidth=0.8, zorder=0)


def _name_values(axes: Axes, metric: str, colors: canvas.Theme) -> None:
  axes.set_xlabel(wording.metric_with_unit(metric))
  axes.grid(axis='x', color=colors.line, linewidth=0.8)
  if metric in wording.PERCENT:
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, -1.0), min(high, 101.0))


def _handle(look: Mapping[str, Any]) -> Line2D:
  marker = {'marker': look['marker'], 'markersize': 6, 'linestyle': ''}
  return Line2D([], [], color=look['color'], **marker)


def _of_labels(k: float | str) -> str:
  """`1 label a class`, `all labels`."""
  return f'{wording.count(k)} label{"" if k == 1 else "s"}' + (
    '' if k == 'all' else ' a class'
  )


def _name(method: str) -> str:
  return canvas.literal(wording.protocol(method), 24)
