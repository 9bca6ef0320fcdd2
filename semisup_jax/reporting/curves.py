"""What happened during training, over the steps."""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, wording

# Beside the colours, for the colour-blind and where lines lie on each other.
DASHES = ('-', (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)))


class Panel(NamedTuple):
  """One pair of axes: which metrics it shows, and how.

  Attributes:
    title: What stands above it.
    suffix: A metric belongs here if its name ends so, or is that.
    prefixes: What may stand before it; None for anything.
    scale: What values are multiplied by.
    holds: What the axis shows at the least: where the distance from its ends
      is what matters.
  """

  title: str
  suffix: str
  prefixes: tuple[str, ...] | None = ('',)
  scale: float = 1
  holds: tuple[float, float] | None = None

  def shows(self, name: str) -> bool:
    """Whether the metric `name` belongs here."""
    if not name.endswith(self.suffix):
      return False
    return self.prefixes is None or self.line(name) in self.prefixes

  def line(self, name: str) -> str:
    """What the metric `name` is of: `knn` in `knn_top1`."""
    return name.removesuffix(self.suffix)


OUTPUTS = ('embedding', 'projection')
HELD_OUT = 'held_out_'
PANELS = (
  Panel('loss', 'loss', ('', HELD_OUT)),
  Panel('accuracy, %', '_top1', None, scale=100),
  Panel('ROC-AUC', '_roc_auc', None),
  Panel('rank (RankMe)', '_rank', OUTPUTS, holds=(0, 1)),
  Panel('std (0: collapse)', '_std', OUTPUTS, holds=(0, 1)),
  Panel('learning rate', 'learning_rate'),
  Panel('gradient norm', 'grad_norm'),
)
PERCENT = PANELS[1]

# Steps and values of one line; the metric's name and the split are its key.
Series = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def training_curves(
  history: Sequence[Mapping[str, Any]], theme: str = 'light'
) -> Figure:
  """Loss, accuracies, rank and spread, learning rate, gradient norm.

  A panel with more than one line has its legend beside its title.

  Args:
    history: The lines of metrics.jsonl: `step`, `split` and metrics by name.
      Every `<evaluator>_top1` is a line of the accuracies, and every
      `<evaluator>_roc_auc` one of these; rank and spread are
      those of `embedding_` and `projection_`. A panel of which nothing was
      logged is not drawn; a missing or non-finite value is left out.
    theme: `light` or `dark`.
  """
  found = [(panel, _series(history, panel)) for panel in PANELS]
  found = [(panel, series) for panel, series in found if series]
  rows = max(len(found), 1)
  figure, grid, colors = canvas.empty(
    theme, 0.6 + 1.35 * rows, rows=rows, sharex=True
  )
  if not found:
    canvas.note(grid[0, 0], colors, 'no training history')
    return figure
  for axes, (panel, series) in zip(grid[:, 0], found, strict=True):
    _draw(axes, panel, series, colors)
  grid[-1, 0].xaxis.set_major_locator(ticker.MaxNLocator(5, integer=True))
  grid[-1, 0].set_xlabel('step')
  return figure


def _draw(
  axes: Axes, panel: Panel, series: Series, colors: canvas.Theme
) -> None:
  """One panel: its lines, its title, and which line is which."""
  handles = []
  for i, (steps, values) in enumerate(series.values()):
    look = {
      'color': colors.series[1 + i % (len(colors.series) - 1)],
      'linestyle': DASHES[i % len(DASHES)],
      'linewidth': 1.6,
    }
    marker = 'o' if len(steps) <= 12 else ''
    axes.plot(steps, values, marker=marker, markersize=4, **look)
    handles.append(Line2D([], [], **look))
  names, title = _names(panel, series), panel.title
  if len(names) == 1 and names[0]:
    title = f'{names[0]} {title}'
  style = {'color': colors.ink, 'fontsize': canvas.SIZE}
  axes.set_title(title, loc='left', **style)
  axes.grid(axis='y', color=colors.line, linewidth=0.8)
  axes.yaxis.set_major_locator(ticker.MaxNLocator(3))
  _limit(axes, panel)
  if len(names) > 1:
    _legend(axes, handles, names, colors)


def _limit(axes: Axes, panel: Panel) -> None:
  """Keeps the axis to what the metric can be, and a line's width more."""
  low, high = axes.get_ylim()
  if panel is PERCENT:
    low, high = max(low, 0), min(high, 100)
    hair = 0.04 * (high - low)
    axes.set_ylim(low - hair * (low == 0), high + hair * (high == 100))
  elif panel.holds:
    bottom, top = panel.holds
    axes.set_ylim(bottom, max(high, top + 0.04 * (top - bottom)))


def _legend(
  axes: Axes,
  handles: Sequence[Line2D],
  names: Sequence[str],
  colors: canvas.Theme,
) -> None:
  """At the right of the title, where it covers nothing."""
  lines = canvas.legend_lines([axes.get_title(loc='left'), *names], 1.7)
  axes.legend(
    handles,
    names,
    loc='lower right',
    bbox_to_anchor=(1.0, 0.98),
    ncols=math.ceil(len(names) / lines),
    frameon=False,
    fontsize=canvas.SMALL,
    labelcolor=colors.ink,
    handlelength=1.7,
    handletextpad=0.4,
    columnspacing=1.0,
    borderpad=0,
    borderaxespad=0.3,
  )


def _names(panel: Panel, series: Series) -> list[str]:
  """Of each line: what it is of, and the split where that tells it apart."""
  names = []
  for metric, split in series:
    of = panel.line(metric)
    known = of in wording.PROTOCOLS
    words = [wording.protocol(of) if known else of.replace('_', ' ')]
    # What is held out is of validation, and says so.
    if len({other for _, other in series}) > 1 and of != HELD_OUT:
      words.append(split)
    names.append(canvas.literal(' '.join(filter(None, words))))
  return names


def _series(history: Sequence[Mapping[str, Any]], panel: Panel) -> Series:
  """Steps and values of a panel's metrics, as they first appear."""
  found: dict[tuple[str, str], list[tuple[float, float]]] = {}
  for line in history:
    split = str(line.get('split', 'train'))
    for name, value in line.items():
      if not panel.shows(name):
        continue
      if isinstance(value, numbers.Real) and wording.known(value):
        pair = line['step'], panel.scale * value
        found.setdefault((name, split), []).append(pair)
  return {
    key: tuple(np.array(sorted(pairs), float).T) for key, pairs in found.items()
  }
