"""A classifier that was just trained, tested under shift."""

import collections
import json

import numpy as np
import pytest

from semisup_jax import command_line, data, training
from semisup_jax.experiments import batch_norm
from semisup_jax.experiments.batch_norm import measuring, plan, shifts
from semisup_jax.experiments.batch_norm.shifts import Shift
from semisup_jax.types import InputError

SIZES = (1, 8)
FIELDS = (
  '--config=configs/supervised.py',
  '--config.model.width=4',
  '--config.model.strides=(2,2)',
  '--config.schedule.steps=20',
  '--config.evaluation.every=20',
  '--config.data.labels_per_class=5',
  '--config.data.test_fraction=0.1',
  '--config.evaluation.batch_norm.modes='
  'source,batch,alpha,ema,recalibrated,tent,tent_continual',
  '--config.evaluation.batch_norm.batch_sizes=1,8',
  '--config.evaluation.batch_norm.alpha_priors=4,16',
  '--config.evaluation.batch_norm.images=30',
  '--config.evaluation.batch_norm.corruptions=contrast',
  '--config.evaluation.batch_norm.severities=1,5',
  '--config.evaluation.batch_norm.corruption_batch_size=16',
)


@pytest.fixture(scope='module')
def workdir(tmp_path_factory, request):
  path = tmp_path_factory.mktemp('runs') / 'shift'
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(request.config.rootpath)
    patch.syspath_prepend(request.config.rootpath)
    assert command_line.main([*FIELDS, f'--workdir={path}']) == 0
  return path


@pytest.fixture(scope='module')
def tables(workdir):
  return json.loads((workdir / 'results.json').read_text())['tables']


def test_every_mode_has_its_rows(tables):
  counts = collections.Counter(
    (row['shift'], row['severity'], row['mode'], row['amount'])
    for row in tables['batch_norm']
  )
  shift_names = ('clean', 'appearance(0.5)', 'unnormalised_input')
  batched = len(SIZES) * 2  # Two orders.
  for name in shift_names:
    assert counts[name, None, 'source', None] == 1
    assert counts[name, None, 'recalibrated', None] == 1
    assert counts[name, None, 'batch', None] == batched
    assert counts[name, None, 'alpha', 4] == batched
    assert counts[name, None, 'ema', 0.9] == batched
    assert counts[name, None, 'tent_continual', None] == batched
  for severity in (1, 5):
    assert counts['contrast', severity, 'alpha', 16] == 1
  assert len(tables['batch_norm']) == 3 * (2 + 6 * batched) + 2 * 8
  for row in tables['batch_norm']:
    assert row['n'] == 30
    assert 0 <= row['top1'] <= 1
    assert np.isfinite([row['ece'], row['nll']]).all()
    assert (row['batch_size'] is None) == (row['mode'] in measuring.FIXED)


def test_source_predictions_do_not_depend_on_the_batch(tables):
  rows = tables['batch_norm_invariance']
  assert [(r['order'], r['batch_size']) for r in rows] == [
    (order, size) for order in ('iid', 'sorted') for size in SIZES
  ]
  assert {(r['changed'], r['n']) for r in rows} == {(0, 30)}


def test_one_image_a_batch_has_no_order_unless_something_is_carried_on(tables):
  def top1(mode, order):
    (row,) = (
      r
      for r in tables['batch_norm']
      if (r['shift'], r['mode'], r['order'], r['batch_size'])
      == ('clean', mode, order, 1)
    )
    return row['nll']

  assert top1('batch', 'iid') == pytest.approx(top1('batch', 'sorted'))
  for mode in ('ema', 'tent'):
    assert top1(mode, 'iid') != pytest.approx(top1(mode, 'sorted'))


def test_tent_is_reset_with_the_shift_and_continual_tent_is_not(tables):
  def nll(mode, shift):
    return [
      r['nll']
      for r in tables['batch_norm']
      if (r['mode'], r['shift'], r['batch_size']) == (mode, shift, 8)
    ]

  # The first shift begins with nothing learned.
  assert nll('tent', 'clean') == nll('tent_continual', 'clean')
  later = 'unnormalised_input'
  assert nll('tent', later) != nll('tent_continual', later)


def test_reliability_has_bins_for_shifts_alone(tables):
  rows = tables['batch_norm_reliability']
  assert {row['severity'] for row in rows} == {None}
  assert {row['batch_size'] for row in rows} == {None, max(SIZES)}
  assert all(sum(row['count']) == 30 for row in rows)


def test_the_report_shows_it(workdir):
  page = (workdir / 'report.html').read_text()
  assert 'BatchNorm under shift' in page
  for name in ('accuracy_by_batch_size', 'corruption_heat_map'):
    assert (workdir / 'figures' / f'{name}.png').exists()
  names, images = batch_norm.read_sheet(workdir)
  assert names == ['clean', 'appearance(0.5)', 'contrast, 5']
  assert images.shape == (3, 3, 8, 8, 1)
  assert images.dtype == np.uint8


def test_a_run_without_modes_writes_no_sheet(tmp_path):
  names, images = batch_norm.read_sheet(tmp_path)
  assert names == []
  assert not len(images)


def images_of(channels, count=5):
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (count, 32, 32, channels), dtype=np.uint8)


@pytest.mark.parametrize('channels', [1, 3])
def test_appearance_is_the_formula_and_the_same_for_all(channels):
  images = images_of(channels)
  found = Shift('appearance(0.5)')(images, np.arange(5), seed=0)
  x = 0.5 + 0.6 * (images / 255 - 0.5) + 0.15
  if channels == 3:
    x = x * np.array([1.0, 0.8, 0.65])
  expected = np.round(255 * np.clip(x, 0, 1))
  assert found.dtype == np.uint8
  assert np.abs(found - expected).max() <= 1
  alone = Shift('appearance(0.5)')(images[2:3], np.array([9]), seed=7)
  np.testing.assert_array_equal(alone[0], found[2])


def test_a_corruption_depends_on_the_images_number_alone():
  images, rows = images_of(3), np.array([4, 8, 15, 16, 23])
  shift = Shift('gaussian_noise', 3)
  found = shift(images, rows, seed=0)
  order = np.array([3, 0, 4])
  np.testing.assert_array_equal(
    shift(images[order], rows[order], seed=0), found[order]
  )
  assert (shift(images, rows + 1, seed=0) != found).any()
  assert (shift(images, rows, seed=1) != found).any()


def test_shifts_that_leave_the_pixels_leave_them():
  images = images_of(1)
  for name in ('clean', 'unnormalised_input'):
    found = Shift(name)(images, np.arange(5), seed=0)
    np.testing.assert_array_equal(found, images)
  mean, std = np.array([0.3]), np.array([0.2])
  assert Shift('clean').scale(mean, std).mean is mean
  assert Shift('unnormalised_input').scale(mean, std).std == pytest.approx(
    1 / 255
  )


def test_suites_of_corruptions_have_fifteen_and_four():
  common = shifts.make_corruptions(('common',), (1, 5), 3)
  assert len(common) == 30
  assert [s.severity for s in common] == [1] * 15 + [5] * 15
  both = shifts.make_corruptions(('common', 'extra'), (3,), 3)
  assert len({s.name for s in both}) == 19


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda: shifts.make_shifts(('clean', 'clean'), (8, 8, 1)), 'one twice'),
    (lambda: shifts.make_shifts(('fog',), (8, 8, 1)), "'fog'; known: appear"),
    (
      lambda: shifts.make_corruptions(('common', 'fog'), (1,), 3),
      'corruptions names one twice',
    ),
    (lambda: shifts.make_corruptions(('fog',), (0,), 3), 'among 1 to 5'),
    (
      lambda: shifts.make_corruptions(('extra',), (1,), 1),
      'saturate needs images with colour',
    ),
  ],
)
def test_shifts_that_cannot_be_are_named(make, message):
  with pytest.raises(InputError, match=message):
    make()


def test_the_training_state_is_what_it_would_be_without_the_test(
  workdir, tmp_path, request, monkeypatch
):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  plain = [f for f in FIELDS if '.batch_norm.' not in f]
  assert command_line.main([*plain, f'--workdir={tmp_path / "plain"}']) == 0
  a, b = (
    json.loads((path / 'results.json').read_text())['rows']
    for path in (workdir, tmp_path / 'plain')
  )
  assert a == b
  logs = [training.read_metrics(p) for p in (workdir, tmp_path / 'plain')]
  assert logs[0] == logs[1]


def test_the_images_tested_on_are_stratified_and_fixed():
  labels = np.repeat(np.arange(4, dtype=np.int32), 25)
  dataset = data.Dataset(
    np.zeros((100, 8, 8, 1), np.uint8), labels, tuple('abcd')
  )
  rows = plan.stratified_rows(dataset, 20)
  np.testing.assert_array_equal(np.bincount(labels[rows]), [5] * 4)
  np.testing.assert_array_equal(rows, plan.stratified_rows(dataset, 20))
