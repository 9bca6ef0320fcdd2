"""One run each: config -> objects -> fit -> evaluate -> results."""

import json
import pathlib
import shutil
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from rich.console import Console

from semisup_jax.experiments import (
  compare,
  evaluate,
  forking,
  ingredients,
  inside,
  inspect_data,
  measuring,
  model_file,
  origin,
  predict,
  pretrain,
  report,
  saved_model,
  self_training,
  separability,
  transfer,
  workdir,
)
from semisup_jax.experiments.job import Job
from semisup_jax.training import hosts
from semisup_jax.types import InputError, lookup, require

# Each is `(config, ingredients) -> Job`, and fails before anything is written.
EXPERIMENTS = MappingProxyType(
  {
    'evaluate': evaluate.evaluate,
    'pretrain': pretrain.pretrain,
    'self_training': self_training.self_training,
    'transfer': transfer.transfer,
  }
)
# What trains nothing, but looks at what is there and shows it. Each is
# `(config, workdir, *, console, command) -> None`, and fails before anything is
# written.
LOOKS = MappingProxyType(
  {
    'compare': compare.compare,
    'inspect_data': inspect_data.inspect_data,
    'look_inside': inside.look_inside,
    'predict': predict.predict,
  }
)
# What a config needs beside what all experiments, or all looks, have.
_TRAINED = ('method', 'optimizer', 'schedule')
SECTIONS = MappingProxyType(
  {
    'compare': ('runs',),
    'evaluate': (),
    'inspect_data': ('data',),
    'look_inside': (
      *('run', 'weights', 'classes', 'model', 'data', 'saliency'),
      'neighbours',
    ),
    'predict': ('run', 'data'),
    'pretrain': _TRAINED,
    'self_training': (*_TRAINED, 'self_training'),
    'transfer': (*_TRAINED, 'source', 'transfer'),
  }
)


def run(
  config: Any,
  folder: pathlib.Path,
  *,
  console: Console,
  command: str,
  started: float,
  pages: bool = True,
  fork: pathlib.Path | None = None,
) -> dict[str, Any]:
  """Runs the experiment, or takes the look, that `config.experiment` names.

  Args:
    config: The resolved config.
    folder: The workdir, where results go; made if it is not there.
    console: Where a person reads how it goes.
    command: The command line, for the report.
    started: `time.monotonic()` at its start.
    pages: Whether the model is saved, and figures and report.html are made; a
      study has thousands of models, and makes its own pages.
    fork: The workdir of another run, from whose newest checkpoint this one goes
      on; None begins at the beginning.

  Returns:
    What results.json holds; nothing of a look.

  Raises:
    InputError: If the config asks for what cannot be; then nothing is written.
  """
  config = hosts.together(lambda: origin.resolve(config))
  asked = config.to_dict()
  hosts.check_same(json.dumps(asked, sort_keys=True), 'config')
  lookup(EXPERIMENTS | LOOKS, config.experiment, 'experiment')
  if config.experiment in LOOKS:
    look = _prepare_look(config, fork)
    look(config, folder, console=console, command=command)
    return {}
  gathered, job = hosts.together(lambda: prepare(config))
  forked = fork is not None and hosts.from_main(
    lambda: forking.fork(fork, folder, asked)
  )
  finished = hosts.from_main(
    lambda: (
      workdir.is_begun(folder, asked)
      and report.is_finished(folder, pages=pages)
    )
  )
  if finished:
    _introduce(config, gathered, job, console)
    console.print(f'{folder} is finished; remove it to run again')
    results = json.loads((folder / 'results.json').read_text())
    report.announce(results, folder, console, pages=pages)
    return results
  with workdir.claimed(folder, asked) as resumed:
    _introduce(config, gathered, job, console)
    try:
      measured = job.execute(folder, console)
    except InputError:
      if forked and hosts.is_main():
        shutil.rmtree(folder)  # What was copied does not fit.
      raise
    results = measuring.results(
      config, gathered, job, measured, command=command, started=started
    )
    if resumed:
      results['notes'] += forking.notes(folder)
    if measured.embeddings.courses:
      results['tables']['courses'] = measured.embeddings.courses
    # Of several processes all have to embed what one of them writes.
    apart = None
    if pages or config.evaluation.features:
      apart = separability.Separability(config, measured.embeddings)
      results['tables']['separability'] = apart.rows
    if pages:
      saved = saved_model.of_run(config, job, measured)
      hosts.from_main(lambda: model_file.write(saved, folder))
    hosts.from_main(
      lambda: report.write(
        results, folder, measured, apart, console=console, pages=pages
      )
    )
  report.announce(results, folder, console, pages=pages)
  return results


def prepare(config: Any) -> tuple[ingredients.Ingredients, Job]:
  """Reads the data and builds what a run is made of; nothing is written.

  Args:
    config: The resolved config.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  config = origin.resolve(config)
  experiment = lookup(EXPERIMENTS, config.experiment, 'experiment')
  _check_sections(config)
  check_seed(config)
  gathered = ingredients.gather(config)
  job = experiment(config, gathered)
  return job.ingredients or gathered, job


def _prepare_look(
  config: Any, fork: pathlib.Path | None
) -> Callable[..., None]:
  """The look that a config asks for; nothing is read or written."""
  if fork is not None:
    raise InputError(
      f'--fork={fork} is for what trains; experiment={config.experiment} looks '
      'at what is there, so leave --fork out'
    )
  _check_sections(config)
  return LOOKS[config.experiment]


def _check_sections(config: Any) -> None:
  name = config.experiment
  require(config, SECTIONS[name], f'experiment={name}', 'config')


def check_seed(config: Any) -> None:
  """Fails on a seed that JAX's keys cannot tell from others.

  None is that of the run which an encoder is from, before this is looked at.

  Raises:
    InputError: If it is out of range.
  """
  if config.seed is not None and not 0 <= config.seed < 2**32:
    raise InputError(f'seed must be in 0 to 2**32 - 1, got {config.seed}')


def _introduce(config, gathered, job, console) -> None:
  splits = gathered.splits
  counts = ', '.join(f'{n:,} {name}' for name, n in splits.counts().items())
  mean = ' '.join(f'{x:.4f}' for x in gathered.mean)
  std = ' '.join(f'{x:.4f}' for x in gathered.std)
  for line in (
    f'{job.method} on {config.data.name}: {counts}',
    *measuring.notes(gathered),
    f'channel mean {mean}, std {std}; {job.plan}',
  ):
    console.print(line, highlight=False)
