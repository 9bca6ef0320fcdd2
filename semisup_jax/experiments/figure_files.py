"""The figures of a page, drawn in both themes and written beside it."""

import pathlib
from collections.abc import Callable

from rich.console import Console


class FigureFiles:
  """Figures of one page.

  Attributes:
    made: (title, caption, files by theme) of each, as a page takes them.
  """

  def __init__(self, folder: pathlib.Path, console: Console):
    """Takes the folder, which need not be there."""
    self.made = []
    self._folder = folder
    self._console = console

  def add(self, title: str, caption: str, name: str, draw: Callable) -> None:
    """Saves `draw(reporting.figures, theme)`, or says why it cannot.

    Args:
      title: Of the figure.
      caption: What stands below.
      name: Of the files, without ending.
      draw: Returns the figure in a theme, `light` or `dark`.
    """
    files = {
      'light': self._folder / f'{name}.png',
      'dark': self._folder / f'{name}-dark.png',
    }
    try:
      from semisup_jax.reporting import figures

      drawn = {theme: draw(figures, theme) for theme in files}
    except ImportError as error:
      self._console.print(f'the figure {title!r} is left out: {error}')
      return
    self._folder.mkdir(exist_ok=True)
    for theme, path in files.items():
      figures.save(drawn[theme], path)
    self.made.append((title, caption, files))
