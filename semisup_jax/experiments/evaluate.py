"""An encoder as it is: of a finished run, or untrained, the floor under all."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from semisup_jax import models, training
from semisup_jax.experiments import batch_norm, measuring, origin, protocols
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.types import InputError, Variables


def evaluate(config: Any, ingredients: Ingredients) -> Job:
  """Evaluates an encoder that is trained no more.

  With the field `run` it is that of the run in this workdir, whose statistics
  normalize the images. Without, it is `config.model` with the published weights
  in `config.weights`, or with its first, random variables, where BatchNorm has
  the statistics it starts with, mean 0 and variance 1; with `model.name=pixels`
  that is the raw pixels.

  Args:
    config: The whole config.
    ingredients: Its objects.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  saved = origin.model(config)
  if saved is not None:
    ingredients = _as_in_the_run(config, ingredients, saved)
  protocols.check(config, ingredients)
  batch_norm.make_plan(config, ingredients, None)
  if not config.evaluation.protocols:
    raise InputError('evaluation.protocols is empty: nothing would be done')
  mesh = training.make_mesh(config.batch_size)

  def execute(workdir, console):
    del workdir  # Nothing is trained.
    embeddings = Embeddings(
      config,
      ingredients,
      mesh,
      _first(config, ingredients) if saved is None else saved.variables,
    )
    outcomes = measuring.evaluate(config, embeddings, console)
    return Measured(outcomes, embeddings, notes=_notes(config, saved))

  if saved is not None:
    plan = f'the encoder of {config.run}, as it is'
    return Job(saved.method, plan, execute, ingredients)
  name = 'raw_pixels' if config.model.name == 'pixels' else 'random_encoder'
  if ingredients.published is not None:
    name = 'published_encoder'
  return Job(name, 'nothing is trained', execute)


def _first(config: Any, ingredients: Ingredients) -> Variables:
  if ingredients.published is not None:
    return ingredients.published
  shape = ingredients.splits.train.images.shape[1:]
  return models.fresh_variables(
    ingredients.encoder,
    jax.random.key(config.seed),
    jnp.zeros((1, *shape), ingredients.dtype),
  )


def _as_in_the_run(
  config: Any, ingredients: Ingredients, saved: SavedModel
) -> Ingredients:
  """The images, normalized as those that the encoder has learned from."""
  here = ingredients.splits.train.images.shape[1:]
  if here != saved.image_shape:
    height, width, channels = saved.image_shape
    help_ = 'channels cannot be changed'
    if here[-1] == channels:
      help_ = f'set --config.data.image_size={height}'
      if height != width:
        help_ = 'no data.image_size makes them so'
    raise InputError(
      f'images of data are {list(here)}, those of {config.run} '
      f'{list(saved.image_shape)}, [H, W, C]; {help_}'
    )
  for field, own in (('mean', saved.mean), ('std', saved.std)):
    given = config.data[field]
    if given is not None and tuple(given) != tuple(own.tolist()):
      raise InputError(
        f'data.{field} must be None, as images are normalized by that of '
        f'{config.run}, {tuple(own.tolist())}; got {tuple(given)}'
      )
  return dataclasses.replace(ingredients, mean=saved.mean, std=saved.std)


def _notes(config: Any, saved: SavedModel | None) -> list[str]:
  if saved is None:
    return []
  return [
    f'The encoder is that of the run in {config.run} '
    f'(method: {saved.method}), by whose statistics all images are normalized.'
  ]
