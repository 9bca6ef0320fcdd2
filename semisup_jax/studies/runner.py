"""Runs the points of a study one after another, and what they leave."""

import contextlib
import datetime
import functools
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax import experiments
from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.experiments.workdir import BusyError
from semisup_jax.reporting import results as results_lib
from semisup_jax.reporting import wording
from semisup_jax.studies import folder, page, progress
from semisup_jax.studies import points as points_lib
from semisup_jax.studies import rows as rows_lib
from semisup_jax.studies.points import Point
from semisup_jax.studies.rows import Row
from semisup_jax.training import NotFiniteError
from semisup_jax.types import InputError, lookup

RunPoint = Callable[..., Any]
WritePage = Callable[[Any, Sequence[Row], pathlib.Path, Console], None]

run_experiment = functools.partial(experiments.run, pages=False)


def prepare(config: Any, *, several_labels: bool = False) -> None:
  """Fails on a point that cannot be run, or that its page cannot be about.

  Args:
    config: Of the point.
    several_labels: Whether the page can be about images with several labels;
      what most studies say is about accuracy.

  Raises:
    InputError: If it asks for what cannot be.
  """
  gathered, _ = experiments.prepare(config)
  if gathered.reported.multi_label and not several_labels:
    raise InputError(
      'studies compare accuracies, and images of these data have several '
      'labels; single runs are reported by ROC-AUC, and --config=configs/'
      'compare.py compares them'
    )


def run(
  config: Any,
  sweep: Iterable[tuple[Mapping[str, Any], Any]],
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
  part: tuple[int, int] = (1, 1),
  write_page: WritePage = page.write_page,
  check: Callable[[Any], Any] = prepare,
  run_point: RunPoint = run_experiment,
) -> list[Row]:
  """Runs what is not finished of a part of a sweep, and gathers its rows.

  Args:
    config: Of the study.
    sweep: `(factors, config)` of each point.
    workdir: The study's folder; made if it is not there.
    console: Where a person reads how it goes.
    command: The command line, for the reader.
    part: `(I, N)`: the I-th of N parts is run.
    write_page: Writes the study's page, once every point of the sweep is there.
    check: Fails with InputError on a point's config that cannot be run.
    run_point: Runs one, as `experiments.run`: it opens the folder and, as the
      last thing, writes results.json there.

  Returns:
    The rows of all finished points, as rows.jsonl has them.

  Raises:
    InputError: Before anything is run or written, if the study, or a point that
      would be run, asks for what cannot be.
    NotFiniteError: At the end, naming the points that failed.
  """
  points = points_lib.expand(sweep)
  for point in points:
    with _naming(point):
      lookup(experiments.EXPERIMENTS, point.config.experiment, 'experiment')
      experiments.check_seed(point.config)
  folder.check(workdir, config.study)
  mine = points_lib.part(points, part)
  todo = [p for p in mine if folder.results(workdir, p) is None]
  for point in points_lib.kinds(todo):
    with _naming(point):
      check(point.config)
  folder.record(workdir, config, command)

  collect = functools.partial(_collect, config, workdir, points)
  rows, failed, busy = collect(), {}, 0
  with progress.bar(
    console, total=len(mine), done=len(mine) - len(todo)
  ) as bar:
    for point in todo:
      bar.begin(point.name)
      try:
        # Another process may have run it meanwhile.
        if folder.results(workdir, point) is None:
          _run(point, workdir, command, run_point)
      except NotFiniteError as error:
        failed[point.name] = str(error)
      except BusyError:
        busy += 1
      rows = collect()
      bar.finish()
  if busy:
    console.print(
      '1 point is run by another process, and was left to it'
      if busy == 1
      else f'{busy} points are run by other processes, and were left to them'
    )
  _conclude(config, rows, len(points), workdir, console, command, write_page)
  if failed:
    raise NotFiniteError(_failures(failed, len(todo)))
  return rows


def _run(
  point: Point, workdir: pathlib.Path, command: str, run_point: RunPoint
) -> None:
  """Runs a point; what it says, warnings too, goes to its log.txt."""
  folder.clear(workdir, point)
  place = folder.of(workdir, point)
  with (
    folder.Log(place) as log,
    contextlib.redirect_stderr(log),
    _naming(point),
  ):
    try:
      run_point(
        point.config,
        place,
        console=Console(file=log, width=100),
        command=command,
        started=time.monotonic(),
      )
    except NotFiniteError as error:
      log.write(f'failed: {error}\n')
      raise


@contextlib.contextmanager
def _naming(point: Point):
  """Says which point it was that failed."""
  try:
    yield
  except (BusyError, NotFiniteError):
    raise
  except InputError as error:
    raise InputError(f'point {point.name}: {error}') from error
  except Exception as error:
    error.add_note(f'It was raised by point {point.name}.')
    raise


def _collect(config, workdir, points) -> list[Row]:
  """Rebuilds rows.jsonl from all finished points, also those of other parts."""
  tables = config.get('tables', rows_lib.TABLES)
  rows = rows_lib.collect(workdir, points, tables)
  rows_lib.write(workdir / 'rows.jsonl', rows)
  return rows


def _conclude(
  config, rows, total, workdir, console, command, write_page
) -> None:
  """Writes the study's results and page, if all points are there."""
  console.print(
    f'{len(rows)} of {total} points are finished; rows are in '
    f'{workdir / "rows.jsonl"}',
    highlight=False,
    soft_wrap=True,
  )
  if len(rows) < total:
    # What was written of fewer points would pass for the whole.
    for name in ('results.json', page.NAME):
      (workdir / name).unlink(missing_ok=True)
    return
  results = {
    'study': config.study,
    'points': total,
    'rows': page.summary(rows),
    'run': {
      'command': command,
      'seconds': sum(row['seconds'] or 0 for row in rows),
      'date': datetime.date.today().isoformat(),
      **workdir_lib.environment(),
    },
  }
  results_lib.write_json(workdir / 'results.json', results)
  write_page(config, rows, workdir, console)


def _failures(failed: Mapping[str, str], total: int) -> str:
  """Which points failed, and of how many."""
  names = wording.listed(f'{name} ({why})' for name, why in failed.items())
  return f'{len(failed)} of {total} points failed: {names}'
