"""Figures of what a classifier says of images, and of what speaks for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semisup_jax.reporting import canvas

ACROSS = 4  # Mistakes side by side.


class Answer(NamedTuple):
  """An image and the classes that are most probable.

  Attributes:
    image: uint8 [H, W, C], C of 1 or 3.
    name: Of it.
    truth: Its class, or its labels; None where nobody knows.
    classes: Names, the most probable first.
    probabilities: Of each, in [0, 1].
  """

  image: np.ndarray
  name: str
  truth: str | None
  classes: Sequence[str]
  probabilities: Sequence[float]


class Evidence(NamedTuple):
  """An image, and where it speaks for a class.

  Attributes:
    image: uint8 [H, W, C], C of 1 or 3.
    label: The class.
    probability: Of it, in [0, 1].
    occlusion: By how much that falls where something is covered, float [H, W];
      NaN where nothing was.
    grad_cam: float [H, W], at least 0.
  """

  image: np.ndarray
  label: str
  probability: float
  occlusion: np.ndarray
  grad_cam: np.ndarray


class Neighbourhood(NamedTuple):
  """An image, and those that lie next to it.

  Attributes:
    image: uint8 [H, W, C], C of 1 or 3.
    truth: Its class, or its labels; None where nobody knows.
    near: uint8 [N, H, W, C], the nearest first.
    truths: The same of these.
    similarity: Their cosines, [N].
  """

  image: np.ndarray
  truth: str | None
  near: np.ndarray
  truths: Sequence[str | None]
  similarity: Sequence[float]


def top_classes(answers: Sequence[Answer], theme: str = 'light') -> Figure:
  """An image a row, and bars for its most probable classes.

  The bar of the true class is green, where that is known.

  Args:
    answers: At least one, with as many classes each.
    theme: `light` or `dark`.
  """
  most = len(answers[0].classes)
  height = 0.42 + 0.2 * max(most, 4)
  figure, cells, colors = _cells(theme, len(answers), 1, (1, 2.4), height)
  for (picture, bars), answer in zip(cells, answers, strict=True):
    _show(picture, answer.image)
    canvas.without_frame(bars)
    shares = 100 * np.asarray(answer.probabilities)
    fill = [
      colors.series[2 if name == answer.truth else 1] for name in answer.classes
    ]
    bars.barh(range(most), shares, height=0.66, color=fill)
    style = {'color': colors.muted, 'fontsize': canvas.SMALL}
    for place, share in enumerate(shares):
      bars.text(share + 1.5, place, f'{share:.1f} %', va='center', **style)
    bars.set(xlim=(0, 122), ylim=(max(most, 3) - 0.4, -0.6))
    names = [canvas.literal(name, 20) for name in answer.classes]
    bars.set_yticks(range(most), labels=names)
    bars.tick_params(labelsize=canvas.SMALL, labelcolor=colors.ink, length=0)
    title = canvas.literal(answer.name, 24)
    if answer.truth is not None:
      title += f' (true: {canvas.literal(answer.truth, 16)})'
    bars.set_title(title, loc='left', pad=3, **style)
  return figure


def evidence(rows: Sequence[Evidence], theme: str = 'light') -> Figure:
  """Images, and beside each what covering and Grad-CAM say; two in a line.

  Args:
    rows: At least one.
    theme: `light` or `dark`.
  """
  figure, cells, colors = _cells(theme, len(rows), 2, (1, 1, 1, 0.15), 1.24)
  style = {'color': colors.muted, 'fontsize': canvas.SMALL}
  for (picture, covered, cam, space), row in zip(cells, rows, strict=True):
    space.set_visible(False)
    _show(picture, row.image)
    _show(covered, _overlaid(row.image, row.occlusion, colors))
    _show(cam, _overlaid(row.image, row.grad_cam, colors))
    label = canvas.literal(row.label, 10)
    said = f'{label}\n{100 * row.probability:.0f} %'
    picture.set_xlabel(said, labelpad=3, **style)
    fall = 100 * float(np.nanmax(row.occlusion))
    covered.set_xlabel(f'{-fall:+.0f} points', labelpad=3, **style)
  style = {'color': colors.ink, 'fontsize': canvas.SMALL, 'pad': 4}
  for _, covered, cam, _ in cells[:2]:
    covered.set_title('covered', **style)
    cam.set_title('Grad-CAM', **style)
  return figure


def neighbourhoods(
  rows: Sequence[Neighbourhood], theme: str = 'light'
) -> Figure:
  """An image at the left, and those next to it at its right.

  The class of a neighbour is orange where both are known and differ.

  Args:
    rows: At least one, with as many neighbours each.
    theme: `light` or `dark`.
  """
  count = len(rows[0].near)
  side = min(canvas.WIDTH / (count + 1.3), 1.6)
  figure, cells, colors = _cells(
    theme, len(rows), 1, (1, 0.15, *[1] * count), side + 0.42
  )
  letters = int(11 * side)
  for (own, space, *others), row in zip(cells, rows, strict=True):
    space.set_visible(False)
    _show(own, row.image)
    _name(own, row.truth, letters, colors.ink)
    for axes, image, truth, cosine in zip(
      others, row.near, row.truths, row.similarity, strict=True
    ):
      _show(axes, image)
      differs = None not in (truth, row.truth) and truth != row.truth
      color = colors.series[3] if differs else colors.muted
      _name(axes, truth, letters, color, f'\n{cosine:.3f}')
  style = {'color': colors.ink, 'fontsize': canvas.SMALL, 'pad': 4}
  cells[0, 0].set_title('image', **style)
  cells[0, 2].set_title('nearest', **style)
  return figure


def mistakes(answers: Sequence[Answer], theme: str = 'light') -> Figure:
  """Images that were given a wrong class, and below what was said of each.

  Args:
    answers: At least one; `truth` is known.
    theme: `light` or `dark`.
  """
  lines = 1 + max(len(answer.classes) for answer in answers)
  height = 1.3 + 0.17 * lines
  figure, cells, colors = _cells(theme, len(answers), ACROSS, (1,), height)
  for (axes,), answer in zip(cells, answers, strict=True):
    _show(axes, answer.image)
    axes.set_title(
      f'true: {canvas.literal(answer.truth, 11)}',
      loc='left',
      pad=3,
      color=colors.ink,
      fontsize=canvas.SMALL,
    )
    said = [
      f'{canvas.literal(name, 10)}: {100 * share:.0f} %'
      for name, share in zip(answer.classes, answer.probabilities, strict=True)
    ]
    axes.set_xlabel(
      '\n'.join(said),
      loc='left',
      labelpad=3,
      color=colors.muted,
      fontsize=canvas.SMALL,
    )
  return figure


def _cells(
  theme: str, count: int, across: int, widths: Sequence[float], height: float
) -> tuple[Figure, np.ndarray, canvas.Theme]:
  """Axes for `count` items, `across` in a line, several for each item.

  Args:
    theme: `light` or `dark`.
    count: Of items, at least 1.
    across: Of items in a line.
    widths: Of an item's axes, relative to each other.
    height: Of a line, in inches.

  Returns:
    The figure, its axes [count, len(widths)], and the theme's colours.
  """
  lines = -(-count // across)
  figure, grid, colors = canvas.empty(
    theme,
    0.2 + height * lines,
    lines,
    across * len(widths),
    gridspec_kw={'width_ratios': list(widths) * across},
  )
  cells = grid.reshape(lines * across, len(widths))
  for axes in cells[count:].flat:
    axes.set_visible(False)
  return figure, cells[:count], colors


def _show(axes: Axes, image: np.ndarray) -> None:
  """An image without a frame, C of 1 or 3."""
  canvas.without_frame(axes)
  shown = np.broadcast_to(image, (*image.shape[:2], 3))
  axes.imshow(shown, interpolation='nearest')


def _name(
  axes: Axes, truth: str | None, letters: int, color: str, more: str = ''
) -> None:
  """Writes below an image of what class it is."""
  text = '?' if truth is None else canvas.literal(truth, letters)
  axes.set_xlabel(text + more, labelpad=3, color=color, fontsize=canvas.SMALL)


def _overlaid(
  image: np.ndarray, values: np.ndarray, colors: canvas.Theme
) -> np.ndarray:
  """A grey image, orange where values [H, W] are high, blue where below 0.

  The largest of them has the full colour.
  """
  grey = np.asarray(image, np.float32).mean(axis=-1, keepdims=True) / 255
  values = np.nan_to_num(values)[..., None]
  share = values / max(float(np.abs(values).max()), 1e-12)
  above, below = (mpl_colors.to_rgb(colors.series[i]) for i in (3, 1))
  opacity = 0.85 * np.abs(share)
  color = np.where(share > 0, above, below)
  return np.clip((1 - opacity) * grey + opacity * color, 0, 1)
