"""The main job: train by one method, then measure how far few labels go."""

import functools
import pathlib
from typing import Any

import jax
from rich.console import Console

from semisup_jax import methods, models, training
from semisup_jax.experiments import (
  audit,
  batch_norm,
  fitting,
  measuring,
  protocols,
  reconstructions,
  snapshots,
  views,
)
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.evaluators import make_evaluators
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.types import InputError, Method, Variables


def pretrain(config: Any, ingredients: Ingredients) -> Job:
  """Trains `config.method` and evaluates its encoder, and its classifier.

  Args:
    config: The whole config.
    ingredients: Its objects.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  method = make_method(config, ingredients)
  name = config.method.name
  recipe = fitting.plan(config, method, ingredients)
  mesh = recipe.mesh()
  protocols.check(config, ingredients)
  snapshots.check(config, method, recipe)
  under_shift = batch_norm.make_plan(config, ingredients, method)
  if method.classifies and name in config.evaluation.protocols:
    raise InputError(
      f'method.name={name} is trained already; leave it out of '
      f'evaluation.protocols={tuple(config.evaluation.protocols)}'
    )

  def execute(workdir, console):
    state = fit(config, method, ingredients, recipe, mesh, workdir, console)
    variables = chosen(method, state)
    embeddings = Embeddings(
      config,
      ingredients,
      mesh,
      models.encoder_variables(variables),
    )
    outcomes = measuring.evaluate(config, embeddings, console)
    tables, head = {'representation': _representation(workdir)}, None
    reconstructed = reconstructions.of_reported(
      method, variables, ingredients, mesh, config.method.get('ssim_window')
    )
    if reconstructed:
      tables['reconstruction'] = reconstructed.rows
    if method.classifies:
      forward = ingredients.forward(method.model, mesh)
      predict = functools.partial(forward, variables)
      outcome = measuring.classified(config, ingredients, name, predict)
      outcomes.append(outcome)
      head = Head.of_classifier(outcome, variables, ingredients.splits)
      if 'unlabelled' in method.streams:
        threshold = config.method.get('threshold')
        tables |= audit.of_classifier(ingredients, predict, threshold=threshold)
      if under_shift:
        batch_norm.write_sheet(under_shift, ingredients, workdir)
        tables |= batch_norm.measure(
          under_shift, ingredients, method.model, variables, console=console
        )
    return Measured(
      outcomes,
      embeddings,
      views.examples(config, method, ingredients),
      reconstructed and reconstructed.images,
      tables,
      [*_notes(config), *fitting.early_end(state, recipe)],
      head,
    )

  return Job(name, fitting.in_words(method, recipe, mesh), execute)


def fit(
  config: Any,
  method: Method,
  ingredients: Ingredients,
  recipe: training.Recipe,
  mesh: jax.sharding.Mesh,
  workdir: pathlib.Path,
  console: Console,
  title: str = 'training',
) -> training.TrainState:
  """Trains the method of a config, validation looked at on the way.

  Args:
    config: The whole config.
    method: From `make_method`.
    ingredients: What it learns from.
    recipe: How.
    mesh: Divides the batches.
    workdir: For checkpoints, metrics and snapshots.
    console: Where a person reads how it goes.
    title: Of the progress bar.
  """
  return fitting.fit(
    method,
    ingredients,
    recipe,
    evaluators={
      **make_evaluators(config, method, ingredients, mesh),
      **snapshots.evaluators(
        config, method, ingredients, recipe, mesh, workdir
      ),
    },
    mesh=mesh,
    folder=workdir,
    checkpoint=config.checkpoint,
    seed=config.seed,
    console=console,
    title=title,
  )


def make_method(config: Any, ingredients: Ingredients) -> Method:
  """The method of a config, with an online probe where it asks for one.

  Raises:
    InputError: If a field's value is out of its range.
  """
  method = methods.make_method(
    config, ingredients.encoder, ingredients.task(config)
  )
  if not config.evaluation.online_probe:
    return method
  if method.classifies:
    raise InputError(
      f'method.name={config.method.name} has a classifier of its own; set '
      '--config.evaluation.online_probe=False'
    )
  return methods.with_online_probe(
    method,
    ingredients.encoder,
    ingredients.transform('normalize'),
    num_classes=ingredients.num_classes,
    dtype=ingredients.dtype,
  )


def _notes(config: Any) -> list[str]:
  """What a reader of the audit has to know."""
  if config.method.get('lowest_threshold') is None:
    return []
  return [
    'Each class has a threshold of its own while it is learned, of at most '
    f'{config.method.threshold:g}; the pseudo-labels are audited at that.'
  ]


def _representation(workdir: pathlib.Path) -> list[dict[str, Any]]:
  """Rank and spread, as the last look on validation found them."""
  looks = [
    row
    for row in training.read_metrics(workdir)
    if row['split'] == 'validation'
  ]
  last = looks[-1] if looks else {}
  return [
    {'of': of, 'rank': last[f'{of}_rank'], 'std': last[f'{of}_std']}
    for of in ('embedding', 'projection')
    if f'{of}_rank' in last
  ]


def chosen(method: Method, state: training.TrainState) -> Variables:
  """The model that is evaluated: validation's choice where labels train it."""
  if state.selection is not None:
    return state.selection.variables
  return method.predict_variables(state)
