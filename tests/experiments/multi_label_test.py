"""Images with several labels, from a table to a model: pairs of digits."""

import csv
import json

import numpy as np
import pytest
import sklearn.datasets
import sklearn.metrics
from PIL import Image

import semisup_jax
from configs import inspect_data
from configs import supervised as supervised_recipe
from semisup_jax import command_line, data, training
from semisup_jax.experiments import inspect_data as look
from semisup_jax.experiments import model_file
from semisup_jax.reporting import data_findings, data_page, run_findings
from semisup_jax.studies import runner
from semisup_jax.types import InputError

NAMES = ('even', 'large', 'Eight')
FAST = (
  '--config.data.image_size=8',
  '--config.data.views=random_affine(15, (0.8, 1.2), 10, 0.1)|normalize',
  '--config.data.augment=normalize',
  '--config.model.width=8',
  '--config.model.strides=2,2',
  '--config.batch_size=32',
  '--config.optimizer.name=adamw',
  '--config.optimizer.learning_rate=0.01',
  '--config.schedule.epochs=None',
  '--config.schedule.steps=40',
  '--config.schedule.warmup=0',
  '--config.evaluation.every=20',
)


def labels_of(digits):
  return np.column_stack([digits % 2 == 0, digits > 4, digits == 8]).astype(int)


@pytest.fixture(scope='module')
def root(request):
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(request.config.rootpath)
    patch.syspath_prepend(request.config.rootpath)
    yield


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Digits with what is true of each; a quarter is unlabelled."""
  path = tmp_path_factory.mktemp('digits')
  images, digits = sklearn.datasets.load_digits(return_X_y=True)
  lines = [','.join(('file', *NAMES))]
  for i, (image, labels) in enumerate(
    zip(images[:360], labels_of(digits), strict=False)
  ):
    pixels = (image.reshape(8, 8) * 15).astype(np.uint8)
    Image.fromarray(pixels).save(path / f'{i}.png')
    lines.append(f'{i}.png,{",".join(map(str, labels)) if i % 4 else ",,"}')
  (path / 'labels.csv').write_text('\n'.join(lines))
  return path


def launch(folder, workdir, recipe, *more):
  arguments = [f'--config=configs/{recipe}.py:folder', *FAST, *more]
  return command_line.main(
    [*arguments, f'--config.data.path={folder}', f'--workdir={workdir}']
  )


@pytest.fixture(scope='module')
def simclr(root, folder, tmp_path_factory):
  workdir = tmp_path_factory.mktemp('runs') / 'simclr'
  more = (
    '--config.evaluation.protocols=linear_probe,knn',
    '--config.evaluation.labels_per_class=2,all',
    '--config.evaluation.draws=2',
    '--config.evaluation.linear_probe.l2=(0.1,)',
    '--config.evaluation.online_probe=True',
  )
  assert launch(folder, workdir, 'simclr', *more) == 0
  return workdir


@pytest.fixture(scope='module')
def supervised(root, folder, tmp_path_factory):
  workdir = tmp_path_factory.mktemp('runs') / 'supervised'
  more = ('--config.method.mixing=mixup', '--config.method.label_smoothing=0.1')
  assert launch(folder, workdir, 'supervised', *more) == 0
  return workdir


def results_in(workdir):
  return json.loads((workdir / 'results.json').read_text())


def test_every_protocol_is_judged_by_roc_auc_and_by_label(simclr):
  results = results_in(simclr)
  rows = {(r['protocol'], r['labels_per_class']): r for r in results['rows']}
  places = {(p, k) for p in ('linear_probe', 'knn') for k in (2, 'all')}
  assert set(rows) == places
  assert {row['metric'] for row in results['rows']} == {'roc_auc'}
  assert rows['linear_probe', 'all']['mean'] > 0.7
  others = {row['metric'] for row in results['tables']['metrics']}
  assert others == {'average_precision', 'macro_f1'}
  assert len(results['tables']['differences']) == 1
  by_label = results['tables']['per_label']
  assert len(by_label) == 3 * len(places)
  for place, row in rows.items():
    own = [
      r for r in by_label if (r['protocol'], r['labels_per_class']) == place
    ]
    assert [r['class'] for r in own] == list(NAMES)
    assert np.mean([r['roc_auc'] for r in own]) == pytest.approx(row['mean'])
    assert {r['draws'] for r in own} == {row['n']}
  assert any('any number of these 3 labels' in n for n in results['notes'])


def test_what_is_looked_at_on_the_way_is_roc_auc_too(simclr, supervised):
  def last(workdir, split):
    rows = training.read_metrics(workdir)
    return [row for row in rows if row['split'] == split][-1]

  looks = last(simclr, 'validation')
  assert looks['online_probe_roc_auc'] > 0.6
  assert 0 <= looks['knn_roc_auc'] <= 1
  assert 0 <= last(simclr, 'train')['probe_binary_accuracy'] <= 1
  assert 0 <= last(supervised, 'validation')['classifier_roc_auc'] <= 1
  assert 0 <= last(supervised, 'train')['binary_accuracy'] <= 1


def test_the_page_says_what_the_numbers_are(simclr, supervised):
  for workdir in (simclr, supervised):
    page = (workdir / 'report.html').read_text()
    assert 'macro averages' in page
    assert '<h2>By label</h2>' in page
    assert 'ccuracy' not in page.replace('probe_binary_accuracy', '')
    assert all(name in page for name in NAMES)
  assert 'ROC-AUC by number of labels' in (simclr / 'report.html').read_text()
  assert 'training reaches ROC-AUC 0.' in page
  made = {path.stem for path in (simclr / 'figures').iterdir()}
  assert {'embeddings', 'training_curves'} <= made
  assert 'confusion' not in made


@pytest.mark.parametrize('run', ['simclr', 'supervised'])
def test_the_model_says_of_each_label_by_itself_how_likely_it_is(request, run):
  workdir = request.getfixturevalue(run)
  card = model_file.read_card(workdir)
  assert card['head']['multi_label'] is True
  assert card['head']['validation_images'] > 0
  learned = semisup_jax.load(workdir)
  assert learned.class_names == NAMES
  images, digits = sklearn.datasets.load_digits(return_X_y=True)
  images = (images.reshape(-1, 8, 8, 1) * 15).astype(np.uint8)[360:660]
  probabilities = learned.classify(images)
  assert probabilities.min() >= 0
  assert probabilities.max() <= 1
  assert probabilities.sum(axis=1).std() > 0.1
  truth = labels_of(digits[360:660])
  assert sklearn.metrics.roc_auc_score(truth, probabilities) > 0.7


def test_the_data_are_looked_at_before(root, folder, tmp_path):
  config = inspect_data.get_config()
  config.data.update(path=str(folder), image_size=8)
  table = (folder / 'labels.csv').read_text()
  for i in (1, 2):  # Two copies, with the labels of another image.
    copy = np.array(Image.open(folder / f'{i}.png'))
    Image.fromarray(copy).save(folder / f'copy{i}.png')
  (tmp_path / 'labels.csv').write_text(
    f'{table}\ncopy1.png,0,0,1\ncopy2.png,0,0,0\n'
  )
  config.data.labels = str(tmp_path / 'labels.csv')
  parts = data.read(config.data)
  seen = look.look(config, parts)
  assert data_findings.headline(seen).startswith(
    '362 images of 8 x 8 pixels, 272 with any number of 3 labels.'
  )
  truth = parts['train'].labels[data.known(parts['train'].labels)]
  totals = np.sum([list(c.values()) for c in seen.counts.values()], axis=0)
  np.testing.assert_array_equal(totals, truth.sum(axis=0))
  assert sum(seen.several.without.values()) == (~truth.any(axis=1)).sum()
  both = (truth[:, 0] & truth[:, 2]).sum()
  assert seen.several.together['even', 'Eight'] == both
  assert seen.contradictions == [
    ['1.png (none)', 'copy1.png (Eight)'],
    ['2.png (even)', 'copy2.png (none)'],
  ]
  data_page.write_page(tmp_path / 'page.html', seen, [], '')
  page = (tmp_path / 'page.html').read_text()
  assert 'none of them' in page
  assert 'even and Eight' in page
  names, sheet = look.samples(parts)
  assert names == [*NAMES, 'none of them', 'unlabelled']
  assert sheet.shape == (5, look.SAMPLES, 8, 8, 1)


def test_runs_are_compared_in_the_words_of_their_metric():
  row = {'protocol': 'knn', 'metric': 'roc_auc', 'n': 3, 'n_baseline': 3}
  gap = {'mean': 0.05, 'low': 0.01, 'high': 0.09, 'paired': True}
  found = [{'run': 'b', 'baseline': 'a', 'labels_per_class': 5, **row, **gap}]
  assert run_findings.sentences(found) == [
    'ROC-AUC by kNN, b against a: 0.050 above at 5 labels a class (95 % '
    'interval 0.010 to 0.090, n = 3).'
  ]


def test_studies_which_speak_of_accuracy_refuse_them(root, folder):
  config = supervised_recipe.get_config('folder')
  config.data.update(path=str(folder), image_size=8)
  with pytest.raises(InputError, match='studies compare accuracies'):
    runner.prepare(config)
  runner.prepare(config, several_labels=True)


def test_predictions_have_a_probability_for_each_label(
  simclr, folder, tmp_path, capsys
):
  workdir = tmp_path / 'predicted'
  arguments = [
    '--config=configs/predict.py',
    f'--config.run={simclr}',
    f'--config.data.path={folder}',
    f'--workdir={workdir}',
  ]
  assert command_line.main(arguments) == 0
  with (workdir / 'predictions.csv').open(newline='') as file:
    found = list(csv.DictReader(file))
  assert list(found[0]) == ['file', *NAMES, 'label']
  classify = semisup_jax.load(simclr).classify
  row = next(row for row in found if row['file'] == '5.png')
  pixels = np.asarray(Image.open(folder / '5.png'))[None, ..., None]
  said = [float(row[name]) for name in NAMES]
  np.testing.assert_allclose(said, classify(pixels)[0], atol=1e-4)
  known = (folder / 'labels.csv').read_text().splitlines()[1:]
  of_file = next(line for line in known if line.startswith('5.png')).split(',')
  names = [n for n, cell in zip(NAMES, of_file[1:], strict=True) if cell == '1']
  assert row['label'] == (';'.join(names) or 'none')
  out = ' '.join(capsys.readouterr().out.split())
  rows = results_in(simclr)['rows']
  (auc,) = (
    row
    for row in rows
    if (row['protocol'], row['labels_per_class']) == ('linear_probe', 'all')
  )
  assert (
    f'ROC-AUC {auc["mean"]:.3f} (95 % interval {auc["low"]:.3f} to '
    f'{auc["high"]:.3f}), the mean over labels' in out
  )
