"""The study of labels alone, Barlow Twins and pseudo-labels: its page."""

import collections

import numpy as np
import pytest
from rich.console import Console

from configs.studies import stl10 as recipe
from semisup_jax import studies
from semisup_jax.experiments import ingredients, snapshots
from semisup_jax.studies import stl10
from semisup_jax.studies.stl10 import findings, tables
from semisup_jax.studies.stl10.measured import (
  FINE_TUNED,
  PSEUDO_LABELS,
  SUPERVISED,
  Measured,
)

LEVELS = {
  'supervised': {'supervised': 0.5},
  'longer': {'supervised': 0.52},
  'fixmatch': {'fixmatch': 0.6},
  'barlow_twins': {
    'linear_probe': 0.4,
    'knn': 0.35,
    'teacher': 0.58,
    'student': 0.6,
  },
}


def result(protocol, value):
  return {
    'protocol': protocol,
    'labels_per_class': 'all',
    'metric': 'top1',
    'mean': value,
  }


def point(arm, labels, ratio, seed, values):
  factors = {'arm': arm, 'labels': labels, 'ratio': ratio, 'seed': seed}
  others = [
    {**result(protocol, value - 0.01), 'metric': metric}
    for protocol, value in values.items()
    for metric in ('macro_f1', 'weighted_f1')
  ]
  audit = [
    {
      'threshold': threshold,
      'kept': kept + seed,
      'n': 100,
      'yield': (kept + seed) / 100,
      'precision': right,
      'used': threshold == 0.99,
    }
    for threshold, kept, right in ((0.9, 60, 0.8), (0.99, 20, 0.9 + seed / 100))
  ]
  by_class = [
    {'class': name, 'n': 50, 'predicted': count, 'precision': 0.9}
    for name, count in (('cat', 2), ('ship', 18))
  ]
  labelled = arm not in ('supervised', 'longer')
  return {
    'point': '-'.join(map(str, factors.values())),
    'factors': factors,
    'method': arm,
    'seconds': 30.0,
    'hardware': 'abacus',
    'rows': [result(*pair) for pair in values.items()],
    'tables': {
      'metrics': others,
      'per_class_recall': [
        {'protocol': protocol, 'class': name, 'recall': value + 0.1 * sign}
        for protocol, value in values.items()
        for name, sign in (('cat', -1), ('ship', 1))
      ],
      **({'pseudo_labels': audit} if labelled else {}),
      **({'pseudo_labels_by_class': by_class} if labelled else {}),
    },
  }


def made(seeds=3):
  rows = []
  for seed in range(seeds):
    shift = 0.01 * seed
    for arm, values in LEVELS.items():
      ratio = 0.0 if arm in ('supervised', 'longer') else 4.0
      shifted = {name: value + shift for name, value in values.items()}
      rows.append(point(arm, 1000, ratio, seed, shifted))
    for ratio, gain in ((1.0, 0.0), (4.0, 0.05)):
      shake = 0.002 * (seed - 1)
      values = {'teacher': 0.5 + shift, 'student': 0.5 + gain + shift + shake}
      rows.append(point('pseudo_labels', 1000, ratio, seed, values))
    rows.append(point('supervised', 400, 0.0, seed, {'supervised': 0.4}))
    values = {'teacher': 0.4, 'student': 0.41 + 0.001 * seed}
    rows.append(point('pseudo_labels', 400, 10.0, seed, values))
  return rows


@pytest.fixture(scope='module')
def measured():
  return Measured(made())


def test_gains_are_paired_with_labels_alone(measured):
  gap = measured.difference(PSEUDO_LABELS, SUPERVISED, 1000, 4.0)
  assert gap['mean'] == pytest.approx(0.05)
  np.testing.assert_allclose(gap['values'], [0.048, 0.05, 0.052])
  few = measured.difference(PSEUDO_LABELS, SUPERVISED, 400)
  assert few['mean'] == pytest.approx(0.011)
  assert measured.difference(FINE_TUNED, SUPERVISED, 400) is None


def test_sentences_say_what_the_numbers_say(measured):
  text = '\n'.join(findings.sentences(measured, comparable=True))
  assert (
    'Pseudo-labelling 4,000 unlabelled images beats labels alone with 1,000 '
    'labels by 5.0 points (95 % interval 4.5 to 5.5, n = 3 seeds).' in text
  )
  assert (
    'Pseudo-labelling 1,000 unlabelled images is not distinguishable from '
    'labels alone with 1,000 labels' in text
  )
  assert (
    'Of 100 unlabelled images 21.0 % are labelled at the threshold 0.99, and '
    '91.0 % of these rightly (published: 21,529 of 50,000, 43.1 %' in text
  )
  assert 'The class cat gets the fewest pseudo-labels, 2 of 20' in text
  assert 'its recall is 41.0 % before and 46.0 % after' in text
  assert 'FixMatch beats labels alone with 1,000 labels by 10.0' in text
  comparable = '\n'.join(findings.sentences(measured, comparable=False))
  assert 'published' not in comparable


def test_the_published_numbers_stand_beside_and_are_bounded(measured):
  main = tables.accuracy(measured, comparable=True)
  assert '| Labels alone | 51.0 ± 1.0 | 50.0 ± 1.0 |' in main
  assert '59.20 | 71.42 |' in main
  assert 'published' not in tables.accuracy(measured, comparable=False)
  bound = tables.f1_bound(measured)
  assert '| Labels alone | 59.20 | 71.42 | 68.66 | impossible |' in bound
  assert '| 37.21 | 39.55 | 50.81 | possible |' in bound


def test_the_sweep_begins_with_labels_alone(measured):
  text = tables.by_ratio(measured, comparable=True)
  assert '| unlabelled images | 0 | 1,000 | 4,000 |' in text
  assert '| labels are right, % |  | 91.0 ± 1.0 | 91.0 ± 1.0 |' in text
  assert '| published, 5,000 labels | 59.20 | 61.33 |  |' in text
  assert '| unlabelled images | 0 | 4,000 |' in text
  assert text.count('published') == 1


def test_other_thresholds_and_classes_are_told(measured):
  text = tables.pseudo_labels(measured)
  assert '| labels alone | 0.99 (used) | 21 | 21.0 ± 1.0 | 91.0 ± 1.0 |' in text
  assert '| labels alone | 0.9 | 61 |' in text
  assert '| cat | 2 | 90.0 ± 0.0 |' in text
  assert '| ship | 61.0 ± 1.0 |' in tables.recall(measured)


@pytest.mark.parametrize(
  ('variant', 'folds', 'labels', 'per_class', 'total'),
  [
    ('folder', 'folds.txt', 1000, 'all', None),
    ('folder', None, 1000, None, 1000),
    ('stl10', None, 5000, 'all', None),
    ('stl10', None, 1000, None, 1000),
    ('stl10', 'folds.txt', 1000, 'all', None),
    ('digits', None, 50, None, 50),
  ],
)
def test_all_labels_are_drawn_only_where_they_are_as_many_as_asked_for(
  variant, folds, labels, per_class, total
):
  config = recipe.get_config(variant)
  config.data.folds, config.labels = folds, labels
  _, point = next(recipe.sweep(config))
  drawn = point.data.labels_per_class, point.data.labels_total
  assert drawn == (per_class, total)


def test_the_page_has_every_section_and_figure(tmp_path):
  rows = made()
  config = recipe.get_config('folder')
  config.data.folds = 'folds.txt'
  _snapshots_of(rows, tmp_path)
  console = Console(quiet=True)
  stl10.write_page(config, rows, tmp_path, console)
  page = (tmp_path / 'page.md').read_text()
  assert [line for line in page.splitlines() if line.startswith('#')] == [
    '# Labels alone, Barlow Twins and pseudo-labels: folder',
    '## What was found',
    '## With 1,000 labels',
    '## Can an F1 of 71.42 % be that of an accuracy of 59.2 %?',
    '## Unlabelled images for each labelled one',
    '## The pseudo-labels',
    '## Recall by class, %',
    '## While Barlow Twins learns',
  ]
  assert 'from 300.0 at the first look to 200.0 at the last' in page
  drawn = {path.stem for path in (tmp_path / 'stl10').iterdir()}
  names = ('ratios', 'embeddings', 'motion', 'correlation', 'loss')
  assert drawn == {f'{n}-{theme}' for n in names for theme in ('light', 'dark')}
  for path in (tmp_path / 'stl10').iterdir():
    assert f'stl10/{path.name}' in page


def _snapshots_of(rows, workdir):
  random = np.random.default_rng(0)
  for row in rows:
    if row['factors']['arm'] != 'barlow_twins':
      continue
    folder = workdir / 'points' / row['point']
    folder.mkdir(parents=True)
    for step in (10, 20):
      snapshots._write(
        folder,
        snapshots.Snapshot(
          step,
          random.normal(size=(30, 4)).astype(np.float32),
          np.arange(30, dtype=np.int32) % 2,
          ['cat', 'ship'],
          np.eye(4, dtype=np.float32),
        ),
      )
    lines = [
      f'{{"step": {step}, "split": "{split}", "{name}": {loss}}}\n'
      for step, loss in ((10, 300.0), (20, 200.0))
      for split, name in (('train', 'loss'), ('validation', 'held_out_loss'))
    ]
    (folder / 'metrics.jsonl').write_text(''.join(lines))


def test_one_seed_makes_a_page_without_intervals(tmp_path):
  rows = [row for row in made(1) if row['factors']['arm'] == 'supervised']
  config = recipe.get_config()
  studies.STUDIES['stl10'](config, rows, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert 'of one seed' in page
  assert '±' not in page.replace('mean ± standard deviation', '')


@pytest.mark.parametrize('variant', recipe.VARIANTS)
def test_every_arm_is_run_as_often_as_it_should_be(variant):
  config = recipe.get_config(variant)
  points = list(recipe.sweep(config))
  arms = collections.Counter(factors['arm'] for factors, _ in points)
  seeds = len(config.seeds)
  ratios = len(config.ratios) + len(config.few_ratios)
  assert arms == {
    'supervised': 2 * seeds,
    'longer': seeds,
    'pseudo_labels': ratios * seeds,
    'fixmatch': seeds,
    'barlow_twins': seeds,
  }
  for factors, point in points:
    steps = config.steps
    if factors['arm'] == 'longer':
      steps += config.pretraining_steps
    if factors['arm'] == 'barlow_twins':
      steps = config.pretraining_steps
      assert point.evaluation.fine_tune.schedule.steps == config.steps
    assert point.schedule.steps == steps
    if 'self_training' in point:
      student = point.self_training.student
      assert student.schedule.steps == config.steps
      assert student.optimizer.learning_rate == config.learning_rate
    assert point.model.name == 'resnet9'
    assert point.optimizer.name == 'adamw'
    assert point.optimizer.weight_decay == 0


def test_unlabelled_images_are_others_than_the_labelled_ones():
  config = recipe.get_config()
  for factors, point in recipe.sweep(config):
    splits = ingredients.gather(point).splits
    if factors['arm'] == 'pseudo_labels':
      assert splits.overlap == 0
      count = round(factors['ratio'] * factors['labels'])
      assert len(splits.unlabelled) == count
    if factors['arm'] != 'barlow_twins':
      assert len(splits.labelled) == factors['labels']


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'arms': ('supervised', 'magic')}, "unknown arms 'magic'"),
    ({'ratios': (0.0, 1.0)}, 'ratios must be positive'),
  ],
)
def test_what_cannot_be_is_refused(change, message):
  config = recipe.get_config()
  config.update(change)
  with pytest.raises(ValueError, match=message):
    list(recipe.sweep(config))
  with pytest.raises(ValueError, match="unknown variant 'x'"):
    recipe.get_config('x')
