"""A finished run's encoder, judged again: same data, same numbers."""

import json
import re
import shutil

import numpy as np
import pytest
import rich.console

from configs import evaluate as recipe
from configs import simclr, untrained
from semisup_jax import command_line, experiments
from semisup_jax.experiments import model_file, origin, report
from semisup_jax.types import InputError


def run(config, folder, *, pages=False):
  console = rich.console.Console(quiet=True)
  return experiments.run(
    config, folder, console=console, command='', started=0.0, pages=pages
  )


@pytest.fixture(scope='module')
def pixels(tmp_path_factory):
  """A finished run of raw pixels, and its results: nothing is trained."""
  config = untrained.get_config()
  config.model.name = 'pixels'
  config.seed = 3
  config.report_split = 'validation'
  config.evaluation.update(labels_per_class=(2, 'all'), draws=2)
  folder = tmp_path_factory.mktemp('runs') / 'pixels'
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, '_draw_all', lambda *_: None)
    return run(config, folder, pages=True), folder


def of(folder, variant='run', **changes):
  config = recipe.get_config(variant)
  config.run = str(folder)
  config.update_from_flattened_dict(changes)
  return config


def test_on_its_own_data_a_run_gets_its_own_numbers(pixels, tmp_path):
  results, folder = pixels
  again = run(of(folder), tmp_path / 'run')
  assert again['rows'] == results['rows']
  assert (again['method'], again['seed']) == ('raw_pixels', 3)
  assert again['split'] == 'validation'
  assert f'the run in {folder} (method: raw_pixels)' in again['notes'][-1]
  # The config is that which was used, so the same command goes on there.
  asked = json.loads((tmp_path / 'run' / 'config.json').read_text())['config']
  assert (asked['data']['name'], asked['model']['name']) == ('digits', 'pixels')
  assert run(of(folder), tmp_path / 'run') == json.loads(
    (tmp_path / 'run' / 'results.json').read_text()
  )
  with pytest.raises(InputError, match=r'evaluation\.draws is 2 there, 3 here'):
    run(of(folder, **{'evaluation.draws': 3}), tmp_path / 'run')


def test_images_of_other_data_are_normalized_by_the_run(
  pixels, tmp_path, monkeypatch
):
  results, folder = pixels
  labels = np.arange(60) % 3
  images = np.full((60, 8, 8), 200, np.uint8)
  images[:, 0] = 80 * labels[:, None]
  np.savez(tmp_path / 'x.npz', train_images=images, train_labels=labels)
  config = of(
    folder,
    'npz',
    **{
      'data.path': str(tmp_path / 'x.npz'),
      'data.image_size': 8,
      'evaluation.labels_per_class': ('all',),
    },
  )
  monkeypatch.setattr(report, '_draw_all', lambda *_: None)
  found = run(config, tmp_path / 'run', pages=True)
  assert {row['mean'] for row in found['rows']} == {1.0}
  assert found['run']['channel_mean'] == results['run']['channel_mean']
  assert found['seed'] == 0
  # It is a run itself, with a classifier of the other classes.
  saved = model_file.read(tmp_path / 'run')
  assert saved.class_names == ('0', '1', '2')
  assert saved.head.labels == found['run']['counts']['labelled']
  np.testing.assert_array_equal(saved.mean, model_file.read(folder).mean)
  assert 'the run in' in (tmp_path / 'run' / 'report.html').read_text()


def test_what_is_none_is_as_in_the_run_and_what_is_set_stays(pixels):
  _, folder = pixels
  config = of(
    folder, **{'evaluation.draws': 7, 'data.validation_fraction': 0.5}
  )
  resolved = origin.resolve(config)
  plain = untrained.get_config()
  assert resolved.evaluation.knn == plain.evaluation.knn
  assert resolved.evaluation.fine_tune == plain.evaluation.fine_tune
  assert resolved.evaluation.labels_per_class == (2, 'all')
  assert resolved.evaluation.draws == 7
  assert resolved.data.validation_fraction == 0.5
  assert resolved.seed == 3
  assert config.data.name is None
  assert origin.resolve(resolved) == resolved
  assert origin.resolve(plain) is plain


def test_of_fields_that_exclude_each_other_the_one_that_is_set_holds(pixels):
  config = of(pixels[1], **{'data.labels_total': 50})
  config.evaluation.fine_tune.schedule.epochs = 2.0
  resolved = origin.resolve(config)
  assert resolved.data.labels_total == 50
  assert resolved.data.labels_per_class is None
  fine_tune, plain = resolved.evaluation.fine_tune, untrained.get_config()
  assert (fine_tune.schedule.epochs, fine_tune.schedule.steps) == (2.0, None)
  assert fine_tune.optimizer == plain.evaluation.fine_tune.optimizer
  assert origin.resolve(resolved) == resolved


@pytest.mark.parametrize('variant', ['digits', 'npz'])
def test_with_a_variant_the_fields_are_those_of_other_recipes(variant):
  ours, theirs = recipe.get_config(variant), simclr.get_config(variant)
  for section in ('data', 'checkpoint'):
    assert ours[section] == theirs[section]
  assert set(ours.evaluation) == set(theirs.evaluation)


def test_without_a_variant_there_are_the_same_fields_and_all_are_none():
  ours, theirs = recipe.get_config(), simclr.get_config()
  for section in ('data', 'evaluation'):
    assert set(ours[section]) == set(theirs[section])
  assert set(ours.data.values()) == {None}


@pytest.fixture(scope='module')
def others(pixels, tmp_path_factory):
  """Runs that cannot be used, each in one way, and data of other shapes."""
  root = tmp_path_factory.mktemp('others')
  for name, missing in (
    ('pixels', 'report.html'),
    ('stopped', 'results.json'),
    ('old', 'model.npz'),
    ('cut', 'report.html'),
  ):
    shutil.copytree(pixels[1], root / name)
    (root / name / missing).unlink()
  (root / 'cut' / 'model.npz').write_bytes(b'PK')
  (root / 'else').mkdir()
  labels = np.arange(40) % 2
  for name, shape in (('wide', (8, 6)), ('colour', (8, 8, 3))):
    images = np.zeros((40, *shape), np.uint8)
    np.savez(root / f'{name}.npz', train_images=images, train_labels=labels)
  return root


NPZ = '--config=configs/evaluate.py:npz'
SIZE = '--config.data.image_size=None'


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      [],
      'run is not set; give the workdir of a finished run, as '
      '--config.run=runs/simclr',
    ),
    (
      [NPZ],
      'run is not set; give the workdir of a finished run, as '
      '--config.run=runs/simclr',
    ),
    (['--config.run={}/nowhere'], 'there is no folder {}/nowhere'),
    (['--config.run={}/else'], '{}/else holds no run of ours'),
    (
      ['--config.run={}/stopped'],
      'the run in {}/stopped is not finished; its command goes on with it',
    ),
    (
      ['--config.run={}/old'],
      '{}/old has no model.npz: points of studies leave none, nor did older '
      'versions; remove results.json and report.html there and give the '
      "run's command again",
    ),
    (
      ['--config.run={}/cut'],
      '{}/cut/model.npz cannot be used: it is no .npz file, or a part of one',
    ),
    (
      ['--config.run={}/pixels', '--config.data.image_size=16'],
      'images of data are [16, 16, 1], those of {}/pixels [8, 8, 1], [H, W, '
      'C]; set --config.data.image_size=8',
    ),
    (
      [NPZ, '--config.run={}/pixels', '--config.data.path={}/wide.npz', SIZE],
      'images of data are [8, 6, 1], those of {}/pixels [8, 8, 1], [H, W, '
      'C]; set --config.data.image_size=8',
    ),
    (
      [NPZ, '--config.run={}/pixels', '--config.data.path={}/colour.npz', SIZE],
      'images of data are [8, 8, 3], those of {}/pixels [8, 8, 1], [H, W, '
      'C]; channels cannot be changed',
    ),
    (
      [
        '--config.run={}/pixels',
        '--config.data.mean=(0.5,)',
        '--config.data.std=(0.5,)',
      ],
      'data.mean must be None, as images are normalized by that of {}/pixels, '
      '(0.3...,); got (0.5,)',
    ),
    (
      ['--config.run={}/pixels', '--config.evaluation.protocols=()'],
      'evaluation.protocols is empty: nothing would be done',
    ),
    (
      ['--config.run={}/pixels', '--config.model.width=8'],
      "unknown config field 'width'",
    ),
    (
      ['--config.run={}/pixels', '--config.seed=-1'],
      'seed must be in 0 to 2**32 - 1, got -1',
    ),
    (
      ['--config=configs/evaluate.py:mnist'],
      "unknown variant 'mnist'; known: cifar100, digits, folder, npz, "
      'published, stl10',
    ),
  ],
)
def test_what_cannot_be_is_one_line_status_2_and_nothing_written(
  others, tmp_path, capsys, monkeypatch, request, arguments, message
):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  if not any(a.startswith('--config=') for a in arguments):
    arguments = ['--config=configs/evaluate.py', *arguments]
  arguments = [argument.replace('{}', str(others)) for argument in arguments]
  workdir = tmp_path / 'run'
  assert command_line.main([*arguments, f'--workdir={workdir}']) == 2
  out, err = capsys.readouterr()
  pattern = re.escape(f'error: {message}\n'.replace('{}', str(others)))
  assert re.fullmatch(pattern.replace(re.escape('...'), '.*'), err)
  assert 'Traceback' not in out + err
  assert not workdir.exists()
