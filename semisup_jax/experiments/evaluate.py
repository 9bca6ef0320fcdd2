"""An encoder as it is, untrained: the floor under every other number."""

from typing import Any

import jax
import jax.numpy as jnp

from semisup_jax import training
from semisup_jax.experiments import batch_norm, measuring, protocols
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.types import InputError


def evaluate(config: Any, ingredients: Ingredients) -> Job:
  """Evaluates `config.model` with its first, random variables.

  With `model.name=pixels` that is the raw pixels. BatchNorm has the statistics
  it starts with, mean 0 and variance 1.

  Args:
    config: The whole config.
    ingredients: Its objects.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  protocols.check(config, ingredients)
  batch_norm.make_plan(config, ingredients, None)
  if not config.evaluation.protocols:
    raise InputError('evaluation.protocols is empty: nothing would be done')
  mesh = training.make_mesh(config.batch_size)

  def execute(workdir, console):
    del workdir  # Nothing is trained.
    shape = ingredients.splits.train.images.shape[1:]
    variables = ingredients.encoder.init(
      jax.random.key(config.seed),
      jnp.zeros((1, *shape), ingredients.dtype),
      train=False,
    )
    embeddings = protocols.Embeddings(
      config,
      ingredients,
      ingredients.forward(ingredients.encoder, mesh),
      variables,
    )
    return Measured(measuring.evaluate(config, embeddings, console), embeddings)

  pixels = config.model.name == 'pixels'
  return Job(
    'raw_pixels' if pixels else 'random_encoder',
    'nothing is trained',
    execute,
  )
