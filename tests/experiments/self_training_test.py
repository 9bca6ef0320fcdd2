"""A teacher labels, a student trains again; and what is never trained."""

import json

import numpy as np
import pytest
import rich.console

import semisup_jax
from configs import barlow_twins, fixmatch
from configs import self_training as recipe
from semisup_jax import command_line, experiments, training
from semisup_jax.experiments import (
  audit,
  ingredients,
  self_training,
  snapshots,
)
from semisup_jax.types import InputError

FAST = (
  '--config.model.width=4',
  '--config.model.strides=2,2',
  '--config.schedule.steps=30',
  '--config.evaluation.every=10',
)
STUDENT = (
  '--config.self_training.threshold=0.2',
  '--config.self_training.student.schedule.steps=20',
  '--config.self_training.student.every=10',
)


@pytest.fixture(autouse=True)
def at_the_root(request, monkeypatch):
  monkeypatch.chdir(request.config.rootpath)


def launch(recipe, workdir, *more):
  return command_line.main(
    [f'--config=configs/{recipe}.py', f'--workdir={workdir}', *more]
  )


def results_in(workdir):
  return json.loads((workdir / 'results.json').read_text())


def test_teacher_and_student_are_tested_and_the_labels_audited(tmp_path):
  run = tmp_path / 'run'
  more = '--config.self_training.rounds=2'
  assert launch('self_training', run, *FAST, *STUDENT, more) == 0
  results = results_in(run)
  rows = {row['protocol']: row for row in results['rows']}
  assert set(rows) == {'teacher', 'student'}
  assert all(row['labels_per_class'] == 5 for row in rows.values())
  assert results['method'] == 'self_training'
  rounds = results['tables']['rounds']
  assert [r['round'] for r in rounds] == [1, 2]
  assert rounds[0]['teacher_top1'] == pytest.approx(rows['teacher']['mean'])
  (used,) = (r for r in results['tables']['pseudo_labels'] if r['used'])
  # Of the last round: those that are sure, of the images without a label.
  assert used['n'] == results['run']['counts']['unlabelled'] - 50
  assert used['kept'] == rounds[1]['pseudo_labels']
  assert used['precision'] == pytest.approx(rounds[1]['precision'])
  for number in (1, 2):
    log = training.read_metrics(run / f'student{number}')
    assert [r['step'] for r in log if r['split'] == 'train'] == [*range(1, 21)]
  reported = ingredients.gather(recipe.get_config()).reported
  classes = semisup_jax.load(run).classify(reported.images).argmax(-1)
  student = np.mean(classes == reported.labels)
  assert student == pytest.approx(rows['student']['mean'])
  head = json.loads((run / 'model.json').read_text())['head']
  assert (head['protocol'], head['labels']) == ('student', 50)
  names = {path.name for path in (run / 'figures').iterdir()}
  assert names >= {'pseudo_label_thresholds.png', 'reliability.png'}


def without_labels(*names):
  """The recipe, its teacher pre-trained by Barlow Twins and fine-tuned."""
  config = recipe.get_config()
  pretrained = barlow_twins.get_config()
  config.method = pretrained.method
  config.optimizer = pretrained.optimizer
  config.evaluation.protocols = names
  config.evaluation.labels_per_class = ('all',)
  config.data.mean, config.data.std = (0.3,), (0.4,)
  config.model.update(width=4, strides=(2, 2))
  config.batch_size = 64
  config.schedule.steps = 20
  config.evaluation.every = 10
  for section in (config.evaluation.fine_tune, config.self_training.student):
    section.schedule.steps, section.every = 20, 10
  config.self_training.threshold = 0.2
  return config


def run(config, folder):
  console = rich.console.Console(quiet=True)
  return experiments.run(
    config, folder, console=console, command='', started=0.0, pages=False
  )


def test_a_teacher_that_learned_without_labels_is_fine_tuned_first(tmp_path):
  config = without_labels('linear_probe', 'knn')
  config.evaluation.snapshots = 2
  results = run(config, tmp_path / 'run')
  protocols = [row['protocol'] for row in results['rows']]
  assert protocols == ['linear_probe', 'knn', 'teacher', 'student']
  (round_,) = results['tables']['rounds']
  means = {row['protocol']: row['mean'] for row in results['rows']}
  assert round_['teacher_top1'] == pytest.approx(means['teacher'])
  assert round_['pseudo_labels'] > 0
  recall = results['tables']['per_class_recall']
  assert {row['protocol'] for row in recall} == set(protocols)
  assert [row['protocol'] for row in recall if row['shown']] == (
    ['linear_probe'] * 10
  )
  assert [s.step for s in snapshots.read(tmp_path / 'run')] == [10, 20]


def test_the_teacher_is_what_fine_tuning_gives(tmp_path):
  config = without_labels()
  taught = run(config, tmp_path / 'taught')
  del config.self_training
  config.experiment = 'pretrain'
  config.evaluation.protocols = ('fine_tune',)
  config.evaluation.protocols_for_all = ('fine_tune',)
  tuned = run(config, tmp_path / 'tuned')
  teacher = [r for r in taught['rows'] if r['protocol'] == 'teacher']
  assert teacher[0]['values'] == tuned['rows'][0]['values']


def test_a_pre_trained_teacher_refuses_to_train_besides(tmp_path):
  with pytest.raises(InputError, match='leave fine_tune out of'):
    run(without_labels('fine_tune'), tmp_path / 'run')
  config = without_labels()
  config.evaluation.fine_tune.label_smoothing = 2.0
  with pytest.raises(InputError, match=r'in evaluation\.fine_tune: '):
    run(config, tmp_path / 'run')


def test_a_student_that_starts_from_its_teacher_knows_what_it_knew(tmp_path):
  top1 = {}
  for start in ('scratch', 'teacher'):
    more = (
      f'--config.self_training.start={start}',
      '--config.self_training.student.schedule.steps=1',
      '--config.self_training.student.optimizer.learning_rate=1e-6',
      '--config.schedule.steps=60',
      '--config.data.labels_per_class=20',
    )
    assert (
      launch('self_training', tmp_path / start, *FAST, *STUDENT, *more) == 0
    )
    rows = {r['protocol']: r for r in results_in(tmp_path / start)['rows']}
    top1[start] = rows['student']['mean']
    taught = rows['teacher']['mean']
  # One tiny step leaves a student where it began.
  assert top1['teacher'] == pytest.approx(taught, abs=0.1)
  assert top1['scratch'] < taught - 0.2


def test_labelled_images_keep_their_true_labels():
  gathered = ingredients.gather(recipe.get_config())
  splits = gathered.splits
  truth = splits.train.labels

  def says_three(variables, images, rows):
    logits = np.zeros((len(rows), 10), np.float32)
    logits[:, 3] = 9
    return logits

  labels, kept, tables = self_training._labelled(
    gathered, says_three, None, 0.5
  )
  unlabelled = np.setdiff1d(splits.unlabelled, splits.labelled)
  np.testing.assert_array_equal(kept, unlabelled)
  assert (labels[unlabelled] == 3).all()
  np.testing.assert_array_equal(labels[splits.labelled], truth[splits.labelled])
  (used,) = (r for r in tables['pseudo_labels'] if r['used'])
  assert used['precision'] == pytest.approx(np.mean(truth[unlabelled] == 3))


@pytest.mark.parametrize(
  ('more', 'message'),
  [
    ('--config.self_training.rounds=0', 'rounds must be at least 1, got 0'),
    ('--config.self_training.threshold=2.0', r'must be in [0, 1], got 2.0'),
    ('--config.self_training.start=zero', "'scratch' or 'teacher', got 'zero'"),
    ('--config.evaluation.protocols=knn', 'is tested itself, as the teacher'),
    ('--config.evaluation.snapshots=2', 'learns no classifier'),
    ('--config.evaluation.online_probe=True', 'a classifier of its own'),
  ],
)
def test_what_cannot_be_is_refused(tmp_path, capsys, more, message):
  assert launch('self_training', tmp_path / 'run', more) == 2
  assert message in capsys.readouterr().err
  assert not (tmp_path / 'run').exists()


def test_an_audit_is_of_images_without_labels_whose_truth_is_known():
  gathered = ingredients.gather(fixmatch.get_config())
  splits = gathered.splits
  labels = splits.train.labels.copy()
  rows = np.setdiff1d(splits.unlabelled, splits.labelled)
  labels[rows[:100]] = -1
  gathered = gathered.with_labels(labels, splits.labelled)
  seen = []

  def right(images, which):
    seen.append(images[which])
    logits = np.zeros((len(which), 10), np.float32)
    logits[np.arange(len(which)), labels[which]] = 20
    return logits

  tables = audit.of_classifier(gathered, right, threshold=0.95)
  np.testing.assert_array_equal(seen[0], splits.train.images[rows[100:]])
  assert {row['precision'] for row in tables['pseudo_labels']} == {1.0}
  assert tables['pseudo_labels_ece'] < 1e-3


def test_fixmatch_runs_to_its_page_and_audits_itself(tmp_path):
  run = tmp_path / 'run'
  more = ('--config.batch_size=8', '--config.schedule.steps=12')
  assert launch('fixmatch', run, *FAST, *more) == 0
  results = results_in(run)
  (row,) = results['rows']
  assert (row['protocol'], row['labels_per_class']) == ('fixmatch', 5)
  assert 'classifier_top1' in training.read_metrics(run)[-1]
  assert results['tables']['pseudo_labels']
  assert 'Pseudo-labels' in (run / 'report.html').read_text()


@pytest.mark.parametrize('name', ['convnet', 'pixels'])
def test_floors_are_probed_and_trained_by_nothing(tmp_path, name):
  run = tmp_path / 'run'
  more = (
    f'--config.model.name={name}',
    '--config.evaluation.labels_per_class=5,',
    '--config.evaluation.draws=2',
  )
  assert launch('untrained', run, *more) == 0
  results = results_in(run)
  method = {'convnet': 'random_encoder', 'pixels': 'raw_pixels'}[name]
  assert results['method'] == method
  assert {row['protocol'] for row in results['rows']} == {'linear_probe', 'knn'}
  assert not (run / 'metrics.jsonl').exists()
  assert (run / 'report.html').exists()


def test_an_online_probe_and_the_spread_of_embeddings_are_logged(tmp_path):
  run = tmp_path / 'run'
  more = (
    '--config.batch_size=32',
    '--config.schedule.warmup=2',
    '--config.evaluation.online_probe=True',
    '--config.evaluation.protocols=knn',
  )
  assert launch('barlow_twins', run, *FAST, *more) == 0
  last = training.read_metrics(run)[-1]
  assert last['online_probe_top1'] > 0.3
  assert 1 <= last['embedding_rank'] <= 8
  assert 0 < last['projection_std'] <= 1
  first, second = results_in(run)['tables']['representation']
  assert first['rank'] == last['embedding_rank']
  assert second['std'] == last['projection_std']
