"""The protocols that a config can name, each a way to use labelled images."""

import contextlib
from typing import Any

import numpy as np

from semisup_jax import data, evaluation, methods, training
from semisup_jax.evaluation import label_efficiency
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.evaluation.linear_probe import linear_probe, standardization
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.types import InputError, Method, Variables, lookup


def probe(embeddings: Embeddings) -> Protocol:
  """Logistic regression on standardized embeddings; L2 chosen on validation."""
  splits = embeddings.ingredients.splits
  section = embeddings.config.evaluation.linear_probe
  standardize = standardization(embeddings.train[splits.unlabelled])
  train = standardize(embeddings.train)
  validation = standardize(embeddings.validation)
  reported = standardize(embeddings.reported)

  def protocol(rows, draw):
    fitted = linear_probe(
      train[rows],
      splits.train.labels[rows],
      validation,
      splits.validation.labels,
      l2=section.l2,
      num_classes=embeddings.ingredients.num_classes,
    )
    if draw == 0:
      embeddings.keep(_as_head(fitted, standardize, rows, splits))
    return fitted(reported)

  return protocol


def _as_head(fitted, standardize, rows, splits) -> Head:
  """A probe with what it was fitted to, of embeddings as they are."""
  every = len(rows) == len(splits.labelled)
  train = splits.train
  drawn_for = data.members(train.labels[rows], train.num_classes).any(axis=0)
  return Head(
    'linear_probe',
    'all' if every else len(rows) // int(drawn_for.sum()),
    len(rows),
    *evaluation.unstandardized(fitted.classifier, standardize),
    multi_label=train.multi_label,
  )


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


@contextlib.contextmanager
def within(section: str):
  """Says of which section of the config an error is."""
  try:
    yield
  except InputError as error:
    raise InputError(f'in {section}: {error}') from error


def labelled_method(
  section: Any, model: Any, ingredients: Ingredients
) -> Method:
  """The method `supervised` with the fields of a section of the config.

  Args:
    section: As `data_sets.labelled_training` of the recipes makes it.
    model: The section `model`.
    ingredients: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  names = methods.METHODS['supervised'].FIELDS
  return methods.make_method(
    {
      'model': model,
      'method': {
        'name': 'supervised',
        **{name: section[name] for name in names},
      },
      'data': {'augment': section.augment},
    },
    ingredients.encoder,
    ingredients.task(section),
  )


def labelled_recipe(section: Any, ingredients: Ingredients) -> training.Recipe:
  """How `labelled_method` is trained, by the same section."""
  sizes = ingredients.sizes(section.batch_size, {'labelled': 1})
  return recipe(
    section,
    sizes,
    batch_norm_groups=ingredients.batch_norm_groups,
    evaluate_every=section.every,
    patience=section.patience,
  )


class LabelledTraining:
  """Trains the whole network on labelled images, by a section of the config.

  Attributes:
    forward: The network's logits on images.
  """

  def __init__(self, embeddings: Embeddings, name: str):
    """Compiles nothing yet.

    Args:
      embeddings: Of the encoder that `fine_tune` starts from.
      name: Of the section of `evaluation`: fine_tune, or supervised, which
        starts from scratch.
    """
    config, ingredients = embeddings.config, embeddings.ingredients
    section = config.evaluation[name]
    method = labelled_method(section, config.model, ingredients)
    plan = labelled_recipe(section, ingredients)
    mesh = plan.mesh()
    self.forward = ingredients.forward(method.model, mesh)
    self._finetuner = evaluation.Finetuner(
      method,
      self.forward,
      plan,
      mesh=mesh,
      images=ingredients.images,
      labels=ingredients.splits.train.labels,
    )
    self._encoder = embeddings.variables if name == 'fine_tune' else None
    self._validation = ingredients.splits.validation
    self._seed = config.seed
    self._name = name

  def __call__(self, rows: np.ndarray, draw: int) -> Variables:
    """Returns the model that is best on validation.

    Args:
      rows: Of the training part, whose labels are seen, int [M].
      draw: Number of the draw, which seeds the training.

    Raises:
      NotFiniteError: Naming the section and the draw.
    """
    try:
      state = self._finetuner(
        rows,
        self._validation,
        seed=(self._seed, 4, draw),
        encoder=self._encoder,
      )
    except training.NotFiniteError as error:
      raise training.NotFiniteError(
        f'evaluation.{self._name}, draw {draw}: {error}'
      ) from error
    return state.selection.variables


def _labelled_training(embeddings: Embeddings, name: str) -> Protocol:
  """Trains the whole network, from the encoder or from scratch."""
  train = LabelledTraining(embeddings, name)
  images = embeddings.ingredients.reported.images
  return lambda rows, draw: train.forward(train(rows, draw), images)


def fine_tune(embeddings: Embeddings) -> Protocol:
  """The whole network trained on from the encoder, best on validation kept."""
  return _labelled_training(embeddings, 'fine_tune')


def supervised(embeddings: Embeddings) -> Protocol:
  """The same network trained from scratch, with a recipe of its own."""
  return _labelled_training(embeddings, 'supervised')


PROTOCOLS = {
  'linear_probe': probe,
  'knn': knn,
  'fine_tune': fine_tune,
  'supervised': supervised,
}


def check(config: Any, ingredients: Ingredients) -> None:
  """Fails early, before anything is trained, if a protocol could not run.

  Raises:
    InputError: If a name, a recipe or a number of labels is not possible.
  """
  section = config.evaluation
  for name in section.protocols:
    lookup(PROTOCOLS, name, 'evaluation.protocols')
    if name in ('fine_tune', 'supervised'):
      with within(f'evaluation.{name}'):
        labelled_method(section[name], config.model, ingredients)
        labelled_recipe(section[name], ingredients).mesh()
  for name in section.protocols_for_all:
    lookup(PROTOCOLS, name, 'evaluation.protocols_for_all')
  for field in ('protocols', 'labels_per_class'):
    if len(set(section[field])) < len(section[field]):
      raise InputError(
        f'evaluation.{field} names one twice: {tuple(section[field])}'
      )
  if section.draws < 1:
    raise InputError(
      f'evaluation.draws must be at least 1, got {section.draws}'
    )
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
  if section.protocols:
    _check_label_counts(config, ingredients)


def _check_label_counts(config: Any, ingredients: Ingredients) -> None:
  section, splits = config.evaluation, ingredients.splits
  labels = splits.train.labels[splits.labelled]
  counts = data.label_counts(labels, ingredients.num_classes)
  smallest = splits.train.class_names[int(counts.argmin())]
  for k in section.labels_per_class:
    if k == 'all':
      continue
    if not isinstance(k, int) or k < 1:
      raise InputError(
        "evaluation.labels_per_class must be positive integers or 'all', got "
        f'{k!r}'
      )
    if k > counts.min():
      raise InputError(
        f'evaluation.labels_per_class asks for {k}, but class {smallest!r} has '
        f'{counts.min()} labelled images; lower it, as '
        f'--config.evaluation.labels_per_class=1,{max(2, counts.min() // 2)}'
      )
    if k == counts.max() and section.draws > 1:
      raise InputError(
        f'evaluation.labels_per_class={k} is every labelled image, so all '
        "draws would be the same; use 'all' for it"
      )
  for_all = tuple(section.protocols_for_all)
  runs = label_efficiency.count_runs(
    section.protocols, section.labels_per_class, section.draws, for_all
  )
  if not runs:
    raise InputError(
      'nothing would be evaluated: evaluation.labels_per_class='
      f'{tuple(section.labels_per_class)} with the protocols '
      f'{", ".join(section.protocols)} (of which {", ".join(for_all)} '
      "use 'all')"
    )
