"""The page of the study of BatchNorm under shift, from rows made here."""

import numpy as np
import pytest
from rich.console import Console

from configs.studies import batch_norm_shift as recipe
from semisup_jax.studies import batch_norm_shift
from semisup_jax.studies.batch_norm_shift import findings, tables
from semisup_jax.studies.batch_norm_shift.measured import Measured

SHIFTS = ('clean', 'appearance(0.9)', 'unnormalised_input')
SIZES = (4, 8, 16, 32)
MODES = (
  ('source', None),
  ('batch', None),
  ('alpha', 1),
  ('alpha', 16),
  ('recalibrated', None),
)


def shifted(shift, mode, amount, top1, severity=None, order=None, size=None):
  return {
    'shift': shift,
    'severity': severity,
    'mode': mode,
    'amount': amount,
    'order': order,
    'batch_size': size,
    'top1': top1,
    'ece': 0.1,
    'nll': 2.5,
    'n': 2000,
  }


def accuracy(shift, mode, amount, size, order, seed):
  """Source collapses under shift, and batch recovers as it grows."""
  if mode == 'source':
    base = 0.3 if shift == 'clean' else 0.02
  elif mode == 'recalibrated':
    base = 0.25
  else:
    base = 0.05 + 0.005 * size + 0.001 * (amount or 0)
    base /= 3 if order == 'sorted' else 1
  return base + 0.01 * seed


def table(seed, modes=MODES):
  rows = []
  for shift in SHIFTS:
    for mode, amount in modes:
      if mode in ('source', 'recalibrated'):
        top1 = accuracy(shift, mode, amount, None, None, seed)
        rows.append(shifted(shift, mode, amount, top1))
        continue
      for order in ('iid', 'sorted'):
        for size in SIZES:
          top1 = accuracy(shift, mode, amount, size, order, seed)
          rows.append(
            shifted(shift, mode, amount, top1, order=order, size=size)
          )
  return rows


def corrupted():
  return [
    shifted(name, mode, amount, 0.2 + 0.05 * i, severity, *batch)
    for i, name in enumerate(('fog', 'snow'))
    for severity in (1, 5)
    for mode, amount in MODES
    for batch in [
      (None, None) if mode in ('source', 'recalibrated') else ('iid', 200)
    ]
  ]


def point(arm, seed, top1, momentum=0.9, protocol='supervised', **more):
  protocols = {protocol: top1, **more.pop('protocols', {})}
  return {
    'point': f'{arm}-{momentum}-{seed}',
    'factors': {'arm': arm, 'momentum': momentum, 'seed': seed},
    'method': arm,
    'seconds': 60.0,
    'hardware': 'abacus',
    'rows': [
      {
        'protocol': name,
        'labels_per_class': 50,
        'metric': 'top1',
        'mean': value + 0.002 * seed,
        'std': None,
        'n': 1,
      }
      for name, value in protocols.items()
    ],
    'tables': more,
  }


def under_shift(seed):
  bins = {
    'count': [0, 1000, 1000],
    'confidence': [None, 0.4, 0.8],
    'accuracy': [None, 0.3, 0.5],
  }
  return {
    'batch_norm': table(seed) + (corrupted() if seed == 0 else []),
    'batch_norm_reliability': [
      {**shifted(s, m, a, 0), **bins} for s in SHIFTS for m, a in MODES[:2]
    ],
    'batch_norm_invariance': [
      {'order': 'iid', 'batch_size': n, 'changed': 0, 'n': 2000} for n in SIZES
    ],
  }


@pytest.fixture(scope='module')
def rows():
  found = []
  for seed in range(3):
    found += [
      point('trainset1', seed, 0.24, **under_shift(seed)),
      point('trainset2', seed, 0.38, **under_shift(seed)),
      point(
        'simclr',
        seed,
        0.31,
        protocol='fine_tune',
        protocols={'linear_probe': 0.22},
      ),
      point(
        'trainset1',
        seed,
        0.24,
        momentum=0.99,
        batch_norm=table(seed, MODES[:2]),
      ),
    ]
  return found


@pytest.fixture(scope='module')
def measured(rows):
  return Measured(rows)


@pytest.fixture
def page(rows, tmp_path):
  config = recipe.get_config('cifar100_small')
  batch_norm_shift.write_page(config, rows, tmp_path, Console(quiet=True))
  return (tmp_path / 'page.md').read_text()


def lines(text, start):
  """The cells of the table line that starts so."""
  (line,) = [x for x in text.splitlines() if x.startswith(f'| {start} |')]
  return [cell.strip() for cell in line.strip('|').split('|')]


def test_numbers_are_means_over_seeds(measured):
  row = measured.one('trainset2', 'batch', shift='clean', batch_size=8)
  assert row['n'] == 3
  assert row['mean'] == pytest.approx(0.05 + 0.04 + 0.01)
  assert row['std'] == pytest.approx(0.01)
  row = measured.one('trainset1', 'source', shift='clean', momentum=0.99)
  assert row['mean'] == pytest.approx(0.31)
  assert measured.one('trainset1', 'tent', shift='clean') is None
  assert measured.shift == 'appearance(0.9)'
  assert measured.images() == 2000


def test_the_page_holds_the_published_numbers_beside_ours(page):
  assert lines(page, 'trainset1, labels alone')[2:] == ['24.2 ± 0.2', '24.46']
  assert lines(page, '**published**: train mode, trainset2')[1:] == [
    *('7.29', '16.61', '26.80', '29.83')
  ]
  ours = lines(page, 'appearance(0.9), trainset2: batch')[1:]
  assert ours == ['8.0 ± 1.0', '10.0 ± 1.0', '14.0 ± 1.0', '22.0 ± 1.0']
  # Source is one number, whatever the batch.
  ours = lines(page, 'appearance(0.9), trainset1: source')[1:]
  assert ours == ['3.0 ± 1.0'] * 4


def test_what_is_of_one_seed_is_said_to_be(page):
  assert 'A number without ± is of one seed.' in page  # The corruptions.


def test_corruptions_are_means_of_all_and_of_the_seeds_that_had_them(page):
  assert 'Means over 2 corruptions at severities 1 and 5' in page
  assert 'test batches of 200, n = 1 seed' in page
  source = [x for x in page.splitlines() if x.startswith('| source | 77.5 |')]
  assert source == ['| source | 77.5 | 10.0 | 2.500 |'] * 2


def test_the_findings_say_collapse_recovery_and_why(measured):
  said = findings.sentences(measured, comparable=True)
  assert said[0] == (
    'Appearance(0.9), trainset2: with the statistics of training accuracy '
    'falls from 31.0 ± 1.0 % to 3.0 ± 1.0 %. With those of the test batch it '
    'is 8.0 % at 4, 10.0 % at 8, 14.0 % at 16 and 22.0 % at 32: it recovers as '
    'the batch grows (published: 7.3, 16.6, 26.8 and 29.8).'
  )
  text = ' '.join(said)
  assert 'N = 16 at 4 (+1.6)' in text
  assert 'give 7.3 ± 0.3 % instead of 22.0 ± 1.0 %' not in text
  assert '16,000' not in text
  assert 'of 48,000 predictions' in text
  assert '0 differ from those made at once' in text
  assert 'cannot be of frozen statistics' in text
  assert 'SimCLR with fine-tuning beats training on trainset1 alone by 7.0' in (
    text
  )
  assert 'Training on trainset1 alone beats SimCLR with the linear probe' in (
    text
  )
  plain = ' '.join(findings.sentences(measured, comparable=False))
  assert 'published' not in plain


def test_what_does_not_recover_is_not_said_to(rows):
  flat = [
    {
      **row,
      'tables': {
        'batch_norm': [
          {**one, 'top1': 0.02 if one['shift'] != 'clean' else 0.3}
          for one in row['tables'].get('batch_norm', ())
        ]
      },
    }
    for row in rows
  ]
  said = findings.sentences(Measured(flat), comparable=False)
  assert 'half of the loss, or more, stays' in said[0]


def test_every_figure_is_written_in_both_themes(page, tmp_path):
  names = {p.name for p in (tmp_path / 'batch_norm_shift').iterdir()}
  assert names == {
    f'{name}-{theme}.png'
    for name in (
      *('accuracy-trainset1', 'accuracy-trainset2'),
      *('corruptions', 'reliability'),
    )
    for theme in ('light', 'dark')
  }
  for name in names:
    assert f'batch_norm_shift/{name}' in page


def test_a_contact_sheet_of_a_point_is_shown(rows, tmp_path):
  folder = tmp_path / 'points' / rows[0]['point']
  folder.mkdir(parents=True)
  images = np.zeros((2, 3, 8, 8, 3), np.uint8)
  np.savez(folder / 'contact_sheet.npz', images=images, names=['clean', 'fog'])
  config = recipe.get_config('digits')
  batch_norm_shift.write_page(config, rows, tmp_path, Console(quiet=True))
  assert (tmp_path / 'batch_norm_shift' / 'contact_sheet-dark.png').exists()
  assert 'published' not in (tmp_path / 'page.md').read_text()


def test_momenta_have_lines_of_their_own(measured):
  text = tables.momenta(measured)
  assert '| 0.9 | source | 31.0 ± 1.0 |' in text
  assert '| 0.99 | batch | 22.0 ± 1.0 |' in text


def test_what_some_seeds_have_is_compared_on_these(rows):
  """Else the difference of seeds would pass for one of order or momentum."""
  fewer = []
  for row in rows:
    seed, momentum = (row['factors'][k] for k in ('seed', 'momentum'))
    if momentum != 0.9 and seed:
      continue
    table = row['tables'].get('batch_norm', [])
    own = [one for one in table if not seed or one['order'] != 'sorted']
    fewer.append({**row, 'tables': {**row['tables'], 'batch_norm': own}})
  measured = Measured(fewer)
  text = tables.momenta(measured)
  assert 'n = 1 seed' in text
  assert '| 0.9 | source | 30.0 |' in text
  assert '| 0.99 | source | 30.0 |' in text
  said = ' '.join(findings.sentences(measured, comparable=False))
  assert 'give 7.0 % instead of 21.0 % (one seed)' in said


def test_every_point_reads_the_data_that_the_study_names():
  config = recipe.get_config('cifar100')
  config.data.name, config.data.path = 'npz', 'images.npz'
  points = [point for _, point in recipe.sweep(config)]
  assert {(p.data.name, p.data.path) for p in points} == {('npz', 'images.npz')}
  config = recipe.get_config('cifar100_small')
  config.data.dir = 'images'
  points = [point for _, point in recipe.sweep(config)]
  assert {(p.data.name, p.data.dir) for p in points} == {
    ('tfds:cifar100', 'images')
  }


def test_one_seed_is_tested_more_thoroughly_than_the_others():
  config = recipe.get_config('cifar100_small')
  (thorough,) = config.thorough_seeds
  for factors, point in recipe.sweep(config):
    section = point.evaluation.batch_norm
    usual = factors['arm'] != 'simclr' and factors['momentum'] == 0.9
    more = factors['seed'] == thorough
    assert more or factors['momentum'] == 0.9
    assert bool(section.corruptions) == (usual and more)
    assert ('tent_continual' in section.modes) == (usual and more)
    assert usual == ('tent' in section.modes)


@pytest.mark.parametrize('variant', sorted(recipe.VARIANTS))
def test_a_sweep_has_two_sets_of_one_seed_that_fit_together(variant):
  config = recipe.get_config(variant)
  points = list(recipe.sweep(config))
  names = [tuple(factors.values()) for factors, _ in points]
  assert len(set(names)) == len(names)
  by_arm = {
    factors['arm']: point
    for factors, point in points
    if (factors['seed'], factors['momentum']) == (0, 0.9)
  }
  first, second, without = (
    by_arm[arm].data for arm in ('trainset1', 'trainset2', 'simclr')
  )
  assert first.labels_total == without.labels_total
  assert second.labels_total == without.unlabelled_total
  assert without.unlabelled_includes_labelled
  config.nested = False
  apart = [p for f, p in recipe.sweep(config) if f['arm'] == 'trainset2']
  assert apart[0].data.labels_skip == first.labels_total
