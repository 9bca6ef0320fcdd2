"""A classifier under shift: by batch size and corruption; how sure it is."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colors as mpl_colors
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import batch_norm, canvas, charts

Row = Mapping[str, Any]

_ORDERS = {'iid': 'in random order', 'sorted': 'sorted by class'}


def accuracy_by_batch_size(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """Accuracy against the size of the test batch, one line a mode.

  A row of axes for each shift, a column for each order of the test images. What
  does not look at the test batch is a horizontal line.

  Args:
    rows: `shift`, `mode`, `amount`, `order` and `batch_size` (None of what does
      not depend on them), `mean` in [0, 1], and perhaps `low` and `high`.
    theme: `light` or `dark`.
  """
  shifts, orders = (batch_norm.unique(rows, f) for f in ('shift', 'order'))
  orders = orders or ['iid']
  height = 1.1 + 1.75 * max(len(shifts), 1)
  figure, grid, colors = canvas.empty(
    theme,
    height,
    rows=max(len(shifts), 1),
    columns=len(orders),
    sharex=True,
    sharey=True,
  )
  if not rows:
    canvas.note(grid[0, 0], colors, 'no results')
    return figure
  looks = batch_norm.looks(batch_norm.by_mode(rows))
  for i, shift in enumerate(shifts):
    for j, order in enumerate(orders):
      chosen = [
        row
        for row in rows
        if row['shift'] == shift and row['order'] in (None, order)
      ]
      for mode, own in batch_norm.by_mode(chosen).items():
        _line(grid[i, j], own, looks[mode], colors)
      _dress(grid[i, j], i, j, shift, _ORDERS[order], colors)
  _ticks(grid, rows)
  _legend(figure, looks, colors)
  return figure


def _legend(figure: Figure, looks, colors) -> None:
  handles = [_handle(look, colors) for look in looks.values()]
  names = [batch_norm.name(*mode) for mode in looks]
  canvas.legend(figure, colors, handles, names, above=True, length=2.2)


def _line(axes: Axes, rows, look, colors) -> None:
  """One mode: a line through its batch sizes, or across all of them."""
  color = colors.series[look.series]
  style = {
    'color': color,
    'linestyle': look.dashes,
    'linewidth': 1.5,
    'alpha': look.opacity,
  }
  if rows[0]['batch_size'] is None:
    axes.axhline(100 * rows[0]['mean'], zorder=2, **style)
    return
  own = sorted(rows, key=lambda row: row['batch_size'])
  x = [row['batch_size'] for row in own]
  axes.plot(
    x,
    [100 * row['mean'] for row in own],
    marker=look.marker,
    markersize=4,
    zorder=3,
    **style,
  )
  low, high = (
    np.array([charts.bound(row, end) for row in own]) for end in ('low', 'high')
  )
  if np.isfinite(low).any():
    axes.fill_between(
      x, 100 * low, 100 * high, color=color, alpha=0.12, linewidth=0
    )


def _dress(axes: Axes, i, j, shift, order, colors) -> None:
  style = {'loc': 'left', 'color': colors.ink, 'fontsize': canvas.SMALL}
  text = canvas.literal(batch_norm.shift_name(shift), 28)
  axes.set_title(text if j == 0 else '', **style)
  if i == 0:
    axes.set_title(order, **{**style, 'loc': 'right', 'color': colors.muted})
  if j == 0:
    axes.set_ylabel('accuracy, %')
  axes.grid(color=colors.line, linewidth=0.8)


def _ticks(grid: np.ndarray, rows: Sequence[Row]) -> None:
  """Every batch size by name, and room above the best accuracy."""
  sizes = sorted(batch_norm.unique(rows, 'batch_size'))
  most = 100 * max((row['mean'] for row in rows), default=1)
  for axes in grid.flat:
    axes.set_xscale('log', base=2)
    axes.set_ylim(-0.02 * most, min(1.1 * most, 102))
    axes.set_xticks(sizes, labels=[str(n) for n in sizes])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.tick_params(axis='x', labelsize=canvas.SMALL, labelrotation=90)
  for axes in grid[-1]:
    axes.set_xlabel('test images a batch')


def _handle(look: batch_norm.Look, colors: canvas.Theme) -> Line2D:
  return Line2D(
    [],
    [],
    color=colors.series[look.series],
    linestyle=look.dashes,
    marker=look.marker,
    markersize=4,
    linewidth=1.5,
    alpha=look.opacity,
  )


def corruption_heat_map(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """Accuracy by corruption and mode, the mean over severities, as a matrix.

  Args:
    rows: `shift` (the corruption), `mode`, `amount`, and `mean` in [0, 1].
    theme: `light` or `dark`.
  """
  names, modes = batch_norm.unique(rows, 'shift'), batch_norm.by_mode(rows)
  matrix = np.full((len(names), len(modes)), np.nan)
  for (i, name), (j, of_mode) in itertools.product(
    enumerate(names), enumerate(modes.values())
  ):
    own = [row['mean'] for row in of_mode if row['shift'] == name]
    matrix[i, j] = 100 * np.mean(own) if own else np.nan
  figure, grid, colors = canvas.empty(theme, 1.3 + 0.27 * len(names))
  axes = grid[0, 0]
  if not names:
    canvas.note(axes, colors, 'no corruptions')
    return figure
  ramp = mpl_colors.LinearSegmentedColormap.from_list('ramp', colors.ramp)
  image = axes.imshow(
    matrix, cmap=ramp, aspect='auto', vmin=0, vmax=np.nanmax(matrix)
  )
  _write_cells(axes, matrix, image, colors)
  axes.set_yticks(
    range(len(names)),
    labels=[canvas.literal(n.replace('_', ' ')) for n in names],
  )
  axes.set_xticks(
    range(len(modes)),
    labels=[batch_norm.name(*mode) for mode in modes],
    rotation=45,
    ha='left',
    rotation_mode='anchor',
  )
  axes.xaxis.tick_top()
  axes.tick_params(length=0, labelsize=canvas.SMALL)
  axes.spines[:].set_visible(False)
  return figure


def _write_cells(axes: Axes, matrix, image, colors) -> None:
  """The number in each cell, in whichever ink stands out from it."""
  for i, j in np.ndindex(matrix.shape):
    if np.isnan(matrix[i, j]):
      continue
    red, green, blue, _ = image.cmap(image.norm(matrix[i, j]))
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
    axes.text(
      j,
      i,
      f'{matrix[i, j]:.0f}' if matrix[i, j] >= 9.95 else f'{matrix[i, j]:.1f}',
      ha='center',
      va='center',
      color='#1b1f23' if bright else '#ffffff',
      fontsize=canvas.SMALL,
    )


def reliability_by_mode(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """Accuracy against confidence, a panel for each shift, one line a mode.

  Bins with less than one image in a hundred are left out: their accuracy is
  mostly chance.

  Args:
    rows: `shift`, `mode`, `amount`, and lists by bin: `count`, `confidence` and
      `accuracy` in [0, 1], None where a bin is empty.
    theme: `light` or `dark`.
  """
  shifts = batch_norm.unique(rows, 'shift')
  columns = max(len(shifts), 1)
  figure, grid, colors = canvas.empty(
    theme, 3.2, columns=columns, sharex=True, sharey=True
  )
  if not rows:
    canvas.note(grid[0, 0], colors, 'no results')
    return figure
  looks = batch_norm.looks(batch_norm.by_mode(rows))
  for axes, shift in zip(grid[0], shifts, strict=False):
    axes.plot([0, 100], [0, 100], '--', color=colors.muted, linewidth=1)
    for row in rows:
      if row['shift'] == shift:
        look = looks[row['mode'], row['amount']]
        _reliability_line(axes, row, look, colors)
    axes.set(xlim=(0, 101), ylim=(-2, 102), xlabel='confidence, %')
    axes.set_xticks([0, 50, 100])
    axes.grid(color=colors.line, linewidth=0.8)
    text = canvas.literal(batch_norm.shift_name(shift), 24)
    style = {'loc': 'left', 'color': colors.ink, 'fontsize': canvas.SMALL}
    axes.set_title(text, **style)
  grid[0, 0].set_ylabel('right, %')
  _legend(figure, looks, colors)
  return figure


def _reliability_line(axes: Axes, row: Row, look, colors) -> None:
  least = max(1, 0.01 * sum(row['count']))
  filled = [i for i, n in enumerate(row['count']) if n >= least]
  axes.plot(
    [100 * row['confidence'][i] for i in filled],
    [100 * row['accuracy'][i] for i in filled],
    color=colors.series[look.series],
    linestyle=look.dashes,
    marker=look.marker or '.',
    markersize=4,
    linewidth=1.3,
    alpha=look.opacity,
  )
