"""What is looked at on validation while a method is trained."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from semisup_jax import evaluation, methods, metrics, models, training
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import Method


def make_evaluators(
  config: Any, method: Method, ingredients: Ingredients, mesh: Any
) -> dict[str, Callable]:
  """What is looked at on validation while a method is trained.

  They show the way; `classifier` alone chooses something. A method that learns
  no classifier is watched for collapse: rank and spread of what the encoder and
  its head say of different images.

  Args:
    config: The whole config.
    method: What is trained.
    ingredients: Whose validation part is looked at.
    mesh: Divides the batches.
  """
  splits = ingredients.splits
  looks = {'knn': _online_knn(config, method, ingredients, mesh)}
  if method.classifies:
    forward = ingredients.forward(method.model, mesh)
    chosen_by = ingredients.scoring.chosen_by(config.evaluation.select_by)
    looks['classifier'] = evaluation.score_of(
      forward, splits.validation, method, chosen_by
    )
  else:
    images = splits.validation.images
    embed = _embed(method, ingredients, mesh)
    looks['embedding'] = _spread(lambda state: embed(state, images))
    if isinstance(method.model, models.EncoderWithHead):
      forward = ingredients.forward(method.model, mesh)
      looks['projection'] = _spread(
        lambda state: _finite(
          forward(method.predict_variables(state), images), state
        )
      )
  if config.evaluation.online_probe:
    looks['online_probe'] = _online_probe(method, ingredients, mesh)
  return looks


def _embed(method, ingredients, mesh):
  """Images to embeddings, of a state's encoder."""
  forward = ingredients.forward(ingredients.encoder, mesh)

  def embed(state, images):
    variables = method.predict_variables(state)
    return _finite(forward(models.encoder_variables(variables), images), state)

  return embed


def _finite(output: np.ndarray, state: training.TrainState) -> np.ndarray:
  """Returns a network's output, or fails as the loss soon would."""
  if not np.isfinite(output).all():
    raise training.NotFiniteError(
      f'the network of step {int(state.step)} gives embeddings that are not '
      'finite; a lower learning rate or clip_norm=1.0 may help'
    )
  return output


def _online_knn(config, method, ingredients, mesh):
  """kNN among the images whose labels may be seen."""
  embed = _embed(method, ingredients, mesh)
  validation = ingredients.splits.validation
  bank = ingredients.splits.train.take(ingredients.splits.labelled)
  section = config.evaluation.knn
  scoring = metrics.scoring_of(validation.labels)

  def evaluate(state: training.TrainState) -> Mapping[str, float]:
    logits = evaluation.knn_logits(
      embed(state, bank.images),
      bank.labels,
      embed(state, validation.images),
      neighbours=section.neighbours,
      temperature=section.temperature,
      num_classes=ingredients.num_classes,
    )
    return {scoring.primary: scoring.score(logits, validation.labels)}

  return evaluate


def _spread(output_of: Callable[[training.TrainState], np.ndarray]):
  """RankMe and standard deviation of what a state's network says of images."""

  def evaluate(state: training.TrainState) -> Mapping[str, float]:
    output = output_of(state)
    return {
      'rank': metrics.rank_me(output),
      'std': metrics.feature_std(output),
    }

  return evaluate


def _online_probe(method, ingredients, mesh):
  """The linear classifier that is trained beside the method, raw weights."""
  forward = ingredients.forward(ingredients.encoder, mesh)
  validation = ingredients.splits.validation
  scoring = metrics.scoring_of(validation.labels)

  def evaluate(state: training.TrainState) -> Mapping[str, float]:
    encoder = models.encoder_variables(state.variables)
    embeddings = _finite(forward(encoder, validation.images), state)
    logits = np.asarray(methods.probe_logits(state, embeddings))
    return {scoring.primary: scoring.score(logits, validation.labels)}

  return evaluate
