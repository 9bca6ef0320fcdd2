"""Pseudo-labels looked at: what a threshold keeps, what a confidence means."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas, wording

Row = Mapping[str, Any]

ROOM = 0.9 * (72 * canvas.WIDTH - 50)  # Points from the first mark to the last.


def pseudo_label_thresholds(
  rows: Sequence[Row], theme: str = 'light'
) -> Figure:
  """Against the threshold: how many images are kept, and how many rightly.

  Thresholds stand at even distances, in ascending order: on a linear axis 0.95,
  0.99 and 0.999, where it is decided, would be one.

  Args:
    rows: `threshold`; `yield` and `precision` in [0, 1], precision None where
      none is kept; `used`, True at the threshold that was trained with, which
      is marked.
    theme: `light` or `dark`.
  """
  rows = sorted(rows, key=lambda row: row['threshold'])
  figure, axes, colors = canvas.empty(theme, 3.4)
  axes = axes[0, 0]
  if not rows:
    canvas.note(axes, colors, 'no thresholds')
    return figure
  names = {'precision': 'right, % of the kept', 'yield': 'kept, % of all'}
  for i, (key, name) in enumerate(names.items()):
    values = [100 * _value(row, key) for row in rows]
    style = {'color': colors.series[1 + 2 * i], 'linewidth': 1.8, 'label': name}
    # Whole marks at 0 and 100, where the axis ends.
    axes.plot(
      values, ('o-', 's--')[i], markersize=5.5, clip_on=False, zorder=3, **style
    )
  _threshold_ticks(axes, rows)
  _mark_used(axes, rows, colors)
  axes.grid(axis='y', color=colors.line, linewidth=0.8)
  low, high = axes.get_ylim()
  axes.set_ylim(max(low, -1), min(high, 101))
  axes.set_ylabel('%')
  handles, labels = axes.get_legend_handles_labels()
  canvas.legend(figure, colors, handles, labels, above=True, length=2.2)
  return figure


def reliability(
  rows: Sequence[Row], ece: float | None = None, theme: str = 'light'
) -> Figure:
  """Accuracy against confidence by bin, and how many images each bin holds.

  A dot stands at the mean confidence of its bin; the line from it to the
  diagonal is the bin's part in the calibration error. Counts are logarithmic:
  one bin often holds nearly all.

  Args:
    rows: The bins: `low`, `high`, `count`, and `confidence` and `accuracy` in
      [0, 1], None or NaN where the bin is empty.
    ece: The expected calibration error in [0, 1], for the title; None where it
      is not known.
    theme: `light` or `dark`.
  """
  layout = {'sharex': True, 'gridspec_kw': {'height_ratios': (3, 1)}}
  figure, grid, colors = canvas.empty(theme, 4.9, rows=2, **layout)
  above, below = grid[:, 0]
  filled = [row for row in rows if row['count']]
  if not filled:
    canvas.note(above, colors, 'no images')
    canvas.without_frame(below)
    return figure
  _diagonal(above, filled, colors)
  _counts(below, filled, colors)
  start = 10 * math.floor(10 * min(row['low'] for row in filled) + 1e-6)
  below.set(xlim=(start, 100.5), xlabel='confidence, %', ylabel='images')
  above.set_ylabel('right, %')
  figure.align_ylabels()
  title = {'loc': 'left', 'color': colors.ink, 'fontsize': canvas.SIZE}
  above.set_title(_calibration(rows, ece), **title)
  return figure


def _value(row: Row, key: str) -> float:
  value = row[key]
  return float(value) if wording.known(value) else math.nan


def _threshold_ticks(axes: Axes, rows: Sequence[Row]) -> None:
  """Names every threshold, or every second, third ... and the used one."""
  names = [f'{row["threshold"]:g}' for row in rows]
  used = [i for i, row in enumerate(rows) if row.get('used')]
  apart = ROOM / max(len(rows) - 1, 1)
  for every in range(1, len(rows) + 1):
    # What stands too close to the used one gives way to it.
    near = {i + j for i in used for j in range(1 - every, every)}
    shown = sorted({*range(0, len(rows), every)} - near | {*used})
    if _fit([names[i] for i in shown], apart * np.diff(shown)):
      break
  axes.set_xticks(shown, labels=[names[i] for i in shown])
  axes.set_xlabel('threshold (not to scale)')


def _fit(names: Sequence[str], apart: np.ndarray) -> bool:
  """Whether names in the middle of ticks this far apart, in points, fit."""
  widths = np.array([0.6 * canvas.SIZE * len(name) for name in names])
  return bool(np.all((widths[1:] + widths[:-1]) / 2 + 2 <= apart))


def _mark_used(axes: Axes, rows: Sequence[Row], colors: canvas.Theme) -> None:
  for i, row in enumerate(rows):
    if row.get('used'):
      axes.axvline(i, color=colors.ink, linestyle=':', linewidth=1.3, zorder=1)
      axes.annotate(
        'used',
        (i, 1),
        (0, 2),
        xycoords=('data', 'axes fraction'),
        textcoords='offset points',
        ha='center',
        va='bottom',
        color=colors.ink,
        fontsize=canvas.SMALL,
      )


def _diagonal(axes: Axes, rows: Sequence[Row], colors: canvas.Theme) -> None:
  """Dots, and how far each lies from where confidence would be accuracy."""
  confidence = 100 * np.array([row['confidence'] for row in rows], float)
  accuracy = 100 * np.array([row['accuracy'] for row in rows], float)
  look = {'color': colors.muted, 'linewidth': 1.2}
  axes.plot([0, 100], [0, 100], '--', zorder=1, **look)
  color = colors.series[1]
  axes.vlines(confidence, confidence, accuracy, color=color, linewidth=1.5)
  axes.plot(confidence, accuracy, 'o', color=color, markersize=6, zorder=3)
  axes.set_ylim(-2, 102)
  axes.grid(color=colors.line, linewidth=0.8)


def _counts(axes: Axes, rows: Sequence[Row], colors: canvas.Theme) -> None:
  """Bars from below 1 on, so that a single image has one too."""
  edges = 100 * np.array([(row['low'], row['high']) for row in rows], float)
  counts = np.array([row['count'] for row in rows], float)
  axes.set_yscale('log')
  width = edges[:, 1] - edges[:, 0]
  look = {'color': colors.series[1], 'alpha': 0.75, 'linewidth': 0}
  axes.bar(edges[:, 0], counts, 0.9 * width, align='edge', **look)
  axes.set_ylim(0.6, 2 * counts.max())
  axes.yaxis.set_major_locator(ticker.LogLocator(numticks=4))
  axes.yaxis.set_major_formatter('{x:,.0f}')
  axes.yaxis.set_minor_locator(ticker.NullLocator())
  axes.grid(axis='y', color=colors.line, linewidth=0.8)


def _calibration(rows: Sequence[Row], ece: float | None) -> str:
  n = sum(row['count'] for row in rows)
  many = f'{len(rows)} bins, n = {n:,}'
  if not wording.known(ece):
    return many
  return f'ECE {wording.number(ece, "ece")} % ({many})'
