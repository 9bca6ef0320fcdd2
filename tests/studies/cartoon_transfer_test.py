"""The study of transfer to few pictures: its points, its page."""

import os
import pathlib

import numpy as np
import pytest
import scipy.stats
from rich.console import Console

from configs.studies import cartoon_transfer as recipe
from semisup_jax import augment, studies
from semisup_jax.experiments import ingredients
from semisup_jax.studies import cartoon_transfer
from semisup_jax.studies.cartoon_transfer import findings, published, tables
from semisup_jax.studies.cartoon_transfer.measured import (
  SCRATCH,
  Judged,
  Measured,
)

REAL = pathlib.Path(
  os.environ.get(
    'SEMISUP_DATA_DIR', pathlib.Path(__file__).parents[3] / 'shared' / 'data'
  )
)
CARTOONS = REAL / 'folders' / 'pacs_cartoon'
RATES = (0.03, 0.01)
# Accuracy on the test part above 0.5, of each seed.
GAINS = {
  Judged('scratch', 'supervised'): (0.0, 0.02, 0.01),
  Judged('scratch_cosine', 'supervised'): (0.01, 0.01, 0.02),
  Judged('simclr', 'linear_probe'): (0.05, 0.08, 0.06),
  Judged('simclr', 'frozen'): (0.04, 0.07, 0.05),
  Judged('simclr', 'fine_tune'): (0.10, 0.13, 0.11),
  Judged('weights', 'fine_tune'): (0.30, 0.31, 0.32),
}


def look(judged, rate, step, chosen):
  return {
    'protocol': judged.protocol,
    'labels': 200,
    'draw': 0,
    'learning_rate': rate,
    'step': step,
    'train_loss': 1.0,
    'nll': 0.9,
    'top1': 0.6 + chosen * 0.1,
    'chosen': chosen,
  }


def made(seeds=3):
  rows = []
  for seed in range(seeds):
    for arm in dict.fromkeys(judged.arm for judged in GAINS):
      own = [judged for judged in GAINS if judged.arm == arm]
      results = [
        {
          'protocol': judged.protocol,
          'labels_per_class': 'all',
          'metric': 'top1',
          'mean': 0.5 + GAINS[judged][seed],
          'values': [0.5 + GAINS[judged][seed]],
          'n': 1,
        }
        for judged in own
      ]
      looks = [
        look(judged, rate, step, (rate, step) == (0.01, 50 + 25 * seed))
        for judged in own
        if judged.protocol != 'linear_probe'
        for rate in RATES
        for step in (25, 50, 75, 100)
      ]
      rows.append(
        {
          'point': f'{arm}-{seed}',
          'factors': {'arm': arm, 'seed': seed},
          'method': arm,
          'seconds': 60.0,
          'hardware': 'abacus',
          'rows': results,
          'tables': {'courses': looks, 'metrics': []},
          'counts': {'labelled': 200, 'validation': 50, 'test': 100},
          'channel_mean': [0.8 + 0.01 * seed, 0.78, 0.74],
          'channel_std': [0.27, 0.28, 0.33],
        }
      )
  return rows


@pytest.fixture(scope='module')
def measured():
  return Measured(made())


def test_differences_from_labels_alone_are_paired_by_seed(measured):
  judged = Judged('simclr', 'fine_tune')
  gap = measured.difference(judged)
  expected = scipy.stats.ttest_rel(GAINS[judged], GAINS[SCRATCH])
  low, high = expected.confidence_interval(0.95)
  assert gap['mean'] == pytest.approx(0.31 / 3)
  assert (gap['low'], gap['high']) == pytest.approx((low, high))
  assert measured.difference(SCRATCH) is None
  (sentence,) = [
    text
    for text in findings.over_scratch(measured)
    if text.startswith('SimCLR, fine-tune ')
  ]
  assert 'beats labels alone by 10.3 points' in sentence


def test_the_table_says_what_was_chosen_and_what_came_of_it(measured):
  text = tables.accuracies(measured, 8, 'test', 'full_set')
  head, _, *body = [
    [cell.strip() for cell in line.split('|')[1:-1]]
    for line in text.splitlines()
  ]
  lines = {line[0]: dict(zip(head, line, strict=True)) for line in body}
  scratch = lines['Labels alone']
  assert scratch['rate'] == '0.01'
  # Steps 50, 75 and 100 of 8 images, of 200.
  assert scratch['epoch'] == '2 to 4'
  assert scratch['validation, %'] == '70.0 ± 0.0'
  assert scratch['test, %'] == '51.0 ± 1.0'
  assert scratch['gap, points'] == '19.0 ± 1.0'
  assert scratch['published test, %'] == '64.41'
  assert lines['SimCLR, linear probe']['rate'] == '-'
  assert lines['Published weights, fine-tune']['published test, %'] == '92.80'
  assert lines['Labels alone, cosine']['test, %'] == '51.3 ± 0.6'


def test_channels_stand_beside_the_published_ones(measured):
  text = tables.channels(measured, 'full_set')
  assert '| mean, here | 0.810 ± 0.010 | 0.780 ± 0.000 |' in text
  assert '| mean, published | 0.8116 | 0.7858 | 0.7380 |' in text
  (said,) = findings.channels(Measured(made(1)), 'few_shot')
  assert '0.022 to 0.026' in said
  assert findings.channels(measured, '') == []


@pytest.mark.parametrize('seeds', [1, 3])
@pytest.mark.parametrize('weights', [None, 'resnet18.pth'])
def test_a_page_of_one_seed_and_of_three(tmp_path, seeds, weights):
  config = recipe.get_config('full_set')
  config.weights = weights
  console = Console(quiet=True)
  cartoon_transfer.write_page(config, made(seeds), tmp_path, console)
  text = (tmp_path / 'page.md').read_text()
  assert '200 images to learn from, 50 for validation' in text
  assert ('No file of published weights' in text) == (weights is None)
  assert 'nan' not in text.lower()
  for name in ('scratch', 'simclr', 'weights'):
    assert (tmp_path / f'cartoon_transfer/{name}-dark.png').exists()
  assert studies.STUDIES['cartoon_transfer'] is cartoon_transfer.write_page


@pytest.mark.parametrize('variant', list(recipe.VARIANTS))
def test_points_are_those_that_were_published_and_more(variant):
  config = recipe.get_config(variant)
  points = {
    (factors['arm'], factors['seed']): point
    for factors, point in recipe.sweep(config)
  }
  assert len(points) == 5 * len(config.seeds)
  seed = config.seeds[0]
  for arm in ('scratch', 'scratch_cosine', 'scratch_augmented'):
    point = points[arm, seed]
    assert point.evaluation.protocols == ('supervised',)
    section = point.evaluation.supervised
    assert section.optimizer.name == 'sgd'
    assert section.head_init == 'xavier'
    assert section.learning_rates == config.learning_rates
    decay = 'cosine' if arm.endswith('cosine') else 'constant'
    assert section.schedule.decay == decay
    fraction = 0.3 if arm.endswith('augmented') else 0.2
    assert point.data.validation_fraction == fraction
    assert point.data.test_seed == seed
  assert points['simclr', seed].evaluation.protocols == config.modes
  table = augment.with_statistics([0.8] * 3, [0.3] * 3)
  for arm in ('scratch_augmented', 'simclr'):
    size = config.data.image_size or 8
    channels = 1 if variant == 'digits' else 3
    for ops in (
      points[arm, seed].evaluation.supervised.augment,
      points[arm, seed].data.views,
    ):
      if variant == 'digits':
        table = augment.with_statistics([0.3], [0.4])
      augment.parse(ops, table, image_shape=(size, size, channels))


def test_arms_with_weights_are_there_where_a_file_is_given():
  config = recipe.get_config('few_shot')
  config.weights = 'resnet18.pth'
  points = {factors['arm']: point for factors, point in recipe.sweep(config)}
  assert tuple(points) == recipe.ARMS
  assert points['weights'].evaluation.protocols == config.modes
  assert points['weights_augmented'].evaluation.protocols == ('fine_tune',)
  assert points['weights_augmented'].weights == 'resnet18.pth'


def test_an_unknown_arm_is_named():
  config = recipe.get_config()
  config.arms = ('scratch', 'byol')
  with pytest.raises(ValueError, match=r"unknown arms 'byol'; known: scratch"):
    next(recipe.sweep(config))


def test_labels_alone_cannot_be_left_out():
  config = recipe.get_config()
  config.arms = ('simclr',)
  with pytest.raises(ValueError, match=r"\('simclr',\) are without 'scratch'"):
    next(recipe.sweep(config))


@pytest.mark.skipif(
  not CARTOONS.exists(),
  reason=f'the cartoons are not at {CARTOONS}; set SEMISUP_DATA_DIR',
)
def test_the_full_sets_channels_are_the_published_ones_the_few_shot_ones_not():
  config = recipe.get_config('full_set')
  config.data.path = str(CARTOONS)
  _, point = next(recipe.sweep(config))
  gathered = ingredients.gather(point)
  assert gathered.splits.counts() == {
    'unlabelled': 1686,
    'labelled': 1686,
    'validation': 422,
    'test': 236,
  }
  mean, std = published.CHANNELS['full_set']
  np.testing.assert_allclose(gathered.mean, mean, atol=0.01)
  np.testing.assert_allclose(gathered.std, std, atol=0.01)
  # Of 236 images, the published number of the few-shot set, means are spread
  # by the deviation of the images' means over the root of 236.
  images = gathered.splits.train.images[gathered.splits.known]
  means = images.mean(axis=(1, 2)) / 255
  error = means.std(axis=0) / np.sqrt(236)
  gap = np.abs(means.mean(axis=0) - published.CHANNELS['few_shot'][0])
  assert (gap > 2 * error).all()
  assert (gap > 3 * error).any()
