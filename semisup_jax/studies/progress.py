"""How far a study is: which point is running, and how long the rest takes.

rich's own time left looks back half a minute, and a point takes longer.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich import progress
from rich.console import Console
from rich.text import Text

from semisup_jax.reporting import wording


class Pace:
  """Counts points, and tells the time left from the mean of this session's."""

  def __init__(
    self,
    total: int,
    done: int,
    *,
    clock: Callable[[], float] = time.monotonic,
  ):
    """Takes how many points there are, and how many were finished before."""
    self.total = total
    self.done = done
    self._clock = clock
    self._started = clock()
    self._spent: list[float] = []

  def begin(self, name: str) -> None:
    """Says that a point starts."""
    del name
    self._started = self._clock()

  def finish(self) -> None:
    """Says that it has ended."""
    self._spent.append(self._clock() - self._started)
    self.done += 1

  @property
  def last(self) -> float:
    """Seconds of the last point."""
    return self._spent[-1]

  def left(self) -> str:
    """`about 12 min 5 s left`; nothing before the first point has ended."""
    rest = self.total - self.done
    if not self._spent or not rest:
      return ''
    # The started point counts with what it has not yet taken, or not at all.
    mean = sum(self._spent) / len(self._spent)
    running = max(mean - (self._clock() - self._started), 0)
    return f'about {wording.duration(mean * (rest - 1) + running)} left'


class _Lines(Pace):
  """A line for each point, where the output is a file."""

  def __init__(self, console, total, done):
    super().__init__(total, done)
    self._console = console
    self._name = ''

  def begin(self, name):
    super().begin(name)
    self._name = name

  def finish(self):
    super().finish()
    self._started = self._clock()
    parts = [wording.duration(self.last), self.left()]
    self._console.print(
      f'{self.done}/{self.total} {self._name}: '
      f'{", ".join(filter(None, parts))}',
      highlight=False,
      soft_wrap=True,
    )


class _TimeLeft(progress.ProgressColumn):
  max_refresh = 1.0

  def __init__(self, pace):
    super().__init__()
    self._pace = pace

  def render(self, task):
    del task
    return Text(self._pace.left())


class _Shown(Pace):
  """A bar, where someone looks at it."""

  def __init__(self, console, total, done):
    super().__init__(total, done)
    self.display = progress.Progress(
      progress.MofNCompleteColumn(),
      progress.BarColumn(bar_width=20),
      _TimeLeft(self),
      progress.TextColumn('{task.description}', markup=False),
      console=console,
    )
    self._task = self.display.add_task('', total=total, completed=done)

  def begin(self, name):
    super().begin(name)
    self.display.update(self._task, description=name)

  def finish(self):
    super().finish()
    self.display.update(self._task, completed=self.done, description='')


@contextlib.contextmanager
def bar(console: Console, *, total: int, done: int) -> Iterator[Pace]:
  """Shows one bar for a whole study, or prints a line for each point.

  Args:
    console: Where; lines if it is no terminal.
    total: Points.
    done: Those of them that were finished before.
  """
  if not console.is_terminal:
    yield _Lines(console, total, done)
    return
  shown = _Shown(console, total, done)
  with shown.display:
    yield shown
