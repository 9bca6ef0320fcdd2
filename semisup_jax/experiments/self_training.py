"""Offline pseudo-labels: a teacher labels, and a student trains again.

Lee 2013, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning
Method for Deep Neural Networks", and, with a student from scratch and several
rounds, Xie et al. 2020, https://arxiv.org/abs/1911.04252.
"""

from typing import Any

import numpy as np
import scipy.special

from semisup_jax import evaluation, models, training
from semisup_jax.experiments import (
  audit,
  fitting,
  measuring,
  pretrain,
  protocols,
  views,
)
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.types import InputError, Variables


def self_training(config: Any, ingredients: Ingredients) -> Job:
  """Trains a teacher, and by its labels one student a round.

  The teacher is `config.method`, any that learns a classifier. In each round
  the last model labels the unlabelled images; those of at least
  `self_training.threshold` are appended to the labelled ones, whose labels stay
  the true ones, and a student is trained by the recipe `self_training.student`,
  from scratch or from the last model. Of each, the model that is best on
  validation is kept. The audit is that of the labels of the last round.

  Args:
    config: The whole config.
    ingredients: Its objects.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  teacher = pretrain.make_method(config, ingredients)
  if not teacher.classifies:
    raise InputError(
      f'method.name={config.method.name} learns no classifier, so it cannot '
      'label images; use supervised, fixmatch or mean_teacher'
    )
  if config.evaluation.protocols:
    raise InputError(
      'self_training tests its teacher and its students alone; set '
      '--config.evaluation.protocols=()'
    )
  section = config.self_training
  _check(section)
  recipe = fitting.plan(config, teacher, ingredients)
  mesh = training.make_mesh(config.batch_size)
  student = _Student(config, ingredients)

  def execute(workdir, console):
    state = fitting.fit(
      teacher,
      ingredients,
      recipe,
      evaluators=fitting.evaluators(config, teacher, ingredients, mesh),
      mesh=mesh,
      folder=workdir,
      checkpoint=config.checkpoint,
      seed=config.seed,
      console=console,
      title='teacher',
    )
    forward = ingredients.forward(teacher.model, mesh)
    variables = pretrain.chosen(teacher, state)
    outcomes, rounds = [], []
    for number in range(section.rounds + 1):
      logits = forward(variables, ingredients.reported.images)
      if number in (0, section.rounds):
        name = 'student' if number else 'teacher'
        outcomes.append(measuring.classified(config, ingredients, name, logits))
      if number == section.rounds:
        break
      labels, kept, tables = _labelled(
        ingredients, forward, variables, section.threshold
      )
      rounds.append(_round(number, logits, ingredients, tables, kept))
      variables = student(labels, kept, variables, number + 1, workdir, console)
    embeddings = protocols.Embeddings(
      config,
      ingredients,
      ingredients.forward(ingredients.encoder, mesh),
      models.encoder_variables(variables),
    )
    return Measured(
      outcomes,
      embeddings,
      views.examples(config, teacher, ingredients),
      {**tables, 'rounds': rounds},
    )

  plan = fitting.in_words(teacher, recipe, mesh)
  return Job(
    'self_training',
    f'teacher: {plan}; {section.rounds} round(s) of '
    f'{student.recipe.steps:,} steps of {student.recipe.batch_size} images',
    execute,
  )


class _Student:
  """The recipe of the students, checked before the teacher is trained."""

  def __init__(self, config: Any, ingredients: Ingredients):
    self._config = config
    self._ingredients = ingredients
    self._section = config.self_training.student
    self._method = protocols.labelled_method(
      self._section, config.model, ingredients
    )
    self.recipe = protocols.labelled_recipe(self._section, ingredients)
    self._mesh = training.make_mesh(self._section.batch_size)

  def __call__(
    self, labels, kept, teacher: Variables, number: int, workdir, console
  ) -> Variables:
    config, ingredients = self._config, self._ingredients
    union = np.union1d(ingredients.splits.labelled, kept)
    taught = ingredients.with_labels(labels, union)
    seed = np.random.SeedSequence((config.seed, 6, number)).generate_state(1)
    forward = ingredients.forward(self._method.model, self._mesh)
    validation = ingredients.splits.validation
    state = fitting.fit(
      self._method,
      taught,
      protocols.labelled_recipe(self._section, taught),
      evaluators={
        'classifier': evaluation.accuracy_of(forward, validation, self._method)
      },
      mesh=self._mesh,
      folder=workdir / f'student{number}',
      checkpoint=config.checkpoint,
      seed=int(seed[0]),
      console=console,
      initial=teacher if config.self_training.start == 'teacher' else None,
      title=f'student {number}',
    )
    return state.selection.variables


def _check(section: Any) -> None:
  if section.rounds < 1:
    raise InputError(
      f'self_training.rounds must be at least 1, got {section.rounds}'
    )
  if not 0 <= section.threshold <= 1:
    raise InputError(
      f'self_training.threshold must be in [0, 1], got {section.threshold}'
    )
  if section.start not in ('scratch', 'teacher'):
    raise InputError(
      "self_training.start must be 'scratch' or 'teacher', got "
      f'{section.start!r}'
    )


def _labelled(ingredients, forward, variables, threshold):
  """The teacher's labels, the rows that are kept, and the audit of them."""
  splits = ingredients.splits
  rows = np.setdiff1d(splits.unlabelled, splits.labelled)
  logits = forward(variables, splits.train.images[rows])
  probabilities = scipy.special.softmax(logits.astype(np.float64), axis=-1)
  sure = probabilities.max(axis=-1) >= threshold
  labels = splits.train.labels.copy()
  labels[rows] = probabilities.argmax(axis=-1)
  known = splits.train.labels[rows] >= 0
  tables = {}
  if known.any():
    tables = audit.tables(
      probabilities[known],
      splits.train.labels[rows][known],
      threshold=threshold,
      class_names=splits.train.class_names,
    )
  return labels, rows[sure], tables


def _round(number, logits, ingredients, tables, kept) -> dict[str, Any]:
  used = [row for row in tables.get('pseudo_labels', ()) if row['used']]
  reported = ingredients.reported.labels
  return {
    'round': number + 1,
    'teacher_top1': float(np.mean(logits.argmax(-1) == reported)),
    'pseudo_labels': len(kept),
    'precision': used[0]['precision'] if used else None,
  }
