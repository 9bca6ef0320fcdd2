"""Figures of a network's own: its first filters, and maps of one image."""

import numpy as np
from matplotlib import colors as mpl_colors
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas, pictures

ACROSS = 4  # Maps side by side.


def filters(grid: np.ndarray, theme: str = 'light') -> Figure:
  """The filters of a convolution in rows and columns.

  Args:
    grid: Float [rows, columns, h, w, C] in [0, 1], C of 1 or 3; NaN where there
      is no filter.
    theme: `light` or `dark`.
  """
  sheet = pictures.mosaic(grid, 1, 1)
  height = canvas.WIDTH * sheet.shape[0] / sheet.shape[1]
  # A few filters, one above the other, need no more than a square.
  figure, axes, _ = canvas.empty(theme, 0.1 + min(height, canvas.WIDTH))
  canvas.without_frame(axes[0, 0])
  axes[0, 0].imshow(sheet, interpolation='nearest')
  return figure


def activation_maps(
  before: np.ndarray | None, after: np.ndarray, theme: str = 'light'
) -> Figure:
  """The maps of one image, before and after a ReLU, on one scale.

  Args:
    before: Float [h, w, M]; None where there is none.
    after: Float [h, w, M].
    theme: `light` or `dark`.
  """
  sheets = {'before the ReLU': before, 'after it': after}
  if before is None:
    sheets = {'': after}
  sheets = {name: _side_by_side(maps) for name, maps in sheets.items()}
  rows, columns = next(iter(sheets.values())).shape
  height = canvas.WIDTH / 2 * rows / columns
  figure, (line,), colors = canvas.empty(theme, 0.75 + height, columns=2)
  figure.get_layout_engine().set(wspace=0.05)
  line[1].set_visible(before is not None)
  limit = max(float(np.nanmax(np.abs(x))) for x in sheets.values()) or 1.0
  for axes, (name, sheet) in zip(line, sheets.items(), strict=False):
    canvas.without_frame(axes)
    image = axes.imshow(
      sheet,
      _below_and_above(colors),
      vmin=-limit,
      vmax=limit,
      interpolation='nearest',
    )
    axes.set_title(name, color=colors.ink, fontsize=canvas.SIZE, pad=4)
  bar = figure.colorbar(
    image, ax=line.tolist(), location='bottom', shrink=0.5, aspect=40
  )
  bar.outline.set_visible(False)
  bar.ax.tick_params(colors=colors.muted, labelsize=canvas.SMALL, length=2)
  return figure


def _side_by_side(maps: np.ndarray) -> np.ndarray:
  """Maps [h, w, M] on one sheet, the second at the right of the first; NaN
  between them."""
  height, width, count = maps.shape
  columns = min(ACROSS, count)
  gap = max(1, round(width / 12))
  rows = -(-count // columns)
  sheet = np.full((rows, height + gap, columns, width + gap), np.nan)
  for i in range(count):
    sheet[i // columns, :height, i % columns, :width] = maps[..., i]
  sheet = sheet.reshape(rows * (height + gap), columns * (width + gap))
  return sheet[:-gap, :-gap]


def _below_and_above(colors: canvas.Theme) -> mpl_colors.Colormap:
  """Blue below zero, quiet at it, orange above."""
  ends = colors.series[1], colors.line, colors.series[3]
  return mpl_colors.LinearSegmentedColormap.from_list('below and above', ends)
