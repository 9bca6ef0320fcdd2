"""The page of the study of all methods, from rows that are made here."""

import numpy as np
import pytest
from rich.console import Console

from configs.studies import methods as recipe
from semisup_jax.studies import methods
from semisup_jax.studies.methods import findings
from semisup_jax.studies.methods.measured import Measured

KS = (1, 5, 20)


def result(protocol, k, mean):
  return {
    'protocol': protocol,
    'labels_per_class': k,
    'metric': 'top1',
    'mean': mean,
    'std': None,
    'n': 1,
  }


def point(method, labels, seed, results, **tables):
  return {
    'point': f'{method}-{labels}-{seed}',
    'factors': {'method': method, 'labels': labels, 'seed': seed},
    'method': method,
    'seconds': 30.0 + seed,
    'rows': results,
    'tables': tables,
    'counts': {'labelled': 1078 if labels == 'all' else 10},
  }


def encoder(method, means, labels=0, head=True):
  projection = {'of': 'projection', 'rank': 5.0, 'std': 0.25}
  return [
    point(
      method,
      labels,
      seed,
      [
        result(probe, k, mean + 0.01 * seed - less)
        for probe, less in (('linear_probe', 0.0), ('knn', 0.1))
        for k, mean in zip(KS, means, strict=True)
      ],
      representation=[
        {'of': 'embedding', 'rank': 10.0 + seed, 'std': 0.5},
        *([projection] if head else []),
      ],
    )
    for seed in range(3)
  ]


def pseudo_labels(precision):
  return [
    {'threshold': 0.0, 'n': 100, 'kept': 100, 'yield': 1.0, 'precision': 0.8},
    {
      'threshold': 0.95,
      'n': 100,
      'kept': 60,
      'yield': 0.6,
      'precision': precision,
      'used': True,
    },
  ]


def classifier(method, means, spread, models=None):
  return [
    point(
      method,
      k,
      seed,
      [result(m, k, mean + spread[seed]) for m in models or (method,)],
      **(
        {'pseudo_labels': pseudo_labels(0.9)} if method != 'supervised' else {}
      ),
    )
    for k, mean in zip(KS, means, strict=True)
    for seed in range(3)
  ]


@pytest.fixture
def rows():
  return [
    *encoder('raw_pixels', (0.6, 0.8, 0.9)),
    *encoder('random_encoder', (0.5, 0.7, 0.85)),
    *encoder('simclr', (0.9, 0.95, 0.96)),
    *encoder('byol', (0.8, 0.9, 0.95)),
    *encoder('sup_con', (0.97, 0.97, 0.97), labels='all'),
    *classifier('supervised', (0.6, 0.8, 0.9), (0.0, 0.01, 0.02)),
    *classifier('fixmatch', (0.7, 0.9, 0.92), (0.0, 0.012, 0.019)),
    *classifier(
      'self_training',
      (0.6, 0.8, 0.9),
      (0.03, -0.02, 0.02),
      ('teacher', 'student'),
    ),
  ]


def test_what_was_found_names_floors_winners_and_doubts(rows):
  rows += encoder('autoencoder', (0.6, 0.75, 0.9))
  said = findings.sentences(Measured(rows))
  best, above, below, random, fixmatch, student = said
  assert 'SimCLR beats BYOL at 5 labels a class by 5.0 points' in best
  assert above == (
    'More accurate than raw pixels at 5 labels a class, in points: SimCLR '
    '(+15.0) and BYOL (+10.0).'
  )
  assert below == (
    'Less accurate than raw pixels at 5 labels a class, in points: Autoencoder '
    '(-5.0).'
  )
  assert 'SimCLR (+25.0), BYOL (+20.0) and Autoencoder (+5.0)' in random
  assert fixmatch.startswith('FixMatch beats training on the labels alone')
  assert 'not distinguishable from training on the labels alone' in student


def test_the_page_has_every_method_with_what_it_saw(rows, tmp_path):
  methods.write_page(recipe.get_config(), rows, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert '| SimCLR | 11.0 | 0.50 | 5.0 | 0.25 |' in page
  tables = page.split('## ')
  encoders, classifiers, audit = (
    next(t for t in tables if t.startswith(name))
    for name in ('Encoders', 'Classifiers', 'The pseudo-labels')
  )
  # Seeds 0, 1 and 2 lie a point apart: 91.0 ± 1.0, in 31 s.
  assert '| SimCLR | 0 | 91.0 ± 1.0 | 96.0 ± 1.0 |' in encoders
  assert '| 31 s |' in encoders
  assert '| SupCon | 1,078 | 98.0 ± 1.0 |' in encoders
  gain = np.array([0.1, 0.102, 0.099]).mean() * 100
  assert f'**+{gain:.1f}' in classifiers
  assert '| FixMatch | 0.95 | 60.0 ± 0.0 | 90.0 ± 0.0 |' in audit
  assert '| FixMatch | 100.0 / 80.0 | 60.0 / 90.0 |' in audit
  for theme in ('light', 'dark'):
    size = (tmp_path / 'methods' / f'{theme}.png').stat().st_size
    assert 1_000 < size < 300_000


def test_an_encoder_without_a_head_has_no_projections(rows, tmp_path):
  rows = encoder('autoencoder', (0.6, 0.75, 0.9), head=False) + rows
  methods.write_page(recipe.get_config(), rows, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert '| Autoencoder | 11.0 | 0.50 |  |  |' in page
  assert '| SimCLR | 11.0 | 0.50 | 5.0 | 0.25 |' in page


def test_a_study_of_fewer_methods_has_a_page_too(rows, tmp_path):
  few = [r for r in rows if r['factors']['method'] in ('simclr', 'fixmatch')]
  methods.write_page(recipe.get_config(), few, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert '| SimCLR | 0 |' in page
  assert 'over the floors' not in page
  assert '| FixMatch | 71.0 ± 1.0 |' in page


def test_one_seed_has_no_interval_and_says_so(rows, tmp_path):
  one = [r for r in rows if r['factors']['seed'] == 0]
  methods.write_page(recipe.get_config(), one, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert 'of one seed, so that there are no intervals' in page
  assert 'Of one seed, without an interval, against raw pixels' in page
  assert '±' not in page


def test_seeds_that_kept_nothing_are_counted(rows, tmp_path):
  for row in rows:
    if row['factors'] == {'method': 'fixmatch', 'labels': 1, 'seed': 2}:
      row['tables']['pseudo_labels'] = pseudo_labels(None)
  methods.write_page(recipe.get_config(), rows, tmp_path, Console(quiet=True))
  page = (tmp_path / 'page.md').read_text()
  assert '| FixMatch | 0.95 | 60.0 ± 0.0 | 90.0 ± 0.0 (2 of 3) |' in page


def test_the_sweep_names_every_point_apart():
  config = recipe.get_config()
  points = list(recipe.sweep(config))
  # Two floors, seven without labels, one with all, eight at three numbers.
  assert len(points) == 3 * (2 + 7 + 1 + 8 * 3)
  factors = [tuple(f.values()) for f, _ in points]
  assert len(set(factors)) == len(points)
  for factor, point in points:
    assert point.seed == factor['seed']
    assert point.report_split == 'test'
    if factor['labels'] in KS:
      assert point.data.labels_per_class == factor['labels']
    else:
      assert point.evaluation.labels_per_class == KS


def test_an_unknown_method_of_the_sweep_is_named():
  config = recipe.get_config()
  config.methods = ('simclr', 'moco')
  with pytest.raises(ValueError, match=r"'moco'; known: raw_pixels, random"):
    list(recipe.sweep(config))
