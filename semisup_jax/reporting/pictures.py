"""Pictures of images, embeddings and mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps, patheffects, ticker
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from semisup_jax.reporting import canvas


def views_grid(images: np.ndarray, theme: str = 'light') -> Figure:
  """Augmented views, one row an image, the original in the first column.

  Args:
    images: Float [rows, columns, H, W, C] in [0, 1], C of 1 or 3.
    theme: `light` or `dark`.

  Raises:
    ValueError: If `images` has another shape.
  """
  images = np.asarray(images, np.float32)
  if images.ndim != 5 or images.shape[-1] not in (1, 3):
    raise ValueError(
      f'images are {images.shape}; expected [rows, columns, H, W, 1 or 3]'
    )
  width = images.shape[3]
  apart = max(2, round(width / 4))  # Between the original and its views.
  sheet = mosaic(images, max(1, round(width / 10)), apart)
  ratio = sheet.shape[0] / sheet.shape[1]
  figure, axes, colors = canvas.empty(theme, 0.25 + canvas.WIDTH * ratio)
  axes = axes[0, 0]
  canvas.without_frame(axes)
  axes.imshow(sheet, interpolation='nearest')
  style = {'color': colors.ink, 'fontsize': canvas.SIZE, 'va': 'bottom'}
  above = -0.04 * width
  axes.text(0, above, 'original', **style)
  if images.shape[1] > 1:
    middle = (width + apart + sheet.shape[1]) / 2
    axes.text(middle, above, 'views', ha='center', **style)
  return figure


def reconstructions(pairs: np.ndarray, theme: str = 'light') -> Figure:
  """Images in a row, and below each what was made of it.

  Args:
    pairs: Float [2, N, H, W, C] in [0, 1], C of 1 or 3.
    theme: `light` or `dark`.
  """
  pairs = np.asarray(pairs, np.float32)
  gap = max(1, round(pairs.shape[3] / 10))
  sheet = mosaic(pairs, gap, gap)
  height = canvas.WIDTH * sheet.shape[0] / sheet.shape[1]
  figure, axes, _ = canvas.empty(theme, 0.1 + height)
  canvas.without_frame(axes[0, 0])
  axes[0, 0].imshow(sheet, interpolation='nearest')
  return figure


def embeddings(
  points: Mapping[str, np.ndarray],
  labels: np.ndarray,
  class_names: Sequence[str],
  theme: str = 'light',
) -> Figure:
  """Embeddings in the plane, coloured by class, one panel each, two a row.

  Up to 20 classes get a legend; up to 10, if their names are short, have them
  written on the points too. With more, colour runs along the class number.

  Args:
    points: Name of the projection to float [N, 2].
    labels: Int [N]; those that are no class are drawn grey.
    class_names: K of them.
    theme: `light` or `dark`.
  """
  labels, count = np.asarray(labels), len(class_names)
  extra = 0.45 + 0.27 * class_legend_lines(class_names)
  columns = min(len(points), 2)
  rows = -(-len(points) // 2)
  figure, grid, colors = canvas.empty(
    theme,
    rows * min(canvas.WIDTH / columns, 4) + extra,
    rows=rows,
    columns=columns,
  )
  palette = class_colors(count, colors)
  order = np.random.default_rng(0).permutation(len(labels))
  shown = labels[order]
  for axes, (name, place) in zip(grid.flat, points.items(), strict=True):
    place = np.asarray(place)[order]
    canvas.without_frame(axes)
    axes.set_title(canvas.literal(name), color=colors.ink)
    scatter(axes, place, shown, palette, colors)
    _name_clusters(axes, place, shown, class_names, colors)
    axes.set_box_aspect(1)
  for axes in grid.flat[len(points) :]:
    axes.set_visible(False)
  class_legend(figure, class_names, colors)
  return figure


def confusion(
  matrix: np.ndarray, class_names: Sequence[str], theme: str = 'light'
) -> Figure:
  """What each class is taken for: true classes down, predictions across.

  The colour is the share of the true class, on a square-root scale that keeps
  rare mistakes visible. Up to 12 classes, the cells hold their counts; up to
  20, the axes hold the names.

  Args:
    matrix: Counts or shares [K, K]; a row is a true class.
    class_names: K of them.
    theme: `light` or `dark`.

  Raises:
    ValueError: If the shape is not [K, K].
  """
  matrix, count = np.asarray(matrix), len(class_names)
  if matrix.shape != (count, count):
    raise ValueError(
      f'the matrix is {matrix.shape}, and there are {count} class names; '
      f'expected [{count}, {count}]'
    )
  figure, axes, colors = canvas.empty(theme, 4.9)
  axes = axes[0, 0]
  share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-12)
  image = axes.imshow(
    share,
    cmap=mpl_colors.LinearSegmentedColormap.from_list('ramp', colors.ramp),
    norm=mpl_colors.PowerNorm(0.5, 0, 1),
    interpolation='nearest',
  )
  axes.set(xlabel='predicted class', ylabel='true class')
  axes.tick_params(length=0)
  _class_ticks(axes, class_names)
  if count <= 12:
    _annotate(axes, matrix, share, colors)
  bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=28, pad=0.02)
  ticks = [0, 0.01, 0.1, 0.25, 0.5, 1]
  bar.set_ticks(ticks, labels=[f'{100 * tick:g}' for tick in ticks])
  bar.set_label('% of the true class', color=colors.ink, fontsize=canvas.SIZE)
  bar.outline.set_visible(False)
  bar.ax.tick_params(colors=colors.muted, labelsize=canvas.SMALL, length=2)
  return figure


def class_legend_lines(class_names: Sequence[str]) -> int:
  """How many lines `class_legend` takes."""
  names = [canvas.literal(name) for name in class_names]
  return canvas.legend_lines(names, 0.7) if len(names) <= 20 else 1


def class_legend(
  figure: Figure, class_names: Sequence[str], colors: canvas.Theme
) -> None:
  """Says below which colour is which class; of up to 20 classes."""
  names = [canvas.literal(name) for name in class_names]
  palette = class_colors(len(names), colors)
  if len(names) > 20:
    text = f'colour: class number, 0 to {len(names) - 1}'
    text += ' (too many for a legend)'
    figure.supxlabel(text, fontsize=canvas.SIZE, color=colors.muted)
    return
  handles = [
    Line2D([], [], color=color, marker='o^'[i // 10], linestyle='')
    for i, color in enumerate(palette)
  ]
  canvas.legend(figure, colors, handles, names, above=False, length=0.7)


def mosaic(images: np.ndarray, gap: int, apart: int) -> np.ndarray:
  """Images side by side and above each other.

  Args:
    images: Float [rows, columns, H, W, C] in [0, 1]; one that is NaN all over
      is a place that is left empty.
    gap: Pixels between two of them.
    apart: Pixels between the first column and the second.

  Returns:
    RGBA, float32 [height, width, 4]; what lies between is transparent.
  """
  rows, columns, height, width, _ = images.shape
  across = columns * (width + gap) - gap + (apart - gap) * (columns > 1)
  whole = np.zeros((rows * (height + gap) - gap, across, 4), np.float32)
  for row, column in np.ndindex(rows, columns):
    y = row * (height + gap)
    x = column * (width + gap) + (apart - gap) * (column > 0)
    cell, image = whole[y : y + height, x : x + width], images[row, column]
    cell[..., :3] = np.clip(np.nan_to_num(image), 0, 1)
    cell[..., 3] = not np.isnan(image).all()
  return whole


def class_colors(count: int, colors: canvas.Theme) -> list[Any]:
  """A colour for each of `count` classes."""
  if count <= 20:
    return canvas.cycle(colors.classes, range(count))
  return list(colormaps['turbo'](np.linspace(0.05, 0.95, count)))


def scatter(
  axes: Axes,
  place: np.ndarray,
  labels: np.ndarray,
  palette: Sequence[Any],
  colors: canvas.Theme,
  scale: float = 1.0,
) -> None:
  """Draws points [N, 2] in the colours of their labels, int [N]; those that
  are no class are grey, and the second ten classes are triangles. `scale` is of
  their area."""
  size = scale * float(np.clip(5000 / max(len(labels), 1), 2.5, 14))
  count = len(palette)
  known = (labels >= 0) & (labels < count)
  rgba = mpl_colors.to_rgba_array([*palette, colors.muted])
  fill = rgba[np.where(known, labels, count)]
  second = (labels >= 10) & known & (count <= 20)
  for marker, chosen in (('o', ~second), ('^', second)):
    axes.scatter(
      *place[chosen].T, s=size, c=fill[chosen], marker=marker, linewidths=0
    )


def _name_clusters(
  axes: Axes,
  place: np.ndarray,
  labels: np.ndarray,
  class_names: Sequence[str],
  colors: canvas.Theme,
) -> None:
  """Writes short names at the middle of their points, with a halo.

  Where some points are of no class, a class has no place of its own.
  """
  names = [canvas.literal(name) for name in class_names]
  too_many = len(names) > 10 or max(map(len, names), default=0) > 4
  if too_many or (labels < 0).any():
    return
  halo = [patheffects.withStroke(linewidth=3, foreground=colors.page)]
  for i, name in enumerate(names):
    if (labels == i).any():
      x, y = np.median(place[labels == i], axis=0)
      axes.text(
        x,
        y,
        name,
        ha='center',
        va='center',
        fontsize=canvas.SIZE,
        fontweight='bold',
        color=colors.ink,
        path_effects=halo,
      )


def _class_ticks(axes: Axes, class_names: Sequence[str]) -> None:
  count = len(class_names)
  if count > 20:
    for axis in (axes.xaxis, axes.yaxis):
      axis.set_major_locator(ticker.MaxNLocator(6, integer=True))
    axes.set(xlabel='predicted class (number)', ylabel='true class (number)')
    return
  names = [canvas.literal(name, 14) for name in class_names]
  turned = max(len(name) for name in names) > 3
  size = canvas.SIZE if count <= 12 else canvas.SMALL
  axes.tick_params(labelsize=size)
  axes.set_yticks(range(count), labels=names)
  angle = {'rotation': 50, 'ha': 'right', 'rotation_mode': 'anchor'}
  axes.set_xticks(range(count), labels=names, **(angle if turned else {}))


def _annotate(
  axes: Axes, matrix: np.ndarray, share: np.ndarray, colors: canvas.Theme
) -> None:
  """Counts in the cells, or per cent if they are shares; zeros stay blank."""
  counts = np.allclose(matrix, np.round(matrix))
  dark_page = mpl_colors.to_rgb(colors.page)[0] < 0.5
  for i, j in np.argwhere(matrix > 0):
    text = f'{matrix[i, j]:.0f}' if counts else f'{100 * share[i, j]:.0f}'
    filled = share[i, j] > (0.5 if dark_page else 0.2)
    color = colors.page if filled else colors.ink
    axes.text(
      j, i, text, ha='center', va='center', color=color, fontsize=canvas.SMALL
    )
