"""Learning rates, and how long, chosen on validation or by cross-validation."""

import dataclasses
import json

import jax
import numpy as np
import pytest
import rich.console

from configs import untrained
from semisup_jax import data, evaluation, experiments, training
from semisup_jax.experiments import (
  ingredients as ingredients_lib,
)
from semisup_jax.experiments import (
  labelled_plans,
  labelled_training,
  measuring,
  protocols,
)
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.types import InputError
from tests.tiny_network import STEPS, Layers, some_config

RATES = (1e-6, 0.1, 0.03)


def embeddings_of(**fields):
  config = some_config(**fields)
  gathered = ingredients_lib.gather(config)
  gathered = dataclasses.replace(gathered, encoder=Layers())
  image = np.zeros((1, 8, 8, 1), np.float32)
  variables = Layers().init(jax.random.key(0), image, train=False)
  mesh = training.make_mesh(16)
  return Embeddings(config, gathered, mesh, dict(variables))


def trained(rows, **fields):
  """The variables that are kept, and what is noted on the way."""
  embeddings = embeddings_of(**fields)
  train = labelled_training.LabelledTraining(embeddings, 'fine_tune')
  variables = train(embeddings.ingredients.splits.labelled[rows], 0)
  return jax.device_get(variables), embeddings


def assert_same(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


ROWS = slice(0, 60)


def test_the_rate_that_is_best_on_validation_is_kept():
  alone = {}
  for rate in RATES:
    variables, embeddings = trained(ROWS, **{'optimizer.learning_rate': rate})
    assert embeddings.courses == []
    ingredients = embeddings.ingredients
    train = labelled_training.LabelledTraining(embeddings, 'fine_tune')
    part = ingredients.splits.validation
    logits = train.forward(variables, part.images)
    alone[rate] = np.mean(logits.argmax(1) == part.labels), variables
  best = max(alone, key=lambda rate: alone[rate][0])
  assert alone[best][0] > alone[RATES[0]][0]
  kept, embeddings = trained(ROWS, learning_rates=RATES)
  assert_same(kept, alone[best][1])
  looks = embeddings.courses
  assert [(look['learning_rate'], look['step']) for look in looks] == [
    (rate, step) for rate in RATES for step in range(1, STEPS + 1)
  ]
  (chosen,) = [look for look in looks if look['chosen']]
  assert chosen['learning_rate'] == best
  assert chosen['top1'] == pytest.approx(alone[best][0])
  assert chosen['labels'] == 60
  assert {'train_loss', 'nll'} < set(chosen)


def test_cross_validation_is_that_of_trainings_by_hand():
  fields = {'learning_rates': RATES[1:], 'cross_validation': 3}
  kept, embeddings = trained(ROWS, **fields)
  ingredients = embeddings.ingredients
  rows = ingredients.splits.labelled[ROWS]
  train = ingredients.splits.train
  fold_of = data.draw_folds(train.labels[rows], 3, seed=(0, 7, 0))

  def fit(rate, rows, validation, course=None, steps=None):
    config = some_config(**{'optimizer.learning_rate': rate})
    (plan,) = labelled_plans.plans(config, 'fine_tune', ingredients).values()
    mesh = plan.recipe.mesh()
    return evaluation.Finetuner(
      plan.method,
      ingredients.forward(plan.method.model, mesh),
      plan.recipe,
      mesh=mesh,
      images=train.images,
      labels=train.labels,
      phases=plan.phases,
    )(
      rows,
      validation,
      seed=(0, 4, 0),
      encoder=embeddings.variables,
      log=course,
      steps=steps,
    )

  scores = {}
  for rate in RATES[1:]:
    for fold in range(3):
      course = evaluation.Course()
      apart = train.take(rows[fold_of == fold])
      fit(rate, rows[fold_of != fold], apart, course)
      for look in course.looks:
        key = rate, look['step']
        scores.setdefault(key, []).append((look['top1'], -look['nll']))
  means = {key: np.mean(values, axis=0) for key, values in scores.items()}
  rate, step = max(means, key=lambda key: tuple(np.float32(means[key])))
  (chosen,) = [look for look in embeddings.courses if look['chosen']]
  assert (chosen['learning_rate'], chosen['step']) == (rate, step)
  assert chosen['top1'] == pytest.approx(means[rate, step][0])
  state = fit(rate, rows, ingredients.splits.validation, steps=step)
  assert int(state.step) == step
  assert_same(kept, jax.device_get(state.variables))


def test_looks_are_in_the_results_of_a_run():
  embeddings = embeddings_of(learning_rates=RATES)
  config = embeddings.config
  config.evaluation.update(
    protocols=('fine_tune',), labels_per_class=(2,), draws=2
  )
  protocols.check(config, embeddings.ingredients)
  console = rich.console.Console(quiet=True)
  measuring.evaluate(config, embeddings, console)
  places = {
    (look['protocol'], look['labels'], look['draw'])
    for look in embeddings.courses
  }
  assert places == {('fine_tune', 20, 0), ('fine_tune', 20, 1)}


def test_of_looks_that_are_level_the_one_of_lowest_loss_is_best():
  looks = [
    {'top1': 0.5, 'nll': 1.0},
    {'top1': 0.7, 'nll': 3.0},
    {'top1': 0.7, 'nll': 2.0},
    {'top1': 0.7, 'nll': 2.0},
  ]
  assert evaluation.best_of(looks, ['top1']) == 2
  assert evaluation.best_of(looks, ['nll']) == 0
  unknown = {'top1': float('nan'), 'nll': 0.1}
  assert evaluation.best_of([*looks, unknown], ['top1']) == 2
  # Ranks 1 and 4, 3 and 1, 3 and 2.5, 3 and 2.5.
  assert evaluation.best_of(looks, ['top1', 'nll']) == 2


def test_a_course_has_the_mean_loss_of_the_steps_since_the_last_look():
  course = evaluation.Course()
  for step in range(1, 5):
    course.write(step, 'train', {'loss': float(step), 'grad_norm': 1.0})
    if step % 2 == 0:
      course.write(step, 'validation', {'classifier_top1': step / 10})
  assert course.looks == [
    {'step': 2, 'train_loss': 1.5, 'top1': 0.2},
    {'step': 4, 'train_loss': 3.5, 'top1': 0.4},
  ]


@pytest.mark.parametrize('folds', [2, 5])
def test_folds_have_the_classes_in_proportion(folds):
  labels = np.repeat([0, 1, 2], [50, 31, 9])
  fold_of = data.draw_folds(labels, folds, seed=(1,))
  counts = np.zeros((folds, 3), int)
  np.add.at(counts, (fold_of, labels), 1)
  assert (np.ptp(counts, axis=0) <= 1).all()
  assert np.ptp(counts.sum(axis=1)) <= 1
  again = data.draw_folds(labels, folds, seed=(1,))
  np.testing.assert_array_equal(fold_of, again)
  assert (data.draw_folds(labels, folds, seed=(2,)) != fold_of).any()


def test_a_group_is_in_one_fold():
  labels = np.tile([0, 0, 1], 20)
  groups = np.repeat(np.arange(20), 3)
  groups[-6:] = -1
  fold_of = data.draw_folds(labels, 4, seed=(0,), groups=groups)
  for group in range(18):
    assert len(set(fold_of[groups == group])) == 1
  assert (np.bincount(fold_of, minlength=4) >= 9).all()


def test_too_many_folds_are_refused():
  with pytest.raises(InputError, match='7 folds are too many for 6 labelled'):
    data.draw_folds(np.zeros(6, int), 7, seed=(0,))
  groups = np.repeat([0, 1], 3)
  with pytest.raises(InputError, match=r'too many .* in 2 groups'):
    data.draw_folds(np.zeros(6, int), 3, seed=(0,), groups=groups)


def test_a_run_shows_every_rate(tmp_path):
  config = untrained.get_config()
  config.model.name = 'pixels'
  config.evaluation.update(
    protocols=('frozen',), labels_per_class=(2, 5), draws=1
  )
  config.evaluation.fine_tune.update(learning_rates=(0.1, 0.01), every=5)
  config.evaluation.fine_tune.schedule.steps = 10
  console = rich.console.Console(quiet=True)
  run = {'console': console, 'command': '', 'started': 0.0}
  experiments.run(config, tmp_path / 'run', **run)
  results = json.loads((tmp_path / 'run' / 'results.json').read_text())
  looks = results['tables']['courses']
  assert [look['labels'] for look in looks] == [20] * 4 + [50] * 4
  assert (tmp_path / 'run' / 'figures' / 'learning_rates.png').exists()
  assert (
    'Trainings on 50 labelled' in (tmp_path / 'run/report.html').read_text()
  )
