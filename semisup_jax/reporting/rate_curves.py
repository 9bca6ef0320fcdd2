"""How trainings at several learning rates went, of which one was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import ticker
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas, wording
from semisup_jax.reporting.curves import DASHES

LENGTH = 1.9  # Of a line in the legend, in units of the font's size.


def rate_curves(
  panels: Mapping[str, Sequence[Mapping[str, Any]]],
  metric: str,
  theme: str = 'light',
) -> Figure:
  """Loss of training and validation, and validation's metric, over steps.

  A row of axes for each training, a line for each rate, and a mark where the
  look is that was chosen.

  Args:
    panels: By their titles looks at validation, as the rows of the table
      `courses`: `learning_rate`, `step`, `train_loss`, `nll`, `chosen` and the
      metric.
    metric: Its name.
    theme: `light` or `dark`.
  """
  rates = sorted(
    {look['learning_rate'] for own in panels.values() for look in own}
  )
  names = [f'{rate:g}' for rate in rates]
  height = 0.6 + 1.7 * len(panels) + 0.24 * canvas.legend_lines(names, LENGTH)
  figure, grid, colors = canvas.empty(
    theme, height, rows=len(panels), columns=3, sharex='row'
  )
  styles = {
    rate: {
      'color': colors.series[1 + i % (len(colors.series) - 1)],
      'linestyle': DASHES[i % len(DASHES)],
      'linewidth': 1.5,
    }
    for i, rate in enumerate(rates)
  }
  percent = metric in wording.PERCENT
  measured = wording.metric_in_short(metric)
  measured = f'{measured.lower()}, %' if percent else measured
  columns = (
    ('training loss', 'train_loss', 1),
    ('validation loss', 'nll', 1),
    (measured, metric, 100 if percent else 1),
  )
  for row, (title, looks) in zip(grid, panels.items(), strict=True):
    for axes, (_, field, scaled) in zip(row, columns, strict=True):
      for rate, style in styles.items():
        own = [look for look in looks if look['learning_rate'] == rate]
        steps = [look['step'] for look in own]
        axes.plot(steps, [scaled * look[field] for look in own], **style)
        for look in own:
          if look['chosen'] and field != 'train_loss':
            at = look['step'], scaled * look[field]
            mark = {'color': style['color'], 'zorder': 4, 'clip_on': False}
            axes.plot(*at, 'o', markersize=5, **mark)
      axes.grid(axis='y', color=colors.line, linewidth=0.8)
      axes.xaxis.set_major_locator(ticker.MaxNLocator(3, integer=True))
      axes.yaxis.set_major_locator(ticker.MaxNLocator(4))
    row[0].set_ylabel(title)
  for top, bottom, (label, *_) in zip(grid[0], grid[-1], columns, strict=True):
    top.set_title(label)
    bottom.set_xlabel('step')
  handles = [Line2D([], [], **style) for style in styles.values()]
  canvas.legend(figure, colors, handles, names, above=True, length=LENGTH)
  return figure
