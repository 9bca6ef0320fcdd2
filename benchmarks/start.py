"""From the command to the first step, and to the report."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks import kills, step, tables
from benchmarks.machine import Machine
from benchmarks.racing import Form, FormError, Result, Runner
from semisup_jax.training import compilation

NO_CACHE = {'JAX_ENABLE_COMPILATION_CACHE': 'false'}
# That train, and need no data but what comes with the project.
RECIPES = (
  'autoencoder',
  'barlow_twins',
  'byol',
  'fixmatch',
  'flexmatch',
  'mean_teacher',
  'self_training',
  'simclr',
  'simsiam',
  'sup_con',
  'supervised',
  'vicreg',
)
# What makes the main job as short as it can be.
SHORT = (
  '--config.schedule.steps=2',
  '--config.schedule.warmup=0',
  '--config.evaluation.draws=1',
  '--config.evaluation.labels_per_class=5',
  '--config.evaluation.protocols=knn',
)


def run(machine: Machine) -> Iterator[tables.Table]:
  """The tables of this section."""
  python = _in_turns(
    {
      'python -c pass': lambda: _command(['-c', 'pass'], {}),
      'launch.py --help': lambda: _command(['launch.py', '--help'], {}),
      'python -c "import jax"': lambda: _command(['-c', 'import jax'], {}),
    },
    machine.turns,
  )
  yield _table('Commands', python)
  for case in ('digits', 'resnet18'):
    yield _first_steps(case, machine)
  yield _second_starts(machine)
  yield _main_job(machine)


def _first_steps(case: str, machine: Machine) -> tables.Table:
  """From the start of Python to the end of the first step."""
  (batch_size, *_) = step.batch_sizes(case, machine)
  with tempfile.TemporaryDirectory() as folder:
    ours, *others = step.forms(case, batch_size, machine.dtype, folder)
    cache = _cache(pathlib.Path(folder) / 'cache')
    _first_step(ours)  # Writes the weights that the others begin with.
    alone = ours._replace(arguments={**ours.arguments, 'folder': None})
    ways = {
      'ours, nothing compiled yet': alone._replace(environment=NO_CACHE),
      'ours, kept from before': alone._replace(environment=cache),
      **{form.name: form for form in others},
    }
    _first_step(ways['ours, kept from before'])  # Fills it.
    results = _in_turns(
      {
        name: lambda form=form: _first_step(form) for name, form in ways.items()
      },
      machine.turns_of_a_job,
    )
  return _table(
    f'The first step: {case}, batch {batch_size}',
    results,
    'From the start of Python; what torch.compile keeps on disk is there.',
  )


def _cache(folder: pathlib.Path) -> dict[str, str]:
  """JAX's, as `launch.py` sets it."""
  return {
    'JAX_COMPILATION_CACHE_DIR': str(folder),
    **{name.upper(): str(value) for name, value in compilation.OPTIONS.items()},
  }


def _first_step(form: Form) -> float:
  runner = Runner(form)
  runner.go(1)
  seconds = time.perf_counter() - runner.started
  runner.close()
  return seconds


def _second_starts(machine: Machine) -> tables.Table:
  """From the command to the first record, compiled programs kept."""
  recipes = RECIPES[:1] if machine.quick else RECIPES
  with tempfile.TemporaryDirectory() as folder:
    kept = {'XDG_CACHE_HOME': folder}
    for recipe in recipes:
      _first_record(recipe, kept)  # Fills it.
    results = _in_turns(
      {
        recipe: lambda recipe=recipe: _first_record(recipe, kept)
        for recipe in recipes
      },
      machine.turns_of_a_job,
    )
  return _table(
    'A second start of each recipe, digits',
    results,
    'From `launch.py --config=configs/NAME.py`, until the first 20 steps stand '
    'in `metrics.jsonl`.',
  )


def _first_record(recipe: str, environment: Mapping[str, str]) -> float:
  """Seconds until a run has written its first steps down; it is killed then."""
  with tempfile.TemporaryDirectory() as folder:
    workdir = pathlib.Path(folder) / 'run'
    start = time.perf_counter()
    run = subprocess.Popen(
      [sys.executable, *_launched(recipe, workdir)],
      env={**os.environ, **environment},
      stdout=subprocess.DEVNULL,
    )
    try:
      while not kills.lines(workdir):
        if run.poll() is not None:
          raise FormError(f'{recipe} ended with status {run.returncode}')
        time.sleep(0.01)
      return time.perf_counter() - start
    finally:
      run.kill()
      run.wait()


def _main_job(machine: Machine) -> tables.Table:
  """`launch.py --config=configs/simclr.py`, with its evaluation and report."""
  more = SHORT if machine.quick else ()
  with tempfile.TemporaryDirectory() as folder:
    kept = {'XDG_CACHE_HOME': f'{folder}/cache'}
    if not machine.quick:
      _job(kept, more)  # Fills it.
    results = _in_turns(
      {
        'nothing compiled yet': lambda: _job(NO_CACHE, more),
        'compiled programs kept': lambda: _job(kept, more),
      },
      machine.turns_of_a_job,
    )
  return _table('The main job, to the report', results)


def _job(environment: Mapping[str, str], more: Sequence[str]) -> float:
  with tempfile.TemporaryDirectory() as folder:
    return _command(
      [*_launched('simclr', pathlib.Path(folder) / 'run'), *more], environment
    )


def _launched(recipe: str, workdir: pathlib.Path) -> list[str]:
  return [
    'launch.py',
    f'--config=configs/{recipe}.py',
    f'--workdir={workdir}',
  ]


def _command(words: Sequence[str], environment: Mapping[str, str]) -> float:
  """Seconds that a command of Python takes."""
  start = time.perf_counter()
  done = subprocess.run(
    [sys.executable, *words],
    env={**os.environ, **environment},
    stdout=subprocess.DEVNULL,
  )
  if done.returncode:
    raise FormError(f'{words} ended with status {done.returncode}')
  return time.perf_counter() - start


def _in_turns(
  ways: Mapping[str, Callable[[], float]], turns: int
) -> dict[str, Result]:
  seconds = {name: [] for name in ways}
  for _ in range(turns):
    for name, measure in ways.items():
      seconds[name].append(measure())
  return {name: Result(times) for name, times in seconds.items()}


def _table(
  title: str, results: Mapping[str, Result], note: str = ''
) -> tables.Table:
  return tables.Table(
    title,
    ['', 's'],
    [[name, tables.spread(r.seconds)] for name, r in results.items()],
    note,
    tables.measured(results),
  )
