"""The study of ways to transfer to few medical images: its points, its page."""

import collections

import numpy as np
import pytest
import scipy.stats
from rich.console import Console

from configs.studies import medical_transfer as recipe
from semisup_jax import command_line, studies
from semisup_jax.experiments import ingredients
from semisup_jax.reporting import wording
from semisup_jax.studies import medical_transfer
from semisup_jax.studies.medical_transfer import findings, tables
from semisup_jax.studies.medical_transfer.measured import (
  Judged,
  Measured,
  is_told_apart,
)

KS = (10, 50)
DRAWS = 3
MODES = recipe.get_config('pneumonia').modes
FEW = recipe.get_config('pneumonia').few_modes
# Balanced accuracy above 0.6, of each mode with the first encoder.
GAINS = {
  'linear_probe': 0.1,
  'frozen': 0.1,
  'partial': 0.08,
  'lp_ft': 0.04,
  'gradual': 0.03,
  'layerwise': 0.02,
  'fine_tune': 0.0,
  'supervised': -0.05,
}
ARMS = {'simclr': 0.05, 'autoencoder': 0.0, 'random': 0.0}


def number(arm, mode, k, seed, draw):
  """What is measured; draws have much in common, and modes little of their
  own."""
  shared = 0.03 * draw - 0.02 * seed
  own = 0.002 * ((draw * (1 + len(mode)) + seed) % 3 - 1)
  gain = GAINS[mode] if k == 10 else 0.0
  return 0.6 + 0.004 * k + gain + ARMS[arm] + shared + own


def result(mode, k, metric, values):
  return {
    'protocol': mode,
    'labels_per_class': k,
    'metric': metric,
    'mean': float(np.mean(values)),
    'n': len(values),
    'values': values,
  }


def point(arm, seed, on='target', modes=FEW, draws=DRAWS, ks=KS):
  factors = {'arm': arm, 'on': on, 'seed': seed}
  values = {
    (mode, k): [number(arm, mode, k, seed, draw) for draw in range(draws)]
    for mode in modes
    for k in ks
  }
  tables = {
    'metrics': [
      result(mode, k, metric, [v + shift for v in own])
      for (mode, k), own in values.items()
      for metric, shift in (('balanced_accuracy', 0.0), ('roc_auc', 0.05))
    ],
    'per_class_recall': [
      {'protocol': mode, 'class': name, 'recall': 0.7, 'n': n}
      for mode in modes
      for name, n in (('0', 234), ('1', 390))
    ],
    'separability': [
      {
        'feature': 'output',
        'silhouette': 0.1 + 0.02 * seed,
        'purity': 0.8,
        'chance': 0.6,
        'neighbours': 10,
        'n': 624,
      }
    ],
  }
  if arm == 'autoencoder':
    tables['reconstruction'] = [
      {'ssim': 0.9 + 0.01 * seed, 'squared_error': 0.002, 'n': 624}
    ]
  return {
    'point': '-'.join(map(str, factors.values())),
    'factors': factors,
    'method': arm,
    'seconds': 30.0,
    'hardware': 'abacus',
    'rows': [result(*key, 'top1', own) for key, own in values.items()],
    'tables': tables,
  }


def made(seeds=2, draws=DRAWS):
  return [
    point(arm, seed, modes=MODES if arm == 'simclr' else FEW, draws=draws)
    for seed in range(seeds)
    for arm in ARMS
  ]


@pytest.fixture(scope='module')
def measured():
  return Measured(made(), 'simclr', 'balanced_accuracy')


@pytest.mark.parametrize(
  ('a', 'b'),
  [
    (Judged('simclr', 'lp_ft'), Judged('simclr', 'fine_tune')),
    (Judged('autoencoder', 'lp_ft'), Judged('random', 'lp_ft')),
  ],
)
@pytest.mark.parametrize('k', KS)
def test_differences_are_paired_by_seed_and_draw(measured, a, b, k):
  pairs = [
    [
      number(side.arm, side.protocol, k, seed, draw)
      for seed in range(2)
      for draw in range(DRAWS)
    ]
    for side in (a, b)
  ]
  expected = scipy.stats.ttest_rel(*pairs)
  low, high = expected.confidence_interval(0.95)
  gap = measured.difference(a, b, k)
  assert gap['mean'] == pytest.approx(np.subtract(*pairs).mean())
  assert (gap['low'], gap['high']) == pytest.approx((low, high))
  assert gap['n'] == 2 * DRAWS
  assert is_told_apart(gap) == (expected.pvalue < 0.05)


def test_draws_that_one_side_lacks_are_no_pairs():
  rows = [point('simclr', 0), point('random', 0, draws=2), point('random', 1)]
  measured = Measured(rows, 'simclr', 'balanced_accuracy')
  a, b = Judged('simclr', 'fine_tune'), Judged('random', 'fine_tune')
  assert measured.difference(a, b, 10)['units'] == [(0, 0), (0, 1)]
  assert measured.difference(a, Judged('random', 'frozen'), 10) is None


@pytest.mark.parametrize(
  ('values', 'told'),
  [
    ([0.02, 0.03, 0.02, 0.03], True),
    ([0.2, 0.2, 0.2, -0.001], False),
    ([0.9, 1.0, -0.01, -0.01], False),
  ],
)
def test_modes_are_told_apart_only_where_every_seed_agrees(values, told):
  units = [(0, 0), (0, 1), (1, 0), (1, 1)]
  row = {'low': 0.001, 'high': 1.0, 'units': units, 'values': values}
  if values[-1] == -0.001:
    row['low'] = -0.001
  assert is_told_apart(row) == told


def test_the_choice_says_what_is_best_and_what_is_level(measured):
  first, second, last = findings.choice(measured)
  assert first.startswith('At 10 labels a class ')
  assert 'has the highest balanced accuracy, 81.0 %; behind it are' in first
  assert 'probing before fine-tuning (by 6.' in first
  assert 'supervised training (by 15.' in first
  assert 'not told apart from it: ' in first
  assert second.endswith('but no other mode can be told apart from it.')
  assert last.startswith('Never told apart from the highest, at any number')
  assert 'the linear probe' in last
  assert 'supervised' not in last


def test_where_nothing_is_decided_that_is_said():
  rows = [point(arm, 0, modes=FEW, ks=(50, 51)) for arm in ARMS]
  measured = Measured(rows, 'simclr', 'balanced_accuracy')
  *_, last = findings.choice(measured)
  assert last == 'So none of these numbers of labels decides between modes.'


def test_one_draw_has_no_interval_and_decides_nothing():
  measured = Measured(made(1, draws=1), 'simclr', 'balanced_accuracy')
  gap = measured.difference(*measured.modes[:2], 10)
  assert (gap['low'], gap['high']) == (None, None)
  assert not is_told_apart(gap)
  assert 'cannot be compared by one draw' in findings.of_modes(measured)[0]
  assert '±' not in tables.modes(measured)


def test_sentences_say_what_the_numbers_say(measured):
  modes = '\n'.join(findings.of_modes(measured))
  assert 'Fine-tuning beats supervised training at k = 10 by 5.0' in modes
  assert 'they cannot be told apart at k = 50' in modes
  arms = '\n'.join(findings.of_arms(measured))
  assert (
    'SimCLR (fine-tune) beats the random encoder used so at k = 10 by 5.0 '
    'points (95 % interval 5.0 to 5.0) and at k = 50 by' in arms
  )
  assert 'the random encoder used so cannot be told apart at k = 10' in arms


def test_baselines_and_published_numbers_stand_beside(measured):
  assert measured.majority == 0.625
  said = findings.baselines(measured, comparable=True)
  assert 'is right on 62.5 %, with a balanced accuracy of 50.0 %' in said[0]
  assert 'accuracy 85.4 % and ROC-AUC 0.944' in said[1]
  assert len(findings.baselines(measured, comparable=False)) == 1
  wanted = ('top1', 'balanced_accuracy', 'sensitivity', 'roc_auc')
  text = tables.measures(measured, wanted, comparable=True)
  auc = wording.metric_with_unit('roc_auc')
  assert f'|  | Top-1 accuracy, % | Balanced accuracy, % | {auc} |' in text
  assert '| One answer for all | 62.5 | 50.0 | 0.500 |' in text
  assert '| **published**, all labels | 85.4 |  | 0.944 |' in text
  ssim, published = findings.reconstruction(measured, comparable=True)
  assert 'SSIM of its reconstructions is 0.905' in ssim
  assert '0.88 to 0.90' in published


def test_the_source_has_numbers_of_its_own():
  rows = made() + [
    point('autoencoder', seed, 'source', ('fine_tune', 'supervised'), ks=(150,))
    for seed in range(2)
  ]
  measured = Measured(rows, 'simclr', 'balanced_accuracy')
  assert measured.ks == list(KS)
  gain, published = findings.on_source(measured, comparable=True)
  assert gain.startswith('The autoencoder (fine-tune)')
  assert 'labels alone' in gain
  assert '0.45 to 0.50 from labels alone, 0.55 from the weights' in published
  text = tables.on_source(measured, ('top1',))
  assert '| Labels alone, 150 |' in text


def test_the_page_has_every_section_and_figure(tmp_path):
  config = recipe.get_config('pneumonia')
  config.main_arm = 'simclr'
  medical_transfer.write_page(config, made(), tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert [line for line in page.splitlines() if line.startswith('#')] == [
    '# Transfer to few labelled images: pneumonia',
    '## Which mode to choose, with how many labels',
    '## Modes, with SimCLR',
    '## Other measures',
    '## Encoders',
    '## How far classes lie apart',
    '## Reconstructions',
  ]
  assert 'over 6 draws of the labelled images (2 encoders of 3 each)' in page
  for name in ('modes', 'encoders'):
    for theme in ('light', 'dark'):
      assert f'medical_transfer/{name}-{theme}.png' in page
      assert (tmp_path / f'medical_transfer/{name}-{theme}.png').exists()


def test_several_labels_make_a_page_too(tmp_path):
  rows = made(1)
  for row in rows:
    del row['tables']['per_class_recall']
    for one in row['rows']:
      one['metric'] = 'average_precision'
  config = recipe.get_config()
  config.main_arm = 'simclr'
  studies.STUDIES['medical_transfer'](
    config, rows, tmp_path, Console(quiet=True)
  )
  page = (tmp_path / 'page.md').read_text()
  assert 'A score that says nothing has a ROC-AUC of 0.5.' in page
  assert 'MedMNIST' not in page
  assert 'One answer' not in page


@pytest.mark.parametrize('variant', recipe.VARIANTS)
def test_every_encoder_is_judged_as_it_should_be(variant):
  config = recipe.get_config(variant)
  config.data.dir = 'files'
  points = list(recipe.sweep(config))
  counts = collections.Counter(f['on'] for f, _ in points)
  seeds = len(config.seeds)
  assert counts['target'] == len(config.arms) * seeds
  assert counts['source'] == (seeds if config.source.name else 0)
  for factors, point in points:
    section = point.evaluation
    expected = config.few_modes
    if factors['arm'] == config.main_arm:
      expected = config.modes
    if factors['on'] == 'source':
      assert section.labels_per_class == (config.source_labels,)
      assert 'supervised' in section.protocols
    else:
      assert section.protocols == expected
      assert section.labels_per_class == config.labels_per_class
    assert section.fine_tune.patience == section.supervised.patience > 0
    assert section.fine_tune.select_by == config.select_by
    assert section.draws == config.draws
    assert point.model.width == config.model.width
  assert set(config.few_modes) < set(config.modes)


def test_chest_images_are_of_any_finding_and_pneumonia_is_the_target():
  config = recipe.get_config('chest_to_pneumonia')
  config.data.dir = 'files'
  points = {(f['arm'], f['on']): p for f, p in recipe.sweep(config)}
  for arm in ('labels', 'autoencoder_ssim', 'simclr'):
    point = points[arm, 'target']
    assert point.experiment == 'transfer'
    assert point.source.path == 'files/chestmnist.npz'
    assert point.source.targets == 'any_positive'
    assert point.data.path == 'files/pneumoniamnist.npz'
    assert point.data.get('targets') is None
  assert points['labels', 'target'].source.labels_per_class == 150
  chest = points['autoencoder_ssim', 'source']
  assert chest.data.path == 'files/chestmnist.npz'
  assert chest.data.targets == 'any_positive'
  assert chest.evaluation.labels_per_class == (150,)
  assert points['random', 'target'].data.path == 'files/pneumoniamnist.npz'


def test_half_of_the_classes_is_the_source_and_half_the_target():
  points = {f['arm']: p for f, p in recipe.sweep(recipe.get_config())}
  point = points['labels']
  assert not set(point.source.classes) & set(point.data.classes)
  target = ingredients.gather(point)
  assert target.reported.multi_label
  assert target.reported.class_names == tuple('13579')


@pytest.mark.parametrize(
  ('variant', 'change', 'message'),
  [
    ('digits', {'arms': ('labels', 'magic')}, "unknown arms 'magic'"),
    ('pneumonia', {'arms': ('labels',)}, "unknown arms 'labels'"),
    ('pneumonia', {'main_arm': 'labels'}, 'main_arm must be one of arms'),
    ('chest_to_pneumonia', {}, 'data.dir is not set'),
  ],
)
def test_what_cannot_be_is_refused(variant, change, message):
  config = recipe.get_config(variant)
  config.update(change)
  with pytest.raises(ValueError, match=message):
    list(recipe.sweep(config))
  with pytest.raises(ValueError, match="unknown variant 'x'"):
    recipe.get_config('x')


def test_a_study_of_scenes_runs_to_its_page(tmp_path, request, monkeypatch):
  monkeypatch.chdir(request.config.rootpath)
  arguments = {
    'arms': 'random,',
    'main_arm': 'random',
    'judged_on_source': 'None',
    'modes': 'linear_probe,knn',
    'labels_per_class': '2,4',
    'draws': 2,
    'model.width': 4,
    'model.strides': '(2, 2)',
  }
  status = command_line.main(
    [
      '--config=configs/studies/medical_transfer.py',
      f'--workdir={tmp_path}',
      *(f'--config.{name}={value}' for name, value in arguments.items()),
    ]
  )
  assert status == 0
  page = (tmp_path / 'page.md').read_text()
  assert 'over 2 draws of the labelled images (1 encoder of 2 each)' in page
  assert '| Random encoder: linear probe |' in page
  assert '| labels a class | 2 | 4 |' in page


def made_files(folder):
  """As MedMNIST has them: 28 px grey; 14 rare findings, and one."""
  random = np.random.default_rng(0)
  for name, width, rate in (('chest', 14, 0.03), ('pneumonia', 1, 0.6)):
    arrays = {}
    for split, count in (('train', 120), ('val', 60), ('test', 60)):
      labels = (random.random((count, width)) < rate).astype(np.uint8)
      sick = labels.any(axis=1)[:, None, None]
      images = random.integers(0, 160, (count, 28, 28)) + 60 * sick
      arrays[f'{split}_images'] = images.astype(np.uint8)
      arrays[f'{split}_labels'] = labels
    np.savez(folder / f'{name}mnist.npz', **arrays)


def test_from_chest_to_pneumonia_by_the_command_line(
  request, tmp_path, monkeypatch
):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)
  made_files(tmp_path)
  arguments = {
    'data.dir': tmp_path,
    'seeds': '0,',
    'draws': 2,
    'arms': 'labels,autoencoder_ssim,random',
    'modes': 'linear_probe,lp_ft,fine_tune,supervised',
    'labels_per_class': '4,8',
    'source_labels': 8,
    'model.width': 4,
    'model.strides': '2,2',
    'pretraining.steps': 2,
    'pretraining.batch_size': 16,
    'pretraining.warmup': 0.0,
    'steps': 2,
    'every': 1,
  }
  path = 'configs/studies/medical_transfer.py:chest_to_pneumonia'
  status = command_line.main(
    [
      f'--config={path}',
      f'--workdir={tmp_path / "study"}',
      *(f'--config.{name}={value}' for name, value in arguments.items()),
    ]
  )
  assert status == 0
  text = (tmp_path / 'study' / 'page.md').read_text()
  for told in (
    'learns from ChestMNIST: by labels, 8 a class, or without',
    'it is judged on PneumoniaMNIST',
    '## Modes, with the autoencoder by SSIM',
    '| Labels of the source: fine-tune |',
    '## On the source itself',
    '| Labels alone, 8 |',
    'accuracy 0.45 to 0.50 from labels alone, 0.55 from the weights',
  ):
    assert told in text
  assert 'nan' not in text.lower()
