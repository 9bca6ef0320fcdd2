"""An encoder learns on one data set, and is judged on another."""

import json
import re

import jax
import numpy as np
import pytest
from rich.console import Console

from configs import autoencoder, simclr
from configs import transfer as recipe
from configs.data_sets import transfer as as_transfer
from semisup_jax import command_line, experiments, training
from semisup_jax.experiments import fitting, mixed_sheet
from semisup_jax.types import InputError


def tiny(**changes):
  config = recipe.get_config()
  config.model.update(width=4, strides=(2, 2))
  config.schedule.steps = 4
  config.batch_size = 8
  config.checkpoint.keep = 0
  config.report_split = 'validation'
  config.evaluation.protocols = ('linear_probe',)
  config.evaluation.labels_per_class = ('all',)
  config.transfer.labels_per_class = (1, 2)
  config.update_from_flattened_dict(changes)
  return config


def run(config, folder):
  return experiments.run(
    config,
    folder,
    console=Console(quiet=True),
    command='test',
    started=0.0,
    pages=False,
  )


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
  folder = tmp_path_factory.mktemp('transfer') / 'run'
  return run(tiny(**{'method.mixing': 'collage'}), folder), folder


def test_there_is_a_number_for_each_number_of_labels_of_the_source(finished):
  results, _ = finished
  names = [(r['protocol'], r['labels_per_class']) for r in results['rows']]
  assert names == [('linear_probe', 1), ('linear_probe', 2)]
  source = [r for r in results['tables']['source'] if r['metric'] == 'top1']
  assert [r['labels_per_class'] for r in source] == [1, 2]
  assert results['method'] == 'supervised'
  # Of the target, 5 of the 10 classes.
  assert results['run']['counts']['validation'] == 134
  assert 'learned from digits' in ' '.join(results['notes'])


def test_every_number_of_labels_has_as_many_updates(finished):
  _, folder = finished
  for k in (1, 2):
    log = training.read_metrics(folder / f'labels_per_class={k}')
    assert [row['step'] for row in log] == [1, 2, 3, 4]


def test_fewer_labels_are_a_subset_and_begin_with_the_same_variables(
  tmp_path, monkeypatch
):
  fit, learned, first = fitting.fit, [], []

  def seen(method, ingredients, *arguments, **more):
    splits = ingredients.splits
    learned.append(splits.labelled)
    step = more['train_step']

    def watched(state, batch):
      if not int(state.step):
        first.append(jax.device_get(state.params))
      return step(state, batch)

    return fit(
      method, ingredients, *arguments, **{**more, 'train_step': watched}
    )

  monkeypatch.setattr(fitting, 'fit', seen)
  run(tiny(**{'transfer.labels_per_class': (1, 4)}), tmp_path / 'run')
  few, more = learned
  assert (len(few), len(more)) == (5, 20)
  assert set(few) < set(more)
  jax.tree.map(np.testing.assert_array_equal, *first)


def test_images_that_were_learned_from_are_counted_where_they_judge(tmp_path):
  """Classes of the source that the target has too are divided otherwise."""
  apart = tiny(**{'transfer.labels_per_class': (1,)})
  notes = run(apart, tmp_path / 'apart')['notes']
  assert 'no proof' not in ' '.join(notes)
  both = tiny(**{'source.classes': None, 'transfer.labels_per_class': (1,)})
  (note,) = [
    x for x in run(both, tmp_path / 'both')['notes'] if 'no proof' in x
  ]
  assert re.match(r'[1-9]\d* of the 134 images that it is judged on', note)


def test_images_of_both_are_normalized_by_the_source(finished):
  results, _ = finished
  gathered, job = experiments.prepare(tiny())
  assert gathered is job.ingredients
  np.testing.assert_allclose(gathered.mean, results['run']['channel_mean'])
  source = tiny()
  source.data = source.source
  source.experiment = 'pretrain'
  source.evaluation.protocols = ()
  alone, _ = experiments.prepare(source)
  np.testing.assert_array_equal(gathered.mean, alone.mean)
  np.testing.assert_array_equal(gathered.std, alone.std)


def test_a_sheet_shows_what_was_mixed(finished):
  _, folder = finished
  sheet = mixed_sheet.read(folder)
  assert sheet.images.shape == (5, 8, 8, 1)
  assert sheet.targets.shape == (5, 5)
  np.testing.assert_allclose(sheet.targets.sum(1), 1, rtol=1e-6)
  assert ((sheet.targets > 0).sum(1) <= 2).all()
  assert sheet.names == list('01234')


@pytest.mark.parametrize('keep', [0, 1])
def test_a_run_that_is_cut_short_goes_on_to_the_same_numbers(
  finished, tmp_path, monkeypatch, keep
):
  """Whether what was trained before is kept, or trained again."""
  config = tiny(**{'method.mixing': 'collage', 'checkpoint.keep': keep})
  fit, folders = fitting.fit, []

  def once(*arguments, **more):
    folders.append(more['folder'].name)
    if len(folders) == 2:
      raise KeyboardInterrupt
    return fit(*arguments, **more)

  monkeypatch.setattr(fitting, 'fit', once)
  with pytest.raises(KeyboardInterrupt):
    run(config, tmp_path / 'run')
  results = run(config, tmp_path / 'run')
  assert folders == [f'labels_per_class={k}' for k in (1, 2, 1, 2)]
  assert results['rows'] == finished[0]['rows']
  assert results['tables']['source'] == finished[0]['tables']['source']


def test_no_sheet_is_written_where_nothing_is_mixed(tmp_path):
  run(tiny(**{'transfer.labels_per_class': (1,)}), tmp_path / 'run')
  assert mixed_sheet.read(tmp_path / 'run') is None


def compilations(config, folder):
  """How many programs JAX compiles in a run."""
  count = 0

  def listen(event, duration, **more):
    nonlocal count
    del duration, more
    count += event == '/jax/core/compile/backend_compile_duration'

  jax.monitoring.register_event_duration_secs_listener(listen)
  try:
    run(config, folder)
  finally:
    jax.monitoring.unregister_event_duration_listener(listen)
  return count


def test_one_compilation_serves_every_number_of_labels(tmp_path):
  few = {'transfer.labels_per_class': (1,)}
  compilations(tiny(**few), tmp_path / 'first')  # What all runs share.
  one = compilations(tiny(**few), tmp_path / 'one')
  assert one > 0
  many = {'transfer.labels_per_class': (1, 2, 4, 16)}
  assert compilations(tiny(**many), tmp_path / 'many') == one


def test_epochs_make_the_updates_depend_on_the_labels(tmp_path):
  config = tiny(**{'schedule.steps': None, 'schedule.epochs': 2.0})
  config.transfer.labels_per_class = (4, 8)
  run(config, tmp_path)
  for k in (4, 8):
    log = training.read_metrics(tmp_path / f'labels_per_class={k}')
    # 5 classes, 2 epochs, batches of 8.
    assert len(log) == 5 * k * 2 // 8


@pytest.mark.parametrize('encoder', [simclr, autoencoder])
def test_a_method_without_labels_learns_the_source_once(encoder, tmp_path):
  config = as_transfer(encoder.get_config())
  config.model.update(width=4, strides=(2, 2))
  config.schedule.update(steps=2, warmup=0)
  config.batch_size = 16
  config.checkpoint.keep = 0
  config.evaluation.protocols = ('linear_probe', 'knn')
  config.evaluation.labels_per_class = (1, 'all')
  config.evaluation.draws = 2
  config.source.classes, config.data.classes = (0, 1, 2), (7, 8)
  results = run(config, tmp_path)
  assert results['tables']['source'] == []
  found = {(r['protocol'], r['labels_per_class']) for r in results['rows']}
  assert found == {
    (protocol, k) for protocol in ('linear_probe', 'knn') for k in (1, 'all')
  }
  reconstructed = results['tables'].get('reconstruction')
  assert (reconstructed is not None) == (encoder is autoencoder)
  if reconstructed:
    # Of the source, of which there are more classes.
    assert reconstructed[0]['n'] > results['run']['counts']['test']
    assert -1 <= reconstructed[0]['ssim'] <= 1


@pytest.mark.parametrize(
  ('curve', 'ks'),
  [([], ['all']), (['--config.transfer.labels_per_class=1,4'], [1, 4])],
)
def test_the_recipe_runs_and_has_a_page(
  curve, ks, tmp_path, request, monkeypatch
):
  monkeypatch.chdir(request.config.rootpath)
  arguments = [
    '--config=configs/transfer.py',
    f'--workdir={tmp_path}',
    '--config.schedule.steps=3',
    '--config.model.width=4',
    '--config.evaluation.labels_per_class=all',
    *curve,
  ]
  assert command_line.main(arguments) == 0
  results = json.loads((tmp_path / 'results.json').read_text())
  page = (tmp_path / 'report.html').read_text()
  assert 'supervised on digits 0, 1, 2, 3, 4 to digits 5, 6, 7, 8, 9' in page
  assert 'Accuracy on what was learned from' in page
  assert 'learned from digits' in page
  source = [r for r in results['tables']['source'] if r['metric'] == 'top1']
  assert [row['labels_per_class'] for row in source] == ks
  # What is left classifies the target, which is what was judged.
  model = json.loads((tmp_path / 'model.json').read_text())
  assert model['class_names'] == list('56789')
  assert model['head']['protocol'] == 'linear_probe'
  assert model['mean'] == results['run']['channel_mean']


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'transfer.labels_per_class': (1, 1)}, 'names one twice'),
    ({'transfer.labels_per_class': (1000,)}, '1000 labels a class were asked'),
    ({'transfer.labels_per_class': (0,)}, 'must be a positive integer'),
    ({'evaluation.protocols': ()}, 'nothing would be judged'),
    ({'evaluation.patience': 3}, 'patience must be None'),
    ({'evaluation.labels_per_class': (5,)}, r'labels_per_class=all, got \(5,'),
    ({'evaluation.protocols': ('fine_tune',)}, 'take fine_tune out of'),
    ({'data.mean': (0.9,), 'data.std': (0.1,)}, r'data.mean.*got \(0.9,\) and'),
    ({'source.image_size': 12}, r'\[12, 12, 1\] and \[8, 8, 1\]; .*can make'),
    ({'source.augment': 'flip|normalize'}, 'in source.*flip'),
    ({'source.classes': (3,)}, 'in source, which has.*two different classes'),
  ],
)
def test_what_cannot_be_is_said(changes, message, tmp_path):
  with pytest.raises(InputError, match=message):
    run(tiny(**changes), tmp_path / 'run')
  assert not (tmp_path / 'run').exists()


def test_a_method_without_labels_has_no_curve():
  config = as_transfer(simclr.get_config())
  config.transfer.labels_per_class = (1, 2)
  config.evaluation.labels_per_class = ('all',)
  config.evaluation.protocols = ('knn',)
  with pytest.raises(InputError, match='learns from labels alone'):
    experiments.prepare(config)
