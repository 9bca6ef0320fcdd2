"""Offline pseudo-labels: a teacher labels, and a student trains again.

In rounds, as in Noisy Student (Xie et al. 2020,
https://arxiv.org/abs/1911.04252), with hard labels above a threshold, a student
of the same size, and augmentation as the only noise. Lee 2013, who named
pseudo-labels, relabels at every step instead.
"""

import pathlib
from typing import Any

import numpy as np
import scipy.special
from rich.console import Console

from semisup_jax import evaluation, models
from semisup_jax.experiments import (
  audit,
  batch_norm,
  fitting,
  measuring,
  pretrain,
  protocols,
  views,
)
from semisup_jax.experiments.evaluators import make_evaluators
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
  if config.evaluation.protocols:
    raise InputError(
      'self_training tests its teacher and its students alone; set '
      '--config.evaluation.protocols=()'
    )
  if not len(ingredients.splits.without_label):
    raise InputError(
      'every image is labelled, so there is nothing to label; lower '
      f'data.labels_per_class={config.data.labels_per_class}'
    )
  protocols.check(config, ingredients)
  batch_norm.make_plan(config, ingredients, None)
  _check(config.self_training)
  teacher = _Teacher(config, ingredients)
  student = _Student(config, ingredients)

  def execute(workdir, console):
    return _execute(config, ingredients, teacher, student, workdir, console)

  plan = f'teacher: {teacher.plan}; {config.self_training.rounds} round(s) of '
  return Job('self_training', f'{plan}a student', execute)


def _execute(config, ingredients, teacher, student, workdir, console):
  variables = teacher(workdir, console)
  outcomes, rounds = [], []
  for number in range(1, config.self_training.rounds + 1):
    logits = teacher.forward(variables, ingredients.reported.images)
    if number == 1:
      outcomes.append(
        measuring.classified(config, ingredients, 'teacher', logits)
      )
    labels, kept, tables = _labelled(
      ingredients, teacher.forward, variables, config.self_training.threshold
    )
    rounds.append(_round(number, logits, ingredients, tables, kept))
    variables = student(labels, kept, variables, number, workdir, console)
  logits = teacher.forward(variables, ingredients.reported.images)
  outcomes.append(measuring.classified(config, ingredients, 'student', logits))
  embeddings = protocols.Embeddings(
    config,
    ingredients,
    ingredients.forward(ingredients.encoder, teacher.mesh),
    models.encoder_variables(variables),
  )
  shown = views.examples(config, teacher.method, ingredients)
  return Measured(outcomes, embeddings, shown, {**tables, 'rounds': rounds})


class _Teacher:
  """The first model: the run's own method.

  Attributes:
    method: What it learns by.
    mesh: Divides the batches.
    forward: Its logits on images, and a student's, whose network is the same.
    plan: In words.
  """

  def __init__(self, config: Any, ingredients: Ingredients):
    self.method = pretrain.make_method(config, ingredients)
    if not self.method.classifies:
      raise InputError(
        f'method.name={config.method.name} learns no classifier, so it cannot '
        'label images; use supervised, fixmatch or mean_teacher'
      )
    self._config = config
    self._ingredients = ingredients
    self._recipe = fitting.plan(config, self.method, ingredients)
    self.mesh = self._recipe.mesh()
    self.forward = ingredients.forward(self.method.model, self.mesh)
    self.plan = fitting.in_words(self.method, self._recipe, self.mesh)

  def __call__(self, workdir: pathlib.Path, console: Console) -> Variables:
    config, ingredients = self._config, self._ingredients
    state = fitting.fit(
      self.method,
      ingredients,
      self._recipe,
      evaluators=make_evaluators(config, self.method, ingredients, self.mesh),
      mesh=self.mesh,
      folder=workdir,
      checkpoint=config.checkpoint,
      seed=config.seed,
      console=console,
      title='teacher',
    )
    return pretrain.chosen(self.method, state)


class _Student:
  """The recipe of the students, checked before the teacher is trained."""

  def __init__(self, config: Any, ingredients: Ingredients):
    self._config = config
    self._ingredients = ingredients
    self._section = config.self_training.student
    with protocols.within('self_training.student'):
      self._method = protocols.labelled_method(
        self._section, config.model, ingredients
      )
      recipe = protocols.labelled_recipe(self._section, ingredients)
      self._mesh = recipe.mesh()

  def __call__(
    self,
    labels: np.ndarray,
    kept: np.ndarray,
    teacher: Variables,
    number: int,
    workdir: pathlib.Path,
    console: Console,
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
  rows = splits.without_label
  logits = forward(variables, splits.train.images, rows)
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
    'round': number,
    'teacher_top1': float(np.mean(logits.argmax(-1) == reported)),
    'pseudo_labels': len(kept),
    'precision': used[0]['precision'] if used else None,
  }
