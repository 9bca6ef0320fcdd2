"""How embeddings come apart while a network learns without labels."""

import io
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from semisup_jax.reporting import canvas, pictures

# Frames between two snapshots, and how long one is shown, in milliseconds: in
# motion, and at rest.
BETWEEN, MOVING, RESTING = 6, 80, 900


def embedding_strip(
  points: Mapping[str, Sequence[np.ndarray]],
  steps: Sequence[int],
  labels: np.ndarray,
  class_names: Sequence[str],
  theme: str = 'light',
) -> Figure:
  """Embeddings in the plane at several steps, a row for each projection.

  Args:
    points: Name of the projection to float [N, 2] at each step.
    steps: Of the columns.
    labels: Int [N].
    class_names: K of them.
    theme: `light` or `dark`.
  """
  side = canvas.WIDTH / len(steps)
  height = 0.35 + (side + 0.1) * len(points)
  height += 0.27 * pictures.class_legend_lines(class_names) + 0.15
  figure, grid, colors = canvas.empty(
    theme, height, rows=len(points), columns=len(steps)
  )
  palette = pictures.class_colors(len(class_names), colors)
  for row, (name, places) in zip(grid, points.items(), strict=True):
    limits = _limits(places)
    for axes, place in zip(row, places, strict=True):
      canvas.without_frame(axes)
      pictures.scatter(axes, place, np.asarray(labels), palette, colors, 0.4)
      axes.set(xlim=limits[0], ylim=limits[1])
      axes.set_box_aspect(1)
    row[0].set_ylabel(canvas.literal(name))
  for axes, step in zip(grid[0], steps, strict=True):
    axes.set_title(f'step {step:,}', color=colors.ink, fontsize=canvas.SMALL)
  pictures.class_legend(figure, class_names, colors)
  return figure


def correlation_strip(
  matrices: Sequence[np.ndarray], steps: Sequence[int], theme: str = 'light'
) -> Figure:
  """The cross-correlation of two views' projections at several steps.

  Args:
    matrices: Float [M, M] in [-1, 1] each.
    steps: Of the columns.
    theme: `light` or `dark`.
  """
  figure, grid, colors = canvas.empty(
    theme, 0.95 + canvas.WIDTH / len(steps), columns=len(steps)
  )
  for axes, matrix, step in zip(grid[0], matrices, steps, strict=True):
    canvas.without_frame(axes)
    image = axes.imshow(
      matrix,
      cmap=colormaps['RdBu_r'],
      vmin=-1,
      vmax=1,
      interpolation='nearest',
    )
    axes.set_title(f'step {step:,}', color=colors.ink, fontsize=canvas.SMALL)
  bar = figure.colorbar(
    image, ax=grid[0].tolist(), location='bottom', shrink=0.5, aspect=40
  )
  bar.set_ticks([-1, 0, 1], labels=['-1', '0', '1'])
  bar.set_label('correlation', color=colors.ink, fontsize=canvas.SMALL)
  bar.outline.set_visible(False)
  bar.ax.tick_params(colors=colors.muted, labelsize=canvas.SMALL, length=2)
  return figure


def embedding_animation(
  places: Sequence[np.ndarray],
  steps: Sequence[int],
  labels: np.ndarray,
  class_names: Sequence[str],
  theme: str = 'light',
) -> 'Animation':
  """Embeddings that move from step to step, in straight lines.

  Args:
    places: Float [N, 2] at each step.
    steps: Of these.
    labels: Int [N].
    class_names: K of them.
    theme: `light` or `dark`.
  """
  limits = _limits(places)
  frames = []
  for i, place in enumerate(places):
    frames.append((place, f'step {steps[i]:,}', RESTING))
    if i + 1 < len(places):
      for j in range(1, BETWEEN + 1):
        share = (1 - np.cos(np.pi * j / (BETWEEN + 1))) / 2
        moved = place + share * (places[i + 1] - place)
        frames.append((moved, f'step {steps[i]:,}', MOVING))

  def draw(place, title):
    figure, grid, colors = canvas.empty(theme, canvas.WIDTH)
    axes = grid[0, 0]
    canvas.without_frame(axes)
    palette = pictures.class_colors(len(class_names), colors)
    pictures.scatter(axes, place, np.asarray(labels), palette, colors)
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_box_aspect(1)
    axes.set_title(title, color=colors.ink, fontsize=canvas.SIZE + 3)
    return figure

  return Animation(
    [draw(place, title) for place, title, _ in frames],
    [duration for *_, duration in frames],
  )


class Animation:
  """Figures one after the other, as an animated PNG.

  Attributes:
    figures: Of one size.
    durations: Of each, in milliseconds.
  """

  def __init__(self, figures: Sequence[Figure], durations: Sequence[int]):
    self.figures = list(figures)
    self.durations = list(durations)

  def save(self, path: str | os.PathLike, limit: int = 300_000) -> None:
    """Writes it, again and again from the start, in at most `limit` bytes.

    Args:
      path: Where to; its folder is made.
      limit: As of `canvas.save`.
    """
    for dpi in (96, 80, 66, 54, 44):
      png = self._png(dpi)
      if len(png) <= limit:
        break
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png)

  def _png(self, dpi: int) -> bytes:
    frames = []
    for figure in self.figures:
      buffer = io.BytesIO()
      figure.savefig(
        buffer, format='png', dpi=dpi, facecolor=figure.get_facecolor()
      )
      frames.append(Image.open(buffer).convert('RGB'))
    # One palette, of the last frame, which has all colours; the page behind
    # keeps its own to the bit.
    palette = frames[-1].quantize(64, dither=Image.Dither.NONE)
    page = frames[-1].getpixel((0, 0))
    frames = [
      frame.quantize(palette=palette, dither=Image.Dither.NONE)
      for frame in frames
    ]
    values, i = palette.getpalette(), frames[-1].getpixel((0, 0))
    values[3 * i : 3 * i + 3] = page
    for frame in frames:
      frame.putpalette(values)
    first, *others = frames
    buffer = io.BytesIO()
    first.save(
      buffer,
      format='png',
      save_all=True,
      append_images=others,
      duration=self.durations,
      loop=0,
      optimize=True,
    )
    return buffer.getvalue()


def _limits(places: Sequence[np.ndarray]) -> np.ndarray:
  """The ends of both axes, the same for all places, [2, 2]."""
  everything = np.concatenate(list(places))
  low, high = everything.min(axis=0), everything.max(axis=0)
  margin = 0.04 * np.maximum(high - low, 1e-9)
  return np.stack([low - margin, high + margin], axis=1)
