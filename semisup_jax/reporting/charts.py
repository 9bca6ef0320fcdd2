"""Dots: label efficiency, recall by class."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas, results, wording

Row = Mapping[str, Any]

# Protocols of which each has one colour in all reports, beside the baseline.
COMMON = ('linear_probe', 'knn', 'fine_tune')
MARKERS = ('s', 'o', '^', 'D', 'v', 'P', 'X', 'p')


def label_efficiency(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """The metric against the labels a class, one line a protocol.

  The x axis is logarithmic, widened where two numbers of labels would be too
  close to read, and 'all' stands at its right end behind a dotted line. The
  protocols stand side by side, so that no error bar hides another.

  Args:
    rows: As in results.json; the error bars are `low` to `high`.
    theme: `light` or `dark`.
  """
  grid = results.results_table(rows)
  figure, axes, colors = canvas.empty(theme, 3.9)
  axes = axes[0, 0]
  if not grid.cells:
    canvas.note(axes, colors, 'no results')
    return figure
  places = places_of(grid.ks)
  count = len(grid.protocols)
  step = min(0.13, 0.5 / max(count - 1, 1))
  own = looks(grid.protocols, colors)
  for i, protocol in enumerate(grid.protocols):
    shift = (i - (count - 1) / 2) * step
    _protocol_line(axes, grid, protocol, places, shift, own[protocol])
  labels = [wording.count(k) for k in grid.ks]
  axes.set_xticks([places[k] for k in grid.ks], labels=labels)
  axes.set_xlim(min(places.values()) - 0.5, max(places.values()) + 0.5)
  axes.set_xlabel('labels a class')
  axes.set_ylabel(wording.metric_with_unit(grid.metric))
  axes.grid(axis='y', color=colors.line, linewidth=0.8)
  if grid.metric in wording.PERCENT:
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -1.0), min(high, 101.0))
  handles, names = axes.get_legend_handles_labels()
  canvas.legend(figure, colors, handles, names, above=True)
  return figure


def per_class_recall(rows: Sequence[Row], theme: str = 'light') -> Figure:
  """Recall by class, the weakest on top; at most the 20 weakest.

  Args:
    rows: `class`, `recall` in [0, 1] and `n`.
    theme: `light` or `dark`.
  """
  rows = [row for row in rows if wording.known(row['recall'])]
  weakest = sorted(rows, key=lambda row: row['recall'])[:20]
  height = 0.8 + 0.26 * max(len(weakest), 3)
  figure, axes, colors = canvas.empty(theme, height)
  axes = axes[0, 0]
  if not weakest:
    canvas.note(axes, colors, 'no recall')
    return figure
  values = [100 * row['recall'] for row in weakest]
  where = np.arange(len(weakest))
  axes.plot(values, where, 'o', color=colors.series[1], markersize=6)
  names = [canvas.literal(row['class']) for row in weakest]
  axes.set_yticks(where, labels=names)
  axes.set_ylim(len(weakest) - 0.4, -0.6)
  axes.set_xlim(max(0, 10 * math.floor(min(values) / 10 - 0.5)), 101)
  left = len(rows) - len(weakest)
  some = f' ({len(weakest)} weakest of {len(rows)} classes)' if left else ''
  axes.set_xlabel(f'recall, %{some}')
  axes.grid(color=colors.line, linewidth=0.8)
  return figure


def places_of(ks: Sequence[float | str]) -> dict[float | str, float]:
  """Where each k stands: log2, with steps of at least 0.9, 'all' 1.4 on.

  Args:
    ks: Labels a class, ascending, 'all' last.
  """
  places, before = {}, None
  for k in ks:
    if before is None:
      places[k] = 0.0
    elif k == 'all':
      places[k] = places[before] + 1.4
    else:
      places[k] = places[before] + max(0.9, math.log2(k / before))
    before = k
  return places


def looks(
  protocols: Sequence[str], colors: canvas.Theme
) -> dict[str, dict[str, Any]]:
  """A protocol's colour and marker: the common ones keep theirs."""
  fixed = [wording.BASELINE, *COMMON]
  order = fixed + [p for p in protocols if p not in fixed]
  looks = {}
  for i, protocol in enumerate(order):
    around, color = divmod(i, len(colors.series))
    looks[protocol] = {
      'color': colors.series[color],
      # Where colours come again, they have other markers.
      'marker': MARKERS[(i + around) % len(MARKERS)],
    }
  return looks


def _protocol_line(
  axes: Axes,
  grid: results.Grid,
  protocol: str,
  places: Mapping[float | str, float],
  shift: float,
  look: Mapping[str, Any],
) -> None:
  """One protocol: marks with error bars, and a line through the numbers."""
  color, scale = look['color'], wording.scale(grid.metric)
  present = [k for k in grid.ks if (protocol, k) in grid.cells]
  rows = [grid.cells[protocol, k] for k in present]
  x = np.array([places[k] + shift for k in present])
  mean = np.array([row['mean'] for row in rows], float)
  low = np.array([bound(row, 'low') for row in rows])
  high = np.array([bound(row, 'high') for row in rows])
  axes.errorbar(
    x,
    scale * mean,
    yerr=scale * np.maximum([mean - low, high - mean], 0),
    fmt=look['marker'],
    color=color,
    markersize=6,
    elinewidth=1.5,
    capsize=3,
    label=wording.protocol(protocol),
    zorder=3,
  )
  few = len(present) - (present[-1] == 'all')
  style = '--' if protocol == wording.BASELINE else '-'
  axes.plot(x[:few], scale * mean[:few], style, color=color, linewidth=1.8)
  if few < len(present):
    axes.plot(x[few - 1 :], scale * mean[few - 1 :], ':', color=color) if (
      few
    ) else None


def bound(row: Row, name: str) -> float:
  """An end of the row's interval, NaN where it has none."""
  value = row.get(name)
  return float(value) if wording.known(value) else math.nan
