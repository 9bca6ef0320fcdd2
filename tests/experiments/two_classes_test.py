"""ChestMNIST's labels as two classes: from a file to a page."""

import html
import json

import numpy as np
import pytest

from semisup_jax import command_line, data

from ..data_section import section

FAST = (
  '--config.model.name=pixels',
  '--config.data.targets=any_positive',
  '--config.data.image_size=8',
  '--config.evaluation.protocols=linear_probe,knn,fine_tune',
  '--config.evaluation.protocols_for_all=linear_probe,knn',
  '--config.evaluation.labels_per_class=4,all',
  '--config.evaluation.draws=2',
  '--config.evaluation.linear_probe.l2=(0.1,)',
  '--config.evaluation.fine_tune.schedule.steps=8',
  '--config.evaluation.fine_tune.every=4',
  '--config.evaluation.fine_tune.batch_size=16',
)
OF_TWO = {'roc_auc', 'average_precision', 'sensitivity', 'specificity', 'f1'}


@pytest.fixture(scope='module')
def chest(tmp_path_factory):
  """As ChestMNIST: 28 px grey, 14 rare labels; the sick are a bit brighter."""
  random, arrays = np.random.default_rng(0), {}
  for split, count in (('train', 160), ('val', 60), ('test', 80)):
    labels = (random.random((count, 14)) < 0.02).astype(np.uint8)
    sick = labels.any(axis=1)[:, None, None]
    images = random.integers(0, 160, (count, 28, 28)) + 5 * sick
    arrays[f'{split}_images'] = images.astype(np.uint8)
    arrays[f'{split}_labels'] = labels
  path = tmp_path_factory.mktemp('chest') / 'chestmnist.npz'
  np.savez(path, **arrays)
  return path


@pytest.fixture(scope='module')
def workdir(chest, request, tmp_path_factory):
  path = tmp_path_factory.mktemp('runs') / 'chest'
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(request.config.rootpath)
    patch.syspath_prepend(request.config.rootpath)
    arguments = ['--config=configs/untrained.py:npz', *FAST]
    arguments += [f'--config.data.path={chest}', f'--workdir={path}']
    assert command_line.main(arguments) == 0
  return path


@pytest.fixture(scope='module')
def results(workdir):
  return json.loads((workdir / 'results.json').read_text())


@pytest.mark.parametrize('classes', [None, (3, 0), (5,)])
def test_an_image_is_positive_that_has_any_of_the_labels(chest, classes):
  config = section(name='npz', path=str(chest), classes=classes)
  several = data.load({**config, 'targets': None, 'classes': None})
  for split, part in data.load({**config, 'targets': 'any_positive'}).items():
    labels = several[split].labels[:, list(classes or range(14))]
    np.testing.assert_array_equal(part.labels, labels.max(axis=1))
    assert part.class_names == ('none', 'any')
    assert part.labels.dtype == np.int32


def test_what_is_reported_first_stays_and_metrics_of_two_classes_are_beside(
  results,
):
  assert results['dataset'] == 'npz (any_positive)'
  assert {row['metric'] for row in results['rows']} == {'top1'}
  rows = results['tables']['metrics']
  assert {'nll', 'balanced_accuracy', *OF_TWO} <= {r['metric'] for r in rows}
  for row in rows:
    single = row['n'] == 1
    has_interval = row['metric'] in {'balanced_accuracy', *OF_TWO}
    if single and has_interval:
      assert row['low'] <= row['mean'] <= row['high']
      assert row['interval'] == 'bootstrap over test images'
    elif single and row['metric'] in ('nll', 'ece', 'macro_f1'):
      assert row['low'] is None


def test_the_threshold_of_each_draw_is_validations(results):
  places = {
    (row['protocol'], row['labels_per_class']): row['n']
    for row in results['rows']
  }
  thresholds = results['tables']['thresholds']
  assert {
    (row['protocol'], row['labels_per_class']): row['n'] for row in thresholds
  } == places
  assert all(0 <= v <= 1 for row in thresholds for v in row['values'])
  rows = {
    (row['protocol'], row['labels_per_class'], row['metric']): row
    for row in results['tables']['metrics']
  }
  for place in places:
    balanced, sensitivity, specificity = (
      rows[*place, f'{name}_at_threshold']['mean']
      for name in ('balanced_accuracy', 'sensitivity', 'specificity')
    )
    assert balanced == pytest.approx((sensitivity + specificity) / 2)
  # The sick are brighter: with all labels it is seen.
  assert rows['linear_probe', 'all', 'roc_auc']['mean'] > 0.9
  assert rows['linear_probe', 'all', 'balanced_accuracy_at_threshold'][
    'mean'
  ] > max(0.75, rows['linear_probe', 'all', 'balanced_accuracy']['mean'] - 0.1)


def test_the_page_says_what_always_saying_no_would_reach(
  chest, results, workdir
):
  with np.load(chest) as file:
    healthy = float(np.mean(~file['test_labels'].any(axis=1)))
  (row,) = results['tables']['majority']
  assert row == {'class': 'none', 'top1': healthy, 'n': 80}
  page = html.unescape((workdir / 'report.html').read_text())
  said = page.replace('\N{NO-BREAK SPACE}', ' ')
  assert "Always saying 'none', the most frequent" in said
  assert f'would be right on {100 * healthy:.1f} %' in said
  assert "An image is said to be 'any' from the probability" in said
  assert 'Sensitivity at the threshold' in said
  made = {path.stem for path in (workdir / 'figures').iterdir()}
  assert {'confusion', 'threshold_curves', 'threshold_curves-dark'} <= made
