"""Networks that protocols train on labelled images, mode by mode."""

import contextlib
import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np

from semisup_jax import data, evaluation, methods, models, optim, training
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


class LabelledTraining:
  """Trains a network on labelled images, as one of the protocols does.

  Where there are several learning rates it is trained with each, and the best
  look at validation of all of them is kept.

  Attributes:
    forward: The network's logits on images.
  """

  def __init__(self, embeddings: Embeddings, name: str):
    """Compiles nothing yet.

    Args:
      embeddings: Of the encoder to start from, unless it is from scratch; the
        courses of the trainings are added to it.
      name: Of the protocol, a key of `TRAINED`.
    """
    config, ingredients = embeddings.config, embeddings.ingredients
    planned = plans(config, name, ingredients)
    mode, method, _, recipe = next(iter(planned.values()))
    mesh = recipe.mesh()
    self.forward = ingredients.forward(method.model, mesh)
    self._finetuners = {
      rate: evaluation.Finetuner(
        method,
        self.forward,
        recipe,
        mesh=mesh,
        images=ingredients.images,
        labels=ingredients.splits.train.labels,
        phases=phases,
      )
      for rate, (_, method, phases, recipe) in planned.items()
    }
    self._variables = method.predict_variables
    self._select_by = recipe.select_by
    self._folds = config.evaluation[TRAINED[name][0]].cross_validation
    self._encoder = embeddings.variables if mode.pretrained else None
    self._probed = probed_head(embeddings) if mode.probed else None
    self._splits = ingredients.splits
    self._seed = config.seed
    self._name = name
    self._keep = embeddings.keep_courses

  def __call__(self, rows: np.ndarray, draw: int) -> Variables:
    """Returns the model that is best on validation, or by cross-validation.

    Args:
      rows: Of the training part, whose labels are seen, int [M].
      draw: Number of the draw, which seeds the training.

    Raises:
      NotFiniteError: Naming the protocol and the draw.
    """
    choose = self._by_folds if self._folds else self._by_validation
    try:
      return choose(rows, draw)
    except training.NotFiniteError as error:
      raise training.NotFiniteError(
        f'the protocol {self._name}, draw {draw}: {error}'
      ) from error

  def _by_validation(self, rows, draw) -> Variables:
    kept, looks, courses = [], [], {}
    head = self._probed and self._probed(rows)
    for rate in self._finetuners:
      state, courses[rate] = self._train(rate, rows, draw, head)
      kept.append(state.selection.variables)
      looks.append(courses[rate][int(state.selection.look)])
    best = evaluation.best_of(looks, self._select_by)
    self._note(courses, list(courses)[best], looks[best]['step'], rows, draw)
    return kept[best]

  def _by_folds(self, rows, draw) -> Variables:
    """Rate and length by cross-validation; then all rows are learned from."""
    train = self._splits.train
    fold_of = data.draw_folds(
      train.labels[rows],
      self._folds,
      seed=(self._seed, 7, draw),
      groups=None if train.groups is None else train.groups[rows],
    )
    courses = {rate: [] for rate in self._finetuners}
    for fold in range(self._folds):
      inside, apart = rows[fold_of != fold], train.take(rows[fold_of == fold])
      head = self._probed and self._probed(inside)
      for rate, found in courses.items():
        found.append(self._train(rate, inside, draw, head, apart)[1])
    courses = {k: evaluation.mean_looks(v) for k, v in courses.items()}
    places = [(rate, look) for rate in courses for look in courses[rate]]
    best = evaluation.best_of([look for _, look in places], self._select_by)
    rate, look = places[best]
    self._note(courses, rate, look['step'], rows, draw)
    head = self._probed and self._probed(rows)
    state, _ = self._train(rate, rows, draw, head, steps=int(look['step']))
    return self._variables(state)

  def _train(self, rate, rows, draw, head, validation=None, steps=None):
    """The last state, and the looks at validation on the way there."""
    course = evaluation.Course()
    state = self._finetuners[rate](
      rows,
      self._splits.validation if validation is None else validation,
      seed=(self._seed, 4, draw),
      encoder=self._encoder,
      head=head,
      steps=steps,
      log=course,
    )
    return state, course.looks

  def _note(self, courses, rate, step, rows, draw) -> None:
    """Keeps the courses, if there was a choice of rates, or of folds."""
    if len(courses) == 1 and not self._folds:
      return
    self._keep(
      {
        'protocol': self._name,
        'labels': len(rows),
        'draw': draw,
        'learning_rate': each,
        **look,
        'chosen': (each, look['step']) == (rate, step),
      }
      for each, looks in courses.items()
      for look in looks
    )


def protocol_of(name: str, embeddings: Embeddings) -> Protocol:
  """A network trained on the labelled images, best on validation kept."""
  train = LabelledTraining(embeddings, name)
  judged = embeddings.ingredients.judged
  return lambda rows, draw: judged(
    functools.partial(train.forward, train(rows, draw))
  )
