"""The run's own training: from its config to the last state, resumable."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
from rich.console import Console

from semisup_jax import evaluation, metrics, models, training
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.types import Batch, InputError, Method


def plan(
  config: Any, method: Method, ingredients: Ingredients
) -> evaluation.Recipe:
  """The optimizer and the duration of the run's own training.

  Raises:
    InputError: If a field's value is out of its range.
  """
  splits = ingredients.splits
  rows = {'unlabelled': splits.unlabelled, 'labelled': splits.labelled}
  size = len(rows[method.streams[0]])
  # A batch of few labelled images repeats them; one of unlabelled images that
  # does would make an image its own negative.
  if 'unlabelled' in method.streams and config.batch_size > size:
    raise InputError(
      f'batch_size={config.batch_size} is larger than the unlabelled part, '
      f'{size} images; use --config.batch_size={size} or less'
    )
  if config.checkpoint.every < 1 or config.checkpoint.keep < 1:
    raise InputError(
      'checkpoint.every and checkpoint.keep must be at least 1, got '
      f'{config.checkpoint.every} and {config.checkpoint.keep}'
    )
  return recipe(
    config, dataset_size=size, evaluate_every=config.evaluation.every
  )


def fit(
  config: Any,
  method: Method,
  ingredients: Ingredients,
  recipe: evaluation.Recipe,
  mesh: jax.sharding.Mesh,
  workdir: pathlib.Path,
  console: Console,
) -> training.TrainState:
  """Trains, or goes on from the newest checkpoint of the workdir.

  Args:
    config: The whole config.
    method: What is learned.
    ingredients: From what.
    recipe: From `plan`.
    mesh: Divides the batches.
    workdir: For checkpoints and metrics.
    console: Where a person reads how it goes.

  Returns:
    The last state.
  """
  batch = _batches(config, method, ingredients, mesh)
  state = training.create_state(
    method,
    recipe.tx,
    jax.random.key(config.seed),
    batch(0),
    select=method.classifies,
  )
  state = jax.device_put(state, training.replicated(mesh))
  checkpoints = training.Checkpoints(
    workdir / 'checkpoints', keep=config.checkpoint.keep
  )
  if checkpoints.latest_step() is not None:
    state = checkpoints.restore(state)
    console.print(f'going on from step {int(state.step):,}')
  start = int(state.step)
  log = training.MetricsLog(workdir, from_step=start)
  try:
    with training.progress_bar(
      console,
      'training',
      recipe.steps,
      done=start,
      images_per_step=config.batch_size,
    ) as bar:
      return training.fit(
        state,
        train_step=training.make_train_step(method, recipe.schedule, mesh),
        batch=batch,
        steps=recipe.steps,
        evaluators=_evaluators(config, method, ingredients, mesh),
        evaluate_every=recipe.evaluate_every,
        select_by=('classifier', 'top1') if method.classifies else None,
        log=log,
        checkpoints=checkpoints,
        checkpoint_every=config.checkpoint.every,
        bar=bar,
      )
  finally:
    log.close()
    checkpoints.close()


def _batches(config, method, ingredients, mesh) -> Callable[[int], Batch]:
  streams = {
    name: ingredients.stream(
      name, batch_size=config.batch_size, seed=(config.seed, 5, i), mesh=mesh
    )
    for i, name in enumerate(method.streams)
  }
  return lambda step: {n: stream.batch(step) for n, stream in streams.items()}


def _evaluators(config, method, ingredients, mesh):
  """Online kNN and, where the method learns a classifier, its accuracy."""
  evaluators = {'knn': _online_knn(config, method, ingredients, mesh)}
  if method.classifies:
    evaluators['classifier'] = evaluation.accuracy_of(
      ingredients.forward(method.model, mesh), ingredients.splits.validation
    )
  return evaluators


def _online_knn(config, method, ingredients, mesh):
  """An evaluator: kNN on validation, among the images whose labels may be seen.

  It shows the way during training, and chooses nothing.
  """
  forward = ingredients.forward(ingredients.encoder, mesh)
  splits = ingredients.splits
  bank = splits.train.take(splits.labelled)
  section = config.evaluation.knn

  def evaluate(state: training.TrainState) -> Mapping[str, float]:
    variables = models.encoder_variables(method.predict_variables(state))
    logits = evaluation.knn_logits(
      forward(variables, bank.images),
      bank.labels,
      forward(variables, splits.validation.images),
      neighbours=section.neighbours,
      temperature=section.temperature,
      num_classes=ingredients.num_classes,
    )
    labels = splits.validation.labels
    return {'top1': metrics.top_k_accuracy(logits, labels, 1)}

  return evaluate
