"""How protocols train a network on labelled images, mode by mode."""

import contextlib
import dataclasses
from typing import Any, NamedTuple

from semisup_jax import methods, models, optim, training
from semisup_jax.evaluation import modes
from semisup_jax.evaluation.modes import FINETUNE_MODES
from semisup_jax.experiments.ingredients import Ingredients, recipe
from semisup_jax.types import InputError, Method, require

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


def plans(
  config: Any, name: str, ingredients: Ingredients
) -> dict[float, Plan]:
  """Plans a protocol that trains a network; nothing is compiled.

  Args:
    config: The whole config.
    name: A key of `TRAINED`.
    ingredients: What is learned from.

  Returns:
    A plan for each learning rate that there is to choose from.

  Raises:
    InputError: If a field is missing or its value out of its range.
  """
  field, mode_name = TRAINED[name]
  section, mode = config.evaluation[field], FINETUNE_MODES[mode_name]
  required = (*mode.fields, 'learning_rates', 'cross_validation')
  require(section, required, f'the protocol {name}', f'evaluation.{field}')
  rates = tuple(section.learning_rates) or (section.optimizer.learning_rate,)
  with within(f'evaluation.{field}'):
    _check_choice(section, ingredients)
    return {
      rate: _plan(_at_rate(section, rate), config.model, mode, ingredients)
      for rate in rates
    }


def _check_choice(section: Any, ingredients: Ingredients) -> None:
  rates, folds = tuple(section.learning_rates), section.cross_validation
  if len(set(rates)) < len(rates):
    raise InputError(f'learning_rates names one twice: {rates}')
  if folds in (None, 0):
    return
  if folds < 2:
    raise InputError(
      'cross_validation must be 2 or more folds, or 0 to choose by the '
      f'validation part; got {folds}'
    )
  if section.patience is not None or section.schedule.decay == 'plateau':
    raise InputError(
      f'cross_validation={folds} needs trainings of one length and course: '
      'patience=None, and another schedule.decay than plateau'
    )
  if ingredients.splits.train.multi_label:
    raise InputError(
      f'cross_validation={folds} needs one class an image; these have several '
      'labels'
    )


def _at_rate(section: Any, rate: float) -> Any:
  section = section.copy_and_resolve_references()
  section.optimizer.learning_rate = rate
  return section


def _plan(
  section: Any, model: Any, mode: modes.Mode, ingredients: Ingredients
) -> Plan:
  method = labelled_method(section, model, ingredients)
  recipe = labelled_recipe(section, ingredients)
  stages = models.stages_of(method.model)
  paces = mode.paces(stages, section, recipe.steps)
  tx = optim.make_staged_optimizer(
    section.optimizer, recipe.schedule, paces, models.stage_labels
  )
  phases = {
    start: modes.without_gradients(
      labelled_method(
        section, model, ingredients, modes.fixed_in(section, frozen)
      ),
      frozen,
    )
    for start, frozen in modes.frozen_from(paces).items()
  }
  return Plan(mode, method, phases, dataclasses.replace(recipe, tx=tx))
