"""Empty figures in a light or a dark theme, and how they reach a file.

Every colour and size is set on the artists, never through rcParams, so that a
figure looks the same whatever a person's matplotlibrc says. No pyplot: nothing
global, no window. Only `figures` and what it gathers import this.
"""

import io
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import figure as mpl_figure
from matplotlib.axes import Axes
from PIL import Image

WIDTH = 5.4  # Inches: 778 pixels, twice what a phone has for it.
DPI = 144
SIZE, SMALL = 11, 9.5  # Points: 10 and 9 CSS pixels on a phone.


class Theme(NamedTuple):
  """The colours of a figure; those of the page it stands on.

  Attributes:
    page: What is behind the figure.
    ink: Text.
    muted: Ticks, secondary text.
    line: Grid and frame.
    series: One colour a protocol, told apart by the colour-blind (Okabe and
      Ito 2008, https://jfly.uni-koeln.de/color/), the baseline's first.
    classes: Ten colours for classes (Petroff 2021,
      https://arxiv.org/abs/2107.02270; in the dark theme lightened).
    ramp: From nothing to all, for a matrix.
  """

  page: str
  ink: str
  muted: str
  line: str
  series: tuple[str, ...]
  classes: tuple[str, ...]
  ramp: tuple[str, ...]


THEMES = {
  'light': Theme(
    page='#ffffff',
    ink='#1b1f23',
    muted='#59616a',
    line='#d9dee3',
    series=(
      *('#3b4147', '#0072b2', '#009e73', '#d55e00'),
      *('#cc79a7', '#e69f00', '#56b4e9', '#8c6d1f'),
    ),
    classes=(
      *('#3f90da', '#ffa90e', '#bd1f01', '#94a4a2', '#832db6'),
      *('#a96b59', '#e76300', '#b9ac70', '#717581', '#92dadd'),
    ),
    ramp=('#ffffff', '#c6dcef', '#6aa9d8', '#1f6fb4', '#08306b'),
  ),
  'dark': Theme(
    page='#14171a',
    ink='#e7e9eb',
    muted='#a3abb4',
    line='#343a41',
    series=(
      *('#d3d7db', '#56b4e9', '#2fc79b', '#ff8a47'),
      *('#e39cc4', '#f0b429', '#8fd0ff', '#cbb06a'),
    ),
    classes=(
      *('#4fa0ea', '#ffb52e', '#f0523a', '#b4c4c2', '#b678e6'),
      *('#c98a77', '#ff8533', '#d6ca90', '#8a90a0', '#a8ecef'),
    ),
    ramp=('#14171a', '#173a5a', '#1f6fb4', '#6aa9d8', '#e4f1fb'),
  ),
}


def empty(
  theme: str, height: float, rows: int = 1, columns: int = 1, **layout
) -> tuple[mpl_figure.Figure, np.ndarray, Theme]:
  """A figure of the page's width, its axes dressed for the theme.

  Args:
    theme: `light` or `dark`.
    height: In inches.
    rows: Of axes.
    columns: Of axes.
    **layout: For `Figure.subplots`, such as `sharex`.

  Returns:
    The figure, its axes [rows, columns] and the theme's colours.

  Raises:
    ValueError: If there is no such theme.
  """
  if theme not in THEMES:
    raise ValueError(f'unknown theme {theme!r}; known: {", ".join(THEMES)}')
  colors = THEMES[theme]
  figure = mpl_figure.Figure(
    figsize=(WIDTH, height), facecolor=colors.page, layout='constrained'
  )
  axes = figure.subplots(rows, columns, squeeze=False, **layout)
  for one in axes.flat:
    dress(one, colors)
  return figure, axes, colors


def dress(axes: Axes, colors: Theme) -> None:
  """Puts the theme on axes: no frame above and at the right, quiet ticks."""
  axes.set_facecolor(colors.page)
  axes.set_axisbelow(True)
  axes.tick_params(
    colors=colors.muted, labelcolor=colors.muted, labelsize=SIZE, length=3
  )
  for side, spine in axes.spines.items():
    spine.set_visible(side in ('left', 'bottom'))
    spine.set_color(colors.line)
  for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
    label.set_color(colors.ink)
    label.set_fontsize(SIZE)


def without_frame(axes: Axes) -> None:
  """Takes ticks and spines away: for pictures and embeddings."""
  axes.set(xticks=[], yticks=[])
  axes.spines[:].set_visible(False)


def literal(text: object, limit: int = 18) -> str:
  """A person's text as matplotlib shows it unchanged: no math, one line."""
  text = ' '.join(str(text).split())
  if len(text) > limit:
    text = text[: limit - 1] + '\N{HORIZONTAL ELLIPSIS}'
  return text.replace('$', r'\$')


def note(axes: Axes, colors: Theme, text: str) -> None:
  """Says on empty axes why there is nothing to see."""
  without_frame(axes)
  style = {'color': colors.muted, 'fontsize': SIZE}
  axes.text(
    0.5, 0.5, text, ha='center', va='center', transform=axes.transAxes, **style
  )


def legend(
  figure: mpl_figure.Figure,
  colors: Theme,
  handles: Sequence[Any],
  names: Sequence[str],
  *,
  above: bool,
  length: float = 1.3,
) -> None:
  """Puts a legend outside the axes, where it can cover nothing.

  Args:
    figure: Where to.
    colors: The theme's.
    handles: What stands before a name.
    names: As they are shown.
    above: Above the axes, or below.
    length: Of a handle, in units of the font's size.
  """
  lines = legend_lines(names, length)
  made = figure.legend(
    handles,
    # matplotlib drops names that start with an underscore: set them after.
    [str(i) for i in range(len(names))],
    loc='outside upper left' if above else 'outside lower center',
    ncols=math.ceil(len(names) / lines),  # As even as can be.
    frameon=False,
    fontsize=SIZE,
    labelcolor=colors.ink,
    handlelength=length,
    handletextpad=0.5,
    columnspacing=1.2,
    borderaxespad=0.2,
  )
  for text, name in zip(made.get_texts(), names, strict=True):
    text.set_text(name)


def legend_lines(names: Sequence[str], length: float = 1.3) -> int:
  """How many lines a legend of these names takes, at the page's width."""
  widths = [length + 1.7 + 0.6 * len(name) for name in names]
  room = 72 * WIDTH / SIZE
  most = len(names) if sum(widths) < room else max(1, int(room / max(widths)))
  return math.ceil(len(names) / most)


def cycle(items: Sequence[str], over: Sequence[Any]) -> list[str]:
  """One of `items` for each of `over`, from the start again if need be."""
  return [items[i % len(items)] for i in range(len(over))]


def save(
  figure: mpl_figure.Figure, path: str | os.PathLike, limit: int = 300_000
) -> None:
  """Writes a PNG of at most `limit` bytes.

  144 dots an inch where that fits; photographs, which compress badly, first
  get a palette of 256 colours, and then fewer dots.

  Args:
    figure: What to write.
    path: Where to; its folder is made.
    limit: Bytes. The last resort, 60 dots an inch, is taken at any size.
  """
  for dpi in (DPI, 120, 96, 72, 60):
    png = _png(figure, dpi)
    if len(png) > limit:
      png = _with_palette(png)
    if len(png) <= limit:
      break
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(png)


def _png(figure: mpl_figure.Figure, dpi: int) -> bytes:
  buffer = io.BytesIO()
  # No name of the program, no date: equal figures are equal files.
  figure.savefig(
    buffer,
    format='png',
    dpi=dpi,
    metadata={'Software': None},
    facecolor=figure.get_facecolor(),
    pil_kwargs={'optimize': True},
  )
  return buffer.getvalue()


def _with_palette(png: bytes) -> bytes:
  buffer = io.BytesIO()
  image = Image.open(io.BytesIO(png)).convert('RGB')
  image.quantize(256, dither=Image.Dither.NONE).save(
    buffer, format='png', optimize=True
  )
  return buffer.getvalue()
