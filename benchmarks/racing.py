"""Forms of the same work, checked to give the same, and timed in turns.

Each is a process of its own (`worker`), so that what one sets for itself, as
threads or devices, is not another's. They take turns, A B A B, so that what
else the machine does falls on all of them.
"""

import contextlib
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

# Calls that are not counted, unless so many seconds are over before: on a CPU
# the heap still grows in the first ones, and each new page takes its time.
WARM_UP, WARM_UP_SECONDS = 20, 30
# Several processes share an accelerator; none may take all of its memory.
ENVIRONMENT = {'XLA_PYTHON_CLIENT_PREALLOCATE': 'false'}


class Form(NamedTuple):
  """One way to do the work.

  Attributes:
    name: For the table.
    target: A function of `arguments` that gives a `worker.Prepared`, as
      `benchmarks.jax_forms:step`.
    arguments: JSON.
    environment: Variables that it is started with, besides ours.
    folder: Of another checkout of this project, whose code it is; None is this.
  """

  name: str
  target: str
  arguments: Mapping[str, Any]
  environment: Mapping[str, str] = {}
  folder: str | None = None


class Result(NamedTuple):
  """What was measured of a form.

  Attributes:
    seconds: Of a call, one for each turn.
    bytes: The most that was held above what there was before the first call; on
      a CPU of resident memory, the program that is compiled included.
    resident: The most that the process had resident.
    facts: From `worker.Prepared`.
  """

  seconds: list[float]
  bytes: int = 0
  resident: int = 0
  facts: Mapping[str, Any] = {}

  @property
  def median(self) -> float:
    """Seconds of a call."""
    return statistics.median(self.seconds)


class FormError(RuntimeError):
  """A form could not be measured, or gives something else than the first."""


class Runner:
  """A form's process."""

  def __init__(self, form: Form):
    self.name = form.name
    self.started = time.perf_counter()
    self._process = subprocess.Popen(
      [sys.executable, '-m', 'benchmarks.worker'],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      text=True,
      env={**os.environ, **ENVIRONMENT, **form.environment},
      cwd=form.folder,
    )
    self._ask([form.target, dict(form.arguments)])

  def _ask(self, what: Any) -> Any:
    try:
      self._process.stdin.write(json.dumps(what) + '\n')
      self._process.stdin.flush()
    except BrokenPipeError:
      pass  # What it has said on standard error is why.
    line = self._process.stdout.readline()
    if not line:
      raise FormError(f'the process of {self.name!r} ended')
    return json.loads(line)

  def outputs(self, folder: pathlib.Path) -> dict[str, np.ndarray] | None:
    """What it gives, to be compared; None where there is nothing."""
    path = folder / 'outputs.npz'
    if not self._ask(['check', str(path)]):
      return None
    with np.load(path) as arrays:
      return dict(arrays)

  def go(self, calls: int) -> float:
    """Seconds of a call, of so many."""
    return self._ask(['go', calls])

  def profile(self) -> dict[str, float]:
    """Seconds of a call by operation, where the form can tell."""
    return self._ask(['profile'])

  def end(self) -> dict[str, Any]:
    """Its memory and its facts."""
    return self._ask(['end'])

  def signal(self, number: int) -> None:
    """Sends a signal to the process."""
    self._process.send_signal(number)

  def close(self) -> None:
    """Ends the process."""
    with contextlib.suppress(BrokenPipeError):
      self._process.stdin.close()
    self._process.wait()
    self._process.stdout.close()


def race(
  forms: Sequence[Form],
  *,
  turns: int,
  seconds: float,
  tolerances: Mapping[str, float] | None = None,
) -> dict[str, Result]:
  """Measures forms in turns.

  Args:
    forms: They are prepared in this order: what the first writes, the others
      may read.
    turns: Of each.
    seconds: That a turn takes at least, of as many calls as that needs.
    tolerances: By the name of what the forms have to agree in, how far one may
      be from the first: the length of the difference over that of the first.

  Raises:
    FormError: If a form fails, or the forms disagree; then nothing is timed.
  """
  with _runners(forms) as runners:
    if tolerances is not None:
      _check(runners, tolerances)
    for runner in runners.values():
      runner.go(1)  # What is compiled, is compiled here.
    return take_turns(runners, turns=turns, seconds=seconds)


def take_turns(
  runners: Mapping[str, Runner], *, turns: int, seconds: float
) -> dict[str, Result]:
  """Measures what is prepared; see `race`."""
  calls = {
    name: max(1, math.ceil(seconds / _warm_up(runner)))
    for name, runner in runners.items()
  }
  times = {name: [] for name in runners}
  for _ in range(turns):
    for name, runner in runners.items():
      times[name].append(runner.go(calls[name]))
  return {
    name: Result(times[name], **runner.end())
    for name, runner in runners.items()
  }


def _warm_up(runner: Runner) -> float:
  """Seconds of the last call."""
  until = time.perf_counter() + WARM_UP_SECONDS
  for _ in range(WARM_UP):
    took = runner.go(1)
    if time.perf_counter() > until:
      break
  return took


def compare(forms: Sequence[Form], tolerances: Mapping[str, float]) -> None:
  """Checks that forms agree, and times none; see `race`.

  Raises:
    FormError: If they do not.
  """
  with _runners(forms) as runners:
    _check(runners, tolerances)


@contextlib.contextmanager
def _runners(forms: Sequence[Form]) -> Iterator[dict[str, Runner]]:
  with contextlib.ExitStack() as stack:
    runners = {}
    for form in forms:
      runner = stack.enter_context(contextlib.closing(Runner(form)))
      runners[form.name] = runner
    yield runners


def _check(
  runners: Mapping[str, Runner], tolerances: Mapping[str, float]
) -> None:
  first, expected = None, None
  for name, runner in runners.items():
    with tempfile.TemporaryDirectory() as folder:
      found = runner.outputs(pathlib.Path(folder))
    if found is None:
      continue
    if expected is None:
      first, expected = name, found
    apart = differences(expected, found)
    if bad := {k: d for k, d in apart.items() if not d <= tolerances[k]}:
      raise FormError(f'{name!r} is not {first!r}: {bad}, allowed {tolerances}')


def differences(
  expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]
) -> dict[str, float]:
  """How far two forms are apart, by what is before '/' in the arrays' names.

  Returns:
    The length of the difference over that of what was expected, infinite where
    an array is missing or of another shape.
  """
  squares, lengths = {}, {}
  for name in expected.keys() | found.keys():
    group = name.partition('/')[0]
    a, b = expected.get(name), found.get(name)
    if a is None or b is None or a.shape != b.shape:
      squares[group] = math.inf
      continue
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares[group] = squares.get(group, 0) + np.sum((a - b) ** 2)
    lengths[group] = lengths.get(group, 0) + np.sum(a**2)
  return {
    group: math.sqrt(square / (lengths.get(group, 0) or 1))
    for group, square in squares.items()
  }
