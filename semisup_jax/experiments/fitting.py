"""A run's own training: from its config to the last state, resumable."""

import contextlib
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
from rich.console import Console

from semisup_jax import data, training
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.training import hosts
from semisup_jax.types import Batch, InputError, Method, Variables


def plan(
  config: Any, method: Method, ingredients: Ingredients
) -> training.Recipe:
  """The optimizer and the duration of the run's own training.

  Raises:
    InputError: If a field's value is out of its range.
  """
  sizes = ingredients.sizes(config.batch_size, method.streams)
  size, batch = sizes['dataset_size'], sizes['batch_size']
  # A batch of few labelled images repeats them; one of unlabelled images that
  # does would make an image its own negative.
  if 'unlabelled' in method.streams and batch > size:
    ratio = method.streams['unlabelled']
    of = f' x {ratio} unlabelled images each' if ratio > 1 else ''
    raise InputError(
      f'batch_size={config.batch_size}{of} is larger than the unlabelled part, '
      f'{size} images; use --config.batch_size={size // ratio} or less'
    )
  if config.checkpoint.every < 1 or config.checkpoint.keep < 0:
    raise InputError(
      'checkpoint.every must be at least 1 and checkpoint.keep at least 0, got '
      f'{config.checkpoint.every} and {config.checkpoint.keep}'
    )
  asked = asked_of_validation(config)
  if asked and not method.classifies:
    raise InputError(
      f'{asked[0]} needs a method that learns a classifier; '
      f'method.name={config.method.name} has none, and nothing to stop by'
    )
  return recipe(
    config,
    sizes,
    batch_norm_groups=ingredients.batch_norm_groups,
    evaluate_every=config.evaluation.every,
    patience=config.evaluation.patience,
    select_by=config.evaluation.select_by,
    scoring=ingredients.scoring,
    num_classes=ingredients.num_classes,
  )


def asked_of_validation(config: Any) -> list[str]:
  """The fields by which a training follows its classifier on validation."""
  section = config.evaluation
  fields = {
    f'evaluation.patience={section.patience}': section.patience is not None,
    f'evaluation.select_by={section.select_by}': section.select_by is not None,
    'schedule.decay=plateau': config.schedule.decay == 'plateau',
  }
  return [field for field, asked in fields.items() if asked]


def fit(
  method: Method,
  ingredients: Ingredients,
  recipe: training.Recipe,
  *,
  evaluators: Mapping[str, Callable],
  mesh: jax.sharding.Mesh,
  folder: pathlib.Path,
  checkpoint: Any,
  seed: int,
  console: Console,
  initial: Variables | None = None,
  title: str = 'training',
  train_step: training.TrainStep | None = None,
) -> training.TrainState:
  """Trains, or goes on from the newest checkpoint of the folder.

  The state that is best on validation is kept beside the last one, if there is
  an evaluator `classifier` to tell which it is.

  Args:
    method: What is learned.
    ingredients: From what.
    recipe: How.
    evaluators: What is looked at on the way, by name.
    mesh: Divides the batches.
    folder: For checkpoints and metrics.
    checkpoint: The section of the config; `keep` 0 keeps none.
    seed: Of initialization, order and views.
    console: Where a person reads how it goes.
    initial: See `training.create_state`; None begins with the published weights
      of `ingredients`, if there are any.
    title: Of the progress bar.
    train_step: `compiled_step` of the same method, recipe and mesh, to be used
      again; None compiles it.

  Returns:
    The last state.
  """
  selects = 'classifier' in evaluators
  splits = ingredients.splits
  if initial is None and ingredients.published is not None:
    initial = {k: {'encoder': v} for k, v in ingredients.published.items()}
  images = recipe.batch_size * sum(method.streams.values())
  with contextlib.ExitStack() as stack:
    streams = _streams(method, ingredients, recipe.batch_size, seed, mesh)
    for stream in streams.values():
      stack.callback(stream.close)

    def batch(step: int) -> Batch:
      return {name: stream.batch(step) for name, stream in streams.items()}

    state = training.create_state(
      method,
      recipe.tx,
      jax.random.key(seed),
      batch(0),
      initial=initial,
      labels=splits.train.labels[splits.labelled],
      select=(recipe.looks, len(recipe.select_by)) if selects else None,
      plateau=recipe.plateau is not None,
    )
    state = training.everywhere(state, mesh)
    # A signal waits until checkpoints are closed: until the last is on disk.
    stack.enter_context(training.deferred())
    checkpoints = _checkpoints(folder, checkpoint.keep, stack)
    if checkpoints and checkpoints.latest_step() is not None:
      state = _resumed(checkpoints, state, title, console)
    start = int(state.step)
    log = None
    if hosts.is_main():
      folder.mkdir(exist_ok=True)
      log = training.MetricsLog(folder, from_step=start)
      stack.callback(log.close)
    bar = stack.enter_context(
      training.progress_bar(
        console, title, recipe.steps, done=start, images_per_step=images
      )
    )
    state = training.fit(
      state,
      train_step=train_step or compiled_step(method, recipe, mesh),
      batch=batch,
      steps=recipe.steps,
      evaluators=evaluators,
      evaluate_every=recipe.evaluate_every,
      select_by=('classifier', *recipe.select_by) if selects else None,
      patience=recipe.patience,
      plateau=recipe.plateau,
      chosen=method.predict_variables,
      log=log,
      checkpoints=checkpoints,
      checkpoint_every=checkpoint.every,
      bar=bar,
    )
  return state


def compiled_step(
  method: Method, recipe: training.Recipe, mesh: jax.sharding.Mesh
) -> training.TrainStep:
  """The step of a training; it is compiled when it is first called."""
  return training.make_train_step(
    method, recipe.schedule, mesh, accumulate=recipe.accumulate
  )


def _checkpoints(
  folder: pathlib.Path, keep: int, stack: contextlib.ExitStack
) -> training.Checkpoints | None:
  """Those of a folder, closed with the stack; None where none are kept."""
  if not keep:
    return None
  checkpoints = training.Checkpoints(folder / 'checkpoints', keep=keep)
  stack.callback(checkpoints.close)
  return checkpoints


def _resumed(checkpoints, state, title, console) -> training.TrainState:
  """The newest state that is whole; it is said what that costs."""
  state, damaged = checkpoints.restore(state)
  for step, why in damaged.items():
    console.print(
      f'{title}: the checkpoint of step {step:,} is damaged ({why}); the steps '
      f'{int(state.step) + 1:,} to {step:,} are done again',
      highlight=False,
      soft_wrap=True,
    )
  console.print(f'{title}: going on from step {int(state.step):,}')
  return state


def _streams(
  method, ingredients, batch_size, seed, mesh
) -> dict[str, data.Stream]:
  return {
    name: ingredients.stream(
      name, batch_size=batch_size * ratio, seed=(seed, 5, i), mesh=mesh
    )
    for i, (name, ratio) in enumerate(method.streams.items())
  }


def early_end(state: training.TrainState, recipe: training.Recipe) -> list[str]:
  """What a reader has to know of a training that stopped early."""
  if int(state.step) >= recipe.steps:
    return []
  return [
    f'Training stopped early, after step {int(state.step):,} of '
    f'{recipe.steps:,}: {recipe.patience} looks at validation in turn were '
    f'worse than that of step {int(state.selection.step):,}, which is kept.'
  ]


def in_words(method: Method, recipe: training.Recipe, mesh: Any) -> str:
  """`300 steps of 256 unlabelled images on 2 cpu device(s)`."""
  batch = ' and '.join(
    f'{recipe.batch_size * ratio} {name}'
    for name, ratio in method.streams.items()
  )
  parts = ''
  if recipe.accumulate > 1:
    parts = f', in {recipe.accumulate} micro-batches,'
  return (
    f'{recipe.steps:,} steps of {batch} images{parts} on {mesh.size} '
    f'{mesh.devices.flat[0].platform} device(s)'
  )
