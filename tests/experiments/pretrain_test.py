"""The main job in seconds: pretrain -> checkpoint -> evaluate -> report."""

import fcntl
import html.parser
import json
import os
import shutil
import signal
import sys

import matplotlib
import numpy as np
import pytest
import rich.console

import semisup_jax
from configs import evaluate, simclr, supervised
from semisup_jax import command_line, data, experiments, training

FAST = (
  '--config.batch_size=32',
  '--config.model.width=4',
  '--config.model.strides=2,2',
  '--config.schedule.steps=12',
  '--config.schedule.warmup=2',
  '--config.checkpoint.every=5',
  '--config.evaluation.every=6',
  '--config.evaluation.labels_per_class=1,3,all',
  '--config.evaluation.draws=2',
  '--config.evaluation.fine_tune.schedule.steps=4',
  '--config.evaluation.fine_tune.schedule.warmup=0',
  '--config.evaluation.fine_tune.every=2',
  '--config.evaluation.supervised.schedule.steps=4',
  '--config.evaluation.supervised.schedule.warmup=0',
  '--config.evaluation.supervised.every=2',
)


def launch(workdir, *more, recipe='configs/simclr.py', fast=FAST):
  return command_line.main(
    [f'--config={recipe}', f'--workdir={workdir}', *fast, *more]
  )


@pytest.fixture(scope='module')
def root(request):
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(request.config.rootpath)
    patch.syspath_prepend(request.config.rootpath)
    yield request.config.rootpath


@pytest.fixture(scope='module')
def workdir(root, tmp_path_factory):
  path = tmp_path_factory.mktemp('runs') / 'simclr'
  assert launch(path) == 0
  return path


def results_in(workdir):
  return json.loads((workdir / 'results.json').read_text())


def test_results_have_a_row_for_every_protocol_and_number_of_labels(workdir):
  results = results_in(workdir)
  rows = {(r['protocol'], r['labels_per_class']): r for r in results['rows']}
  protocols = ('linear_probe', 'knn', 'fine_tune', 'supervised')
  expected = {(p, k) for p in protocols for k in (1, 3)}
  expected |= {('linear_probe', 'all'), ('knn', 'all')}
  assert set(rows) == expected
  for (_, k), row in rows.items():
    assert row['metric'] == 'top1'
    assert row['n'] == len(row['values']) == (1 if k == 'all' else 2)
    assert row['mean'] == pytest.approx(np.mean(row['values']))
    if k != 'all':
      assert row['std'] == pytest.approx(np.std(row['values'], ddof=1))
  # Twelve steps are enough to be better than chance with all labels.
  assert rows['linear_probe', 'all']['mean'] > 0.3
  assert results['split'] == 'test'
  assert results['method'] == 'simclr'
  assert results['run']['counts']['test'] == 449


def test_a_run_leaves_what_the_documentation_names(workdir):
  left = {path.name for path in workdir.iterdir()}
  assert left >= {
    'checkpoints',
    'config.json',
    'figures',
    'metrics.jsonl',
    'model.json',
    'model.npz',
    'report.html',
    'results.json',
  }
  assert (workdir / 'checkpoints' / '12').is_dir()
  config = json.loads((workdir / 'config.json').read_text())
  assert config['config']['batch_size'] == 32
  assert config['versions'].keys() >= {'jax', 'flax', 'python'}
  rows = training.read_metrics(workdir)
  train = [r for r in rows if r['split'] == 'train']
  assert [r['step'] for r in train] == list(range(1, 13))
  assert {'loss', 'grad_norm', 'learning_rate'} <= train[0].keys()
  looked = [r for r in rows if r['split'] == 'validation']
  assert [r['step'] for r in looked] == [6, 12]
  assert 0 <= looked[-1]['knn_top1'] <= 1
  figures = {path.name for path in (workdir / 'figures').iterdir()}
  assert figures >= {
    'confusion.png',
    'embeddings.png',
    'label_efficiency.png',
    'training_curves.png',
    'views_grid.png',
  }
  assert all(
    p.stat().st_size < 300_000 for p in (workdir / 'figures').iterdir()
  )


def images_of(config):
  """The reported part of a recipe."""
  gathered, _ = experiments.prepare(config)
  return gathered.reported


def accuracy(workdir, reported):
  """Of the classifier that a run has left, on the images it was reported on."""
  classify = semisup_jax.load(workdir).classify
  return np.mean(classify(reported.images).argmax(-1) == reported.labels)


def test_the_model_that_a_run_leaves_classifies_as_was_reported(workdir):
  rows = {
    (r['protocol'], r['labels_per_class']): r
    for r in results_in(workdir)['rows']
  }
  reported = images_of(simclr.get_config())
  expected = rows['linear_probe', 'all']['mean']
  assert accuracy(workdir, reported) == pytest.approx(expected)
  head = json.loads((workdir / 'model.json').read_text())['head']
  assert (head['protocol'], head['labels_per_class']) == ('linear_probe', 'all')
  assert (head['labels'], head['validation_images']) == (1078, 270)


def test_the_encoder_of_a_run_evaluates_to_the_runs_own_numbers(
  workdir, tmp_path
):
  config = evaluate.get_config()
  config.run = str(workdir)
  config.evaluation.protocols = ('linear_probe',)
  config.evaluation.labels_per_class = (3, 'all')
  found = experiments.run(
    config,
    tmp_path / 'run',
    console=rich.console.Console(quiet=True),
    command='',
    started=0.0,
    pages=False,
  )
  assert found['method'] == 'simclr'
  own = [
    row
    for row in results_in(workdir)['rows']
    if row['protocol'] == 'linear_probe' and row['labels_per_class'] != 1
  ]
  assert found['rows'] == own


def test_the_notebook_runs_on_what_is_left(
  root, workdir, tmp_path, monkeypatch, capsys
):
  notebook = json.loads((root / 'docs/use_the_encoder.ipynb').read_text())
  assert notebook['nbformat'] == 4
  matplotlib.use('Agg')
  (tmp_path / 'docs').mkdir()
  (tmp_path / 'runs').symlink_to(workdir.parent)
  monkeypatch.chdir(tmp_path / 'docs')
  names = {}
  for cell in notebook['cells']:
    if cell['cell_type'] == 'code':
      assert not cell['outputs']
      exec(''.join(cell['source']), names)
  names['plt'].close('all')
  assert names['embeddings'].shape == (1797, 8)
  assert names['nearest'][0] == 17
  score = names['classifier'].score
  assert score(names['embeddings'], names['digits'].target) > 0.3
  np.testing.assert_allclose(names['probabilities'].sum(1), 1, rtol=1e-5)
  assert len(capsys.readouterr().out.splitlines()) == 5


class Links(html.parser.HTMLParser):
  def __init__(self):
    super().__init__()
    self.sources = []

  def handle_starttag(self, tag, attrs):
    self.sources += [v for k, v in attrs if k in ('src', 'srcset')]


def test_the_report_needs_no_other_file(workdir):
  page = Links()
  page.feed((workdir / 'report.html').read_text())
  assert len(page.sources) >= 5
  assert all(source.startswith('data:') for source in page.sources)


def test_the_same_command_again_shows_the_results_and_trains_nothing(
  workdir, capsys
):
  before = (workdir / 'results.json').read_bytes()
  assert launch(workdir) == 0
  assert 'is finished' in capsys.readouterr().out
  assert (workdir / 'results.json').read_bytes() == before


def test_another_config_in_the_same_workdir_is_refused_by_name(workdir, capsys):
  assert launch(workdir, '--config.seed=7') == 2
  error = capsys.readouterr().err
  assert 'seed is 0 there, 7 here' in error
  assert error.count('\n') == 1


def test_a_folder_that_holds_something_else_is_not_touched(
  root, tmp_path, capsys
):
  (tmp_path / 'thesis.tex').write_text('years of work')
  assert launch(tmp_path) == 2
  assert 'holds no run of ours' in capsys.readouterr().err
  assert [p.name for p in tmp_path.iterdir()] == ['thesis.tex']


# The same training, and little evaluation after it.
QUICK = (
  *FAST,
  '--config.evaluation.protocols=knn',
  '--config.evaluation.labels_per_class=3',
)


@pytest.fixture(scope='module')
def quick(root, tmp_path_factory):
  """A run that nobody disturbed."""
  path = tmp_path_factory.mktemp('quick') / 'run'
  assert launch(path, fast=QUICK) == 0
  return path


def signal_at(monkeypatch, step, signum):
  """Lets a signal arrive while the batch of a step is drawn."""
  draw = data.ResidentStream.batch

  def batch(self, at):
    if at == step:
      os.kill(os.getpid(), signum)
    return draw(self, at)

  monkeypatch.setattr(data.ResidentStream, 'batch', batch)


@pytest.mark.parametrize(
  ('signum', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_end(
  quick, tmp_path, monkeypatch, capsys, signum, status
):
  path = tmp_path / 'run'
  with monkeypatch.context() as patch:
    signal_at(patch, 6, signum)
    assert launch(path, fast=QUICK) == status
  error = capsys.readouterr().err
  assert 'the state after step 7 is saved, and the same command' in error
  assert error.count('\n') == 1
  assert not (path / 'results.json').exists()
  assert launch(path, fast=QUICK) == 0
  assert 'going on from step 7' in capsys.readouterr().out
  whole, resumed = results_in(quick), results_in(path)
  assert whole['rows'] == resumed['rows']
  assert training.read_metrics(quick) == training.read_metrics(path)
  assert digest(quick) == digest(path)


def digest(workdir):
  return (workdir / 'checkpoints' / '12' / 'digest' / 'metadata').read_text()


def test_the_same_command_twice_gives_the_same_bits(quick, tmp_path):
  assert launch(tmp_path / 'run', fast=QUICK) == 0
  assert digest(quick) == digest(tmp_path / 'run')
  assert results_in(quick)['rows'] == results_in(tmp_path / 'run')['rows']


def test_a_damaged_checkpoint_is_said_and_what_it_costs(
  quick, tmp_path, capsys
):
  path = tmp_path / 'run'
  shutil.copytree(quick, path)
  for name in ('results.json', 'report.html'):
    (path / name).unlink()
  (path / 'checkpoints/12/state/manifest.ocdbt').write_bytes(b'')
  assert launch(path, fast=QUICK) == 0
  said = capsys.readouterr().out
  assert 'the checkpoint of step 12 is damaged' in said
  assert 'the steps 11 to 12 are done again' in said
  assert 'going on from step 10' in said
  assert digest(quick) == digest(path)
  assert results_in(quick)['rows'] == results_in(path)['rows']


def test_a_fork_trains_on_with_another_config(quick, tmp_path, capsys):
  path = tmp_path / 'fork'
  more = ('--config.schedule.steps=14', f'--fork={quick}')
  assert launch(path, *more, fast=QUICK) == 0
  assert 'going on from step 12' in capsys.readouterr().out
  steps = [r['step'] for r in training.read_metrics(path) if 'loss' in r]
  assert steps == list(range(1, 15))
  notes = ' '.join(results_in(path)['notes'])
  assert f'forked from {quick}' in notes
  assert (quick / 'checkpoints' / '12').exists()


def test_a_fork_that_does_not_fit_is_one_line_and_leaves_nothing(
  quick, tmp_path, capsys
):
  path = tmp_path / 'fork'
  status = launch(path, '--config.model.width=8', f'--fork={quick}', fast=QUICK)
  error = capsys.readouterr().err
  assert status == 2
  assert error.count('\n') == 1
  assert 'is float32 [' in error
  assert '] there, float32 [' in error
  assert not path.exists()


def test_two_runs_in_one_workdir_are_refused(root, tmp_path, capsys):
  path = tmp_path / 'run'
  path.mkdir()
  with (path / '.lock').open('w') as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    assert launch(path) == 2
  error = capsys.readouterr().err
  assert 'is in use by another run' in error
  assert {p.name for p in path.iterdir()} == {'.lock'}


def test_a_loss_that_is_not_finite_is_one_line_and_status_1(
  root, tmp_path, capsys
):
  status = launch(
    tmp_path / 'run',
    '--config.optimizer.name=sgd',
    '--config.optimizer.learning_rate=1e30',
  )
  error = capsys.readouterr().err
  assert status == 1
  assert error.count('\n') == 1
  assert 'at step' in error
  assert not (tmp_path / 'run' / 'results.json').exists()


def test_labels_alone_keep_the_model_that_is_best_on_validation(root, tmp_path):
  # The recipe's own numbers of labels stay: it has no protocol to use them.
  fast = [a for a in FAST if 'labels_per_class' not in a]
  status = launch(
    tmp_path / 'run',
    '--config.data.labels_per_class=3',
    recipe='configs/supervised.py',
    fast=fast,
  )
  assert status == 0
  results = results_in(tmp_path / 'run')
  (row,) = results['rows']
  assert (row['protocol'], row['labels_per_class']) == ('supervised', 3)
  assert (row['n'], row['std']) == (1, None)
  assert row['low'] <= row['mean'] <= row['high']
  assert row['interval'] == 'bootstrap over test images'
  looked = [
    r['classifier_top1']
    for r in training.read_metrics(tmp_path / 'run')
    if r['split'] == 'validation'
  ]
  assert len(looked) == 2
  head = json.loads((tmp_path / 'run' / 'model.json').read_text())['head']
  assert (head['protocol'], head['labels_per_class']) == ('supervised', 3)
  reported = images_of(supervised.get_config())
  assert accuracy(tmp_path / 'run', reported) == pytest.approx(row['mean'])


def test_an_npz_file_of_colour_images_runs_where_tfds_is_missing(
  root, tmp_path, monkeypatch
):
  monkeypatch.setitem(sys.modules, 'tensorflow_datasets', None)
  random = np.random.default_rng(0)
  labels = np.arange(60) % 2
  images = (
    random.integers(0, 100, (60, 12, 12, 3)) + 100 * labels[:, None, None, None]
  )
  np.savez(
    tmp_path / 'x.npz',
    train_images=images.astype(np.uint8),
    train_labels=labels,
  )
  status = launch(
    tmp_path / 'run',
    f'--config.data.path={tmp_path / "x.npz"}',
    '--config.batch_size=16',
    '--config.schedule.epochs=None',
    '--config.evaluation.protocols=linear_probe',
    '--config.data.image_size=None',
    recipe='configs/simclr.py:npz',
  )
  assert status == 0
  assert results_in(tmp_path / 'run')['rows'][0]['mean'] > 0.9
