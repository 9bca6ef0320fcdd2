"""Offline pseudo-labels: a teacher labels, and a student trains again.

In rounds, as in Noisy Student (Xie et al. 2020,
https://arxiv.org/abs/1911.04252), with hard labels above a threshold, a student
of the same size, and augmentation as the only noise. Lee 2013, who named
pseudo-labels, relabels at every step instead.
"""

import functools
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
  labelled_plans,
  labelled_training,
  measuring,
  pretrain,
  protocols,
  snapshots,
  views,
)
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.types import InputError, Variables


def self_training(config: Any, ingredients: Ingredients) -> Job:
  """Trains a teacher, and by its labels one student a round.

  The teacher is `config.method`; where that learns no classifier, its encoder
  is fine-tuned on the labelled images by `evaluation.fine_tune`, and the
  protocols judge it before. In each round the last model labels the unlabelled
  images; those of at least `self_training.threshold` are appended to the
  labelled ones, whose labels stay the true ones, and a student is trained by
  the recipe `self_training.student`, from scratch or from the last model. Of
  each, the model that is best on validation is kept. The audit is that of the
  labels of the last round.

  Args:
    config: The whole config.
    ingredients: Its objects.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  if ingredients.splits.train.multi_label:
    raise InputError(
      'experiment=self_training needs one class an image, for pseudo-labels '
      'are classes; images of these data have several labels'
    )
  if not len(ingredients.splits.without_label):
    raise InputError(
      'every image is labelled, so there is nothing to label; lower '
      f'data.labels_per_class={config.data.labels_per_class}'
    )
  teacher = _Teacher(config, ingredients)
  protocols.check(config, ingredients)
  batch_norm.make_plan(config, ingredients, None)
  _check(config.self_training)
  student = _Student(config, ingredients)

  def execute(workdir, console):
    return _execute(config, ingredients, teacher, student, workdir, console)

  plan = f'teacher: {teacher.plan}; {config.self_training.rounds} round(s) of '
  return Job('self_training', f'{plan}a student', execute)


def _execute(config, ingredients, teacher, student, workdir, console):
  variables, outcomes = teacher(workdir, console)
  forward, rounds = student.forward, []

  def outcome(name):
    logits = functools.partial(forward, variables)
    return measuring.classified(config, ingredients, name, logits)

  for number in range(1, config.self_training.rounds + 1):
    logits = forward(variables, ingredients.reported.images)
    if number == 1:
      outcomes.append(outcome('teacher'))
    labels, kept, tables = _labelled(
      ingredients, forward, variables, config.self_training.threshold
    )
    rounds.append(_round(number, logits, ingredients, tables, kept))
    variables = student(labels, kept, variables, number, workdir, console)
  outcomes.append(outcome('student'))
  embeddings = _embeddings(config, ingredients, teacher.mesh, variables)
  return Measured(
    outcomes,
    embeddings,
    views.examples(config, teacher.method, ingredients),
    tables={**tables, 'rounds': rounds},
    head=Head.of_classifier(outcomes[-1], variables, ingredients.splits),
  )


def _embeddings(config, ingredients, mesh, variables) -> Embeddings:
  return Embeddings(
    config,
    ingredients,
    mesh,
    models.encoder_variables(variables),
  )


class _Teacher:
  """The first model: the run's own method, fine-tuned if need be.

  Attributes:
    method: What it learns by.
    mesh: Divides the batches.
    plan: In words.
  """

  def __init__(self, config: Any, ingredients: Ingredients):
    self.method = pretrain.make_method(config, ingredients)
    asked = set(config.evaluation.protocols)
    if self.method.classifies and asked:
      raise InputError(
        f'method.name={config.method.name} is tested itself, as the teacher; '
        'set --config.evaluation.protocols=()'
      )
    if trained := sorted(asked.intersection(labelled_plans.TRAINED)):
      raise InputError(
        'self_training trains a teacher and students; leave '
        f'{" and ".join(trained)} out of evaluation.protocols'
      )
    self._config = config
    self._ingredients = ingredients
    self._recipe = fitting.plan(config, self.method, ingredients)
    snapshots.check(config, self.method, self._recipe)
    self.mesh = self._recipe.mesh()
    self.plan = fitting.in_words(self.method, self._recipe, self.mesh)
    if not self.method.classifies:
      plans = labelled_plans.plans(config, 'fine_tune', ingredients)
      steps = next(iter(plans.values())).recipe.steps
      self.plan += f', fine-tuned for {steps:,}'

  def __call__(
    self, workdir: pathlib.Path, console: Console
  ) -> tuple[Variables, list[evaluation.Outcome]]:
    """Trains it; returns it, and what the protocols say of its encoder."""
    config, ingredients = self._config, self._ingredients
    state = pretrain.fit(
      config,
      self.method,
      ingredients,
      self._recipe,
      self.mesh,
      workdir,
      console,
      title='teacher',
    )
    variables = pretrain.chosen(self.method, state)
    if self.method.classifies:
      return variables, []
    embeddings = _embeddings(config, ingredients, self.mesh, variables)
    outcomes = measuring.evaluate(config, embeddings, console)
    train = labelled_training.LabelledTraining(embeddings, 'fine_tune')
    return train(ingredients.splits.labelled, 0), list(outcomes)


class _Student:
  """The recipe of the students, checked before the teacher is trained.

  Attributes:
    forward: Its logits on images, and the teacher's, whose network is the same.
  """

  def __init__(self, config: Any, ingredients: Ingredients):
    self._config = config
    self._ingredients = ingredients
    self._section = config.self_training.student
    with labelled_plans.within('self_training.student'):
      self._method = labelled_plans.labelled_method(
        self._section, config.model, ingredients
      )
      recipe = labelled_plans.labelled_recipe(self._section, ingredients)
      self._mesh = recipe.mesh()
    self.forward = ingredients.forward(self._method.model, self._mesh)

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
    look = evaluation.score_of(
      self.forward,
      ingredients.splits.validation,
      self._method,
      ingredients.scoring.chosen_by(self._section.select_by),
    )
    state = fitting.fit(
      self._method,
      taught,
      labelled_plans.labelled_recipe(self._section, taught),
      evaluators={'classifier': look},
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
