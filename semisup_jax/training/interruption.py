"""Signals that ask a run to stop, and the moments at which it can.

SIGINT (Ctrl-C) and SIGTERM (what schedulers send before they kill) ask once;
the second one ends the process at once, as `kill -9` would. Handlers are the
process's own, and so is what this module remembers.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
  """A signal asked the run to stop.

  Attributes:
    signum: Which.
    kept: The step of the state that was saved because of it; None if none was.
  """

  def __init__(self, signum: int, kept: int | None = None):
    """Takes both."""
    super().__init__(signum, kept)
    self.signum = signum
    self.kept = kept

  def __str__(self) -> str:
    name = signal.Signals(self.signum).name
    if self.kept is None:
      return (
        f'interrupted by {name}; the same command goes on from what is saved'
      )
    return (
      f'interrupted by {name}; the state after step {self.kept:,} is saved, '
      'and the same command goes on from it'
    )


class _Asked:
  """What the handlers remember."""

  signum: int | None = None
  deferring = 0
  counting = threading.Lock()  # Trainings may run in threads of their own.


_asked = _Asked()


def received() -> int | None:
  """The signal that asked the run to stop, while that is `deferred`."""
  return _asked.signum


@contextlib.contextmanager
def handled() -> Iterator[None]:
  """Makes the first signal raise `Interrupted`, and the second end at once.

  Outside the main thread, where Python allows no handlers, it does nothing.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  before = {s: signal.signal(s, _first) for s in SIGNALS}
  # Python runs handlers between two of its own instructions, and a compilation
  # is one: a thread is what hears of the second signal in time.
  reading, writing = os.pipe()
  os.set_blocking(writing, False)
  waking = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
  threading.Thread(target=_second, args=(reading,), daemon=True).start()
  try:
    yield
  finally:
    signal.set_wakeup_fd(waking)
    os.close(writing)
    for signum, handler in before.items():
      signal.signal(signum, handler)
    _asked.signum = None


@contextlib.contextmanager
def deferred() -> Iterator[None]:
  """Lets a signal wait: who is inside asks `received` at moments of its own.

  One that nobody has acted upon is raised at the end.
  """
  with _asked.counting:
    _asked.deferring += 1
  try:
    yield
  finally:
    with _asked.counting:
      _asked.deferring -= 1
  if _asked.signum is not None and not _asked.deferring:
    raise Interrupted(_asked.signum)


def _first(signum: int, frame: object) -> None:
  del frame
  _asked.signum = signum
  if not _asked.deferring:
    raise Interrupted(signum)


def _second(reading: int) -> None:
  """Counts signals as the kernel delivers them, until the pipe is closed."""
  count = 0
  while byte := os.read(reading, 1):
    count += byte[0] in SIGNALS
    if count == 2:
      os._exit(128 + byte[0])
  os.close(reading)
