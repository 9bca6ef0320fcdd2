"""How far a run is, for a person who waits."""

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

from rich import progress
from rich.console import Console


class Bar(Protocol):
  """What a loop tells of its way."""

  def advance(self, steps: int, note: str = '') -> None:
    """Says that so many more steps are done."""


class SilentBar:
  """For loops that nobody watches."""

  def advance(self, steps: int, note: str = '') -> None:
    """Does nothing."""


class _RichBar:
  def __init__(self, display, task, images_per_step):
    self._display = display
    self._task = task
    self._images_per_step = images_per_step
    self._started = None
    self._since = 0

  def advance(self, steps: int, note: str = '') -> None:
    now = time.monotonic()
    rate = ''
    if self._started is None:
      self._started = now  # The first step compiles, and says nothing of speed.
    else:
      self._since += steps
      if self._images_per_step and now > self._started:
        rate = self._since * self._images_per_step / (now - self._started)
        rate = f'{rate:,.0f} images/s'
    self._display.update(self._task, advance=steps, rate=rate, note=note)


class _LineBar:
  """One line at every tenth, where the output is a file."""

  def __init__(self, console, description, total, done):
    self._console = console
    self._description = description
    self._total = total
    self._done = done
    self._started = time.monotonic()

  def advance(self, steps: int, note: str = '') -> None:
    before = self._done * 10 // self._total
    self._done += steps
    if self._done * 10 // self._total > before:
      seconds = time.monotonic() - self._started
      self._console.print(
        f'{self._description} {self._done}/{self._total} {note} '
        f'({seconds:.0f} s)',
        highlight=False,
      )


@contextlib.contextmanager
def bar(
  console: Console,
  description: str,
  total: int,
  *,
  done: int = 0,
  images_per_step: int = 0,
) -> Iterator[Bar]:
  """Shows a progress bar with the time left and, for training, images/s.

  Args:
    console: Where; if it is no terminal, a line is printed at every tenth.
    description: What is being done.
    total: Number of steps.
    done: Steps that were done before, in a run that is resumed.
    images_per_step: The batch size, or 0 to show no speed.
  """
  if not console.is_terminal:
    yield _LineBar(console, description, total, done)
    return
  display = progress.Progress(
    progress.TextColumn('{task.description}'),
    progress.BarColumn(bar_width=None),
    progress.MofNCompleteColumn(),
    progress.TimeRemainingColumn(),
    progress.TextColumn('{task.fields[rate]}'),
    progress.TextColumn('{task.fields[note]}'),
    console=console,
  )
  with display:
    task = display.add_task(
      description, total=total, completed=done, rate='', note=''
    )
    yield _RichBar(display, task, images_per_step)
