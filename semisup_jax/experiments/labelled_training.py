"""Networks that protocols train on labelled images, mode by mode."""

import contextlib
import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np

from semisup_jax import evaluation, methods, models, optim, training
from semisup_jax.evaluation import modes
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.evaluation.modes import FINETUNE_MODES
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.experiments.probing import probed_head
from semisup_jax.types import InputError, Method, Variables, require

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


def protocol_of(name: str, embeddings: Embeddings) -> Protocol:
  """A network trained on the labelled images, best on validation kept."""
  train = LabelledTraining(embeddings, name)
  judged = embeddings.ingredients.judged
  return lambda rows, draw: judged(
    functools.partial(train.forward, train(rows, draw))
  )
