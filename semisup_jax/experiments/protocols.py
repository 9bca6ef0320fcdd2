"""The protocols that a config can name, each a way to use labelled images."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from semisup_jax import data, evaluation, methods, models, optim, training
from semisup_jax.evaluation import label_efficiency, modes
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.evaluation.linear_probe import (
  LinearClassifier,
  linear_probe,
  standardization,
)
from semisup_jax.evaluation.modes import FINETUNE_MODES
from semisup_jax.experiments import separability
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.types import InputError, Method, Variables, lookup, require


def _probing(embeddings):
  """Fits a probe to rows of the training part; how it standardizes; and the
  embeddings of validation, standardized."""
  splits = embeddings.ingredients.splits
  section = embeddings.config.evaluation.linear_probe
  standardize = standardization(embeddings.train[splits.unlabelled])
  train = standardize(embeddings.train)
  validation = standardize(embeddings.validation)

  def fit(rows):
    return linear_probe(
      train[rows],
      splits.train.labels[rows],
      validation,
      splits.validation.labels,
      l2=section.l2,
      num_classes=embeddings.ingredients.num_classes,
    )

  return fit, standardize, validation


def probe(embeddings: Embeddings) -> Protocol:
  """Logistic regression on standardized embeddings; L2 chosen on validation."""
  ingredients = embeddings.ingredients
  fit, standardize, validation = _probing(embeddings)
  reported = standardize(embeddings.reported)

  def protocol(rows, draw):
    fitted = fit(rows)
    if draw == 0:
      head = _as_head(fitted, standardize, rows, ingredients.splits)
      embeddings.keep(head)
    return fitted(reported), ingredients.threshold(lambda: fitted(validation))

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
  ingredients = embeddings.ingredients

  def protocol(rows, draw):
    del draw  # Nothing is random here.
    logits = functools.partial(
      evaluation.knn_logits,
      embeddings.train[rows],
      ingredients.splits.train.labels[rows],
      neighbours=section.neighbours,
      temperature=section.temperature,
      num_classes=ingredients.num_classes,
    )
    threshold = ingredients.threshold(lambda: logits(embeddings.validation))
    return logits(embeddings.reported), threshold

  return protocol


@contextlib.contextmanager
def within(section: str):
  """Says of which section of the config an error is."""
  try:
    yield
  except InputError as error:
    raise InputError(f'in {section}: {error}') from error


def labelled_method(
  section: Any,
  model: Any,
  ingredients: Ingredients,
  fixed_statistics: tuple[str, ...] = (),
) -> Method:
  """The method `supervised` with the fields of a section of the config.

  Args:
    section: As `data_sets.labelled_training` of the recipes makes it.
    model: The section `model`.
    ingredients: What is learned from.
    fixed_statistics: Stages of the encoder whose BatchNorm is in eval mode.

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
    models.with_fixed_statistics(ingredients.encoder, fixed_statistics),
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
    select_by=section.select_by,
    scoring=ingredients.scoring,
    num_classes=ingredients.num_classes,
  )


class Plan(NamedTuple):
  """How a protocol trains a network.

  Attributes:
    mode: Where it starts.
    method: What is learned, whatever is frozen.
    phases: It, by the step from which on these or those stages are frozen.
    recipe: How.
  """

  mode: modes.Mode
  method: Method
  phases: dict[int, Method]
  recipe: training.Recipe


def plan(config: Any, name: str, ingredients: Ingredients) -> Plan:
  """Plans a protocol that trains a network; nothing is compiled.

  Args:
    config: The whole config.
    name: A key of `TRAINED`.
    ingredients: What is learned from.

  Raises:
    InputError: If a field is missing or its value out of its range.
  """
  field, mode_name = TRAINED[name]
  section, mode = config.evaluation[field], FINETUNE_MODES[mode_name]
  require(section, mode.fields, f'the protocol {name}', f'evaluation.{field}')
  with within(f'evaluation.{field}'):
    method = labelled_method(section, config.model, ingredients)
    recipe = labelled_recipe(section, ingredients)
    stages = models.stages_of(method.model)
    paces = mode.paces(stages, section, recipe.steps)
    tx = optim.make_staged_optimizer(
      section.optimizer, recipe.schedule, paces, models.stage_labels
    )
    phases = {
      start: modes.without_gradients(
        labelled_method(
          section, config.model, ingredients, modes.fixed_in(section, frozen)
        ),
        frozen,
      )
      for start, frozen in modes.frozen_from(paces).items()
    }
  return Plan(mode, method, phases, dataclasses.replace(recipe, tx=tx))


class LabelledTraining:
  """Trains a network on labelled images, as one of the protocols does.

  Attributes:
    forward: The network's logits on images.
  """

  def __init__(self, embeddings: Embeddings, name: str):
    """Compiles nothing yet.

    Args:
      embeddings: Of the encoder to start from, unless it is from scratch.
      name: Of the protocol, a key of `TRAINED`.
    """
    config, ingredients = embeddings.config, embeddings.ingredients
    mode, method, phases, recipe = plan(config, name, ingredients)
    mesh = recipe.mesh()
    self.forward = ingredients.forward(method.model, mesh)
    self._finetuner = evaluation.Finetuner(
      method,
      self.forward,
      recipe,
      mesh=mesh,
      images=ingredients.images,
      labels=ingredients.splits.train.labels,
      phases=phases,
    )
    self._encoder = embeddings.variables if mode.pretrained else None
    self._probed = probed_head(embeddings) if mode.probed else None
    self._validation = ingredients.splits.validation
    self._seed = config.seed
    self._name = name

  def __call__(self, rows: np.ndarray, draw: int) -> Variables:
    """Returns the model that is best on validation.

    Args:
      rows: Of the training part, whose labels are seen, int [M].
      draw: Number of the draw, which seeds the training.

    Raises:
      NotFiniteError: Naming the protocol and the draw.
    """
    try:
      state = self._finetuner(
        rows,
        self._validation,
        seed=(self._seed, 4, draw),
        encoder=self._encoder,
        head=self._probed and self._probed(rows),
      )
    except training.NotFiniteError as error:
      raise training.NotFiniteError(
        f'the protocol {self._name}, draw {draw}: {error}'
      ) from error
    return state.selection.variables


def probed_head(
  embeddings: Embeddings,
) -> Callable[[np.ndarray], LinearClassifier]:
  """What a head starts as that is probed first.

  Returns:
    Rows of the training part to the linear probe that is fitted to them, of
    embeddings as the encoder gives them.
  """
  fit, standardize, _ = _probing(embeddings)
  dtype = embeddings.ingredients.dtype

  def head(rows):
    fitted = evaluation.unstandardized(fit(rows).classifier, standardize)
    return LinearClassifier(*(x.astype(dtype) for x in fitted))

  return head


def _trained(name: str, embeddings: Embeddings) -> Protocol:
  """A network trained on the labelled images, best on validation kept."""
  train = LabelledTraining(embeddings, name)
  judged = embeddings.ingredients.judged
  return lambda rows, draw: judged(
    functools.partial(train.forward, train(rows, draw))
  )


# Those that train a network: the section of `evaluation`, and the mode.
TRAINED = {
  'fine_tune': ('fine_tune', 'full'),
  'supervised': ('supervised', 'scratch'),
  'frozen': ('fine_tune', 'frozen'),
  'lp_ft': ('fine_tune', 'lp_ft'),
  'gradual': ('fine_tune', 'gradual'),
  'layerwise': ('fine_tune', 'layerwise'),
  'partial': ('fine_tune', 'partial'),
}
PROTOCOLS = {
  'linear_probe': probe,
  'knn': knn,
  **{name: functools.partial(_trained, name) for name in TRAINED},
}


def check(config: Any, ingredients: Ingredients) -> None:
  """Fails early, before anything is trained, if a protocol could not run.

  Raises:
    InputError: If a name, a recipe or a number of labels is not possible.
  """
  section = config.evaluation
  separability.check(config, ingredients)
  for name in section.protocols:
    lookup(PROTOCOLS, name, 'evaluation.protocols')
    if name in TRAINED:
      recipe = plan(config, name, ingredients).recipe
      with within(f'evaluation.{TRAINED[name][0]}'):
        recipe.mesh()
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
  largest = data.members(labels, ingredients.num_classes).sum(axis=0).max()
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
    if k == largest and section.draws > 1:
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
