"""The main job: train an encoder, then measure how far few labels go."""

import datetime
import json
import pathlib
import time
from typing import Any

import jax
import numpy as np
from rich.console import Console

from semisup_jax import evaluation, methods, models, training
from semisup_jax.evaluation import label_efficiency
from semisup_jax.experiments import fitting, protocols, report
from semisup_jax.experiments import ingredients as ingredients_lib
from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import InputError, Method, Variables

# The protocol that others are compared with: the same network, labels alone.
BASELINE = 'supervised'


def run(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
  started: float,
) -> dict[str, Any]:
  """Trains `config.method`, evaluates it and writes the report.

  See `experiments.run`.
  """
  if not 0 <= config.seed < 2**32:  # What JAX's keys can tell apart.
    raise InputError(f'seed must be in 0 to 2**32 - 1, got {config.seed}')
  ingredients = ingredients_lib.gather(config)
  method = methods.make_method(
    config,
    ingredients.encoder,
    ingredients.transform,
    ingredients.num_classes,
  )
  mesh = training.make_mesh(config.batch_size)
  recipe = fitting.plan(config, method, ingredients)
  protocols.check(config, ingredients)
  if method.classifies and config.method.name in config.evaluation.protocols:
    raise InputError(
      f'method.name={config.method.name} is trained already; leave it out of '
      f'evaluation.protocols={tuple(config.evaluation.protocols)}'
    )

  resumed = workdir_lib.open_workdir(workdir, config.to_dict())
  _introduce(config, ingredients, recipe, mesh, console)
  if resumed and (workdir / 'report.html').exists():
    console.print(f'{workdir} is finished; remove it to run again')
    results = json.loads((workdir / 'results.json').read_text())
    report.announce(results, workdir, console)
    return results

  state = fitting.fit(
    config, method, ingredients, recipe, mesh, workdir, console
  )
  variables = _chosen(method, state)
  encoder = models.encoder_variables(variables)
  forward = ingredients.forward(ingredients.encoder, mesh)
  embeddings = protocols.Embeddings(config, ingredients, forward, encoder)
  outcomes = _evaluate(config, embeddings, console)
  if method.classifies:
    logits = ingredients.forward(method.model, mesh)(
      variables, ingredients.reported.images
    )
    k = _labels_per_class(config, ingredients)
    outcomes.append(evaluation.Outcome(config.method.name, k, 0, logits))
  results = _results(config, ingredients, outcomes, command, started)
  if resumed:
    results['notes'].append(
      'The run was resumed; the time is that of its last part.'
    )
  report.write(
    results,
    workdir,
    outcomes=outcomes,
    embeddings=embeddings,
    views=report.example_views(config, method, ingredients),
    console=console,
  )
  report.announce(results, workdir, console)
  return results


def _labels_per_class(
  config: Any, ingredients: Ingredients
) -> int | float | str:
  """What a labelled training had of each class, on average if not equally."""
  if config.data.labels_total is None:
    return config.data.labels_per_class
  average = config.data.labels_total / ingredients.num_classes
  return int(average) if average.is_integer() else average


def _introduce(config, ingredients, recipe, mesh, console) -> None:
  splits = ingredients.splits
  counts = ', '.join(f'{n:,} {name}' for name, n in splits.counts().items())
  console.print(
    f'{config.method.name} on {config.data.name}: {counts}', highlight=False
  )
  for note in _notes(ingredients):
    console.print(note, highlight=False)
  mean = ' '.join(f'{x:.4f}' for x in ingredients.mean)
  std = ' '.join(f'{x:.4f}' for x in ingredients.std)
  console.print(
    f'channel mean {mean}, std {std}; {recipe.steps:,} steps of '
    f'{recipe.batch_size} images on {mesh.size} '
    f'{mesh.devices.flat[0].platform} device(s)',
    highlight=False,
  )


def _notes(ingredients: Ingredients) -> list[str]:
  overlap = ingredients.splits.overlap
  if not overlap:
    return ['No labelled image is among the unlabelled ones.']
  return [
    f'The {overlap:,} labelled images are among the unlabelled ones; their '
    'labels are not used there.'
  ]


def _chosen(method: Method, state: training.TrainState) -> Variables:
  """The model that is evaluated: validation's choice where labels train it."""
  if state.selection is not None:
    return state.selection.variables
  return method.predict_variables(state)


def _evaluate(config, embeddings, console) -> list[evaluation.Outcome]:
  section = config.evaluation
  if not section.protocols or not section.labels_per_class:
    return []
  # Copied: a view on CPU would itself keep JAX from reusing the buffers.
  before = jax.tree.map(lambda x: np.array(x, copy=True), embeddings.variables)
  splits = embeddings.ingredients.splits
  total = label_efficiency.count_runs(
    section.protocols,
    section.labels_per_class,
    section.draws,
    protocols.FOR_ALL_LABELS,
  )
  with training.progress_bar(console, 'evaluation', total) as bar:
    outcomes = label_efficiency.label_efficiency(
      {
        name: protocols.PROTOCOLS[name](embeddings)
        for name in section.protocols
      },
      labels=splits.train.labels,
      rows=splits.labelled,
      num_classes=embeddings.ingredients.num_classes,
      labels_per_class=section.labels_per_class,
      draws=section.draws,
      seed=config.seed,
      protocols_for_all=protocols.FOR_ALL_LABELS,
      bar=bar,
    )
  same = jax.tree.map(
    np.array_equal, before, jax.device_get(embeddings.variables)
  )
  assert jax.tree.all(same), 'evaluation must not change the encoder'
  return outcomes


def _results(config, ingredients, outcomes, command, started) -> dict[str, Any]:
  rows = label_efficiency.summarize(outcomes, ingredients.reported.labels)
  return {
    'experiment': config.experiment,
    'method': config.method.name,
    'dataset': config.data.name,
    'seed': config.seed,
    'split': config.report_split,
    'rows': [row for row in rows if row['metric'] == 'top1'],
    'tables': {
      'metrics': [row for row in rows if row['metric'] != 'top1'],
      'differences': label_efficiency.differences(rows, baseline=BASELINE),
    },
    'notes': _notes(ingredients),
    'run': {
      'command': command,
      'seconds': round(time.monotonic() - started, 1),
      'date': datetime.date.today().isoformat(),
      'counts': ingredients.splits.counts(),
      'channel_mean': ingredients.mean,
      'channel_std': ingredients.std,
      **workdir_lib.environment(),
    },
  }
