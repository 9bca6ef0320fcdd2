"""The protocols that a config can name, each a way to use labelled images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from semisup_jax import evaluation, methods, training
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.evaluation.linear_probe import linear_probe, standardization
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.types import InputError, Variables, lookup


class Embeddings:
  """One frozen encoder, and what it makes of each part (computed once)."""

  def __init__(
    self,
    config: Any,
    ingredients: Ingredients,
    forward: evaluation.Forward,
    variables: Variables,
  ):
    """Takes the encoder: `forward` with its `variables`."""
    self.config = config
    self.ingredients = ingredients
    self.variables = variables
    splits = ingredients.splits
    self.train = forward(variables, splits.train.images)
    self.validation = forward(variables, splits.validation.images)
    self.reported = forward(variables, ingredients.reported.images)


def probe(embeddings: Embeddings) -> Protocol:
  """Logistic regression on standardized embeddings; L2 chosen on validation."""
  splits = embeddings.ingredients.splits
  section = embeddings.config.evaluation.linear_probe
  standardize = standardization(embeddings.train[splits.unlabelled])
  train = standardize(embeddings.train)
  validation = standardize(embeddings.validation)
  reported = standardize(embeddings.reported)

  def protocol(rows, draw):
    del draw  # Nothing is random here.
    fitted = linear_probe(
      train[rows],
      splits.train.labels[rows],
      validation,
      splits.validation.labels,
      l2=section.l2,
      num_classes=embeddings.ingredients.num_classes,
    )
    return fitted(reported)

  return protocol


def knn(embeddings: Embeddings) -> Protocol:
  """Cosine kNN among the labelled embeddings."""
  section = embeddings.config.evaluation.knn

  def protocol(rows, draw):
    del draw  # Nothing is random here.
    return evaluation.knn_logits(
      embeddings.train[rows],
      embeddings.ingredients.splits.train.labels[rows],
      embeddings.reported,
      neighbours=section.neighbours,
      temperature=section.temperature,
      num_classes=embeddings.ingredients.num_classes,
    )

  return protocol


def _labelled_training(embeddings: Embeddings, name: str) -> Protocol:
  """Trains the whole network, from the encoder or from scratch."""
  config, ingredients = embeddings.config, embeddings.ingredients
  section = config.evaluation[name]
  splits = ingredients.splits
  method = methods.make_method(
    {
      'model': config.model,
      'method': {
        'name': 'supervised',
        'label_smoothing': section.label_smoothing,
      },
      'data': {'augment': section.augment},
    },
    ingredients.encoder,
    ingredients.table,
    ingredients.num_classes,
  )
  mesh = training.make_mesh(section.batch_size)
  forward = evaluation.make_forward(
    method.model,
    ingredients.preprocess,
    batch_size=EVALUATION_BATCH * mesh.size,
    mesh=mesh,
    dtype=ingredients.dtype,
  )
  finetuner = evaluation.Finetuner(
    method,
    forward,
    recipe(
      section,
      dataset_size=len(splits.labelled),
      evaluate_every=section.every,
    ),
    mesh=mesh,
    resident=ingredients.resident,
  )
  encoder = embeddings.variables if name == 'fine_tune' else None

  def protocol(rows, draw):
    state = finetuner(
      splits.train,
      rows,
      splits.validation,
      seed=(config.seed, 4, draw),
      encoder=encoder,
    )
    return forward(state.selection.variables, ingredients.reported.images)

  return protocol


def fine_tune(embeddings: Embeddings) -> Protocol:
  """The whole network trained on from the encoder, best on validation kept."""
  return _labelled_training(embeddings, 'fine_tune')


def supervised(embeddings: Embeddings) -> Protocol:
  """The same network trained from scratch, with a recipe of its own."""
  return _labelled_training(embeddings, 'supervised')


# Images a device looks at in one go.
EVALUATION_BATCH = 128

PROTOCOLS = {
  'linear_probe': probe,
  'knn': knn,
  'fine_tune': fine_tune,
  'supervised': supervised,
}

# Training a network on all labels is no protocol but a run of its own:
# configs/supervised.py.
FOR_ALL_LABELS = ('linear_probe', 'knn')


def check(config: Any, ingredients: Ingredients) -> None:
  """Fails early, before anything is trained, if a protocol could not run.

  Raises:
    InputError: If a name, a recipe or a number of labels is not possible.
  """
  section = config.evaluation
  for name in section.protocols:
    lookup(PROTOCOLS, name, 'evaluation.protocols')
    if name in ('fine_tune', 'supervised'):
      recipe(
        section[name],
        dataset_size=len(ingredients.splits.labelled),
        evaluate_every=section[name].every,
      )
  if section.draws < 1:
    raise InputError(
      f'evaluation.draws must be at least 1, got {section.draws}'
    )
  _check_label_counts(section.labels_per_class, ingredients)
  knn_section, l2 = section.knn, section.linear_probe.l2
  if knn_section.neighbours < 1 or not knn_section.temperature > 0:
    raise InputError(
      'evaluation.knn needs neighbours >= 1 and temperature > 0, got '
      f'{knn_section.neighbours} and {knn_section.temperature}'
    )
  if not l2 or min(l2) <= 0:
    raise InputError(
      f'evaluation.linear_probe.l2 must be positive numbers, got {tuple(l2)}'
    )


def _check_label_counts(
  labels_per_class: Sequence[int | str], ingredients: Ingredients
) -> None:
  splits = ingredients.splits
  labels = splits.train.labels[splits.labelled]
  counts = np.bincount(labels, minlength=ingredients.num_classes)
  for k in labels_per_class:
    if k != 'all' and (not isinstance(k, int) or k < 1):
      raise InputError(
        "evaluation.labels_per_class must be positive integers or 'all', got "
        f'{k!r}'
      )
    if k != 'all' and k > counts.min():
      raise InputError(
        f'evaluation.labels_per_class asks for {k}, but class '
        f'{splits.train.class_names[int(counts.argmin())]!r} has '
        f'{counts.min()} labelled images'
      )
