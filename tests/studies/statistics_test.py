"""Means over seeds, paired differences, and what they say."""

import numpy as np
import pytest
import scipy.stats

from semisup_jax.studies import statistics


def point(method, seed, *means, ks=(5,), protocol=None, **factors):
  """A row of rows.jsonl: a mean for each of `ks`."""
  rows = [
    {
      'protocol': protocol or method,
      'labels_per_class': k,
      'metric': 'top1',
      'mean': mean,
      'std': 0.3,
      'n': 5,
      'values': [mean] * 5,
    }
    for k, mean in zip(ks, means, strict=True)
  ]
  factors = {'method': method, 'seed': seed, **factors}
  name = ','.join(f'{k}={v}' for k, v in factors.items())
  return {'point': name, 'method': method, 'factors': factors, 'rows': rows}


FIXMATCH, SUPERVISED = (0.81, 0.84, 0.86), (0.76, 0.77, 0.79)
ROWS = [
  *(point('fixmatch', s, m) for s, m in enumerate(FIXMATCH)),
  *(point('supervised', s, m) for s, m in enumerate(SUPERVISED)),
]


def t_interval(values):
  half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
  return np.mean(values) - half, np.mean(values) + half


def test_each_seed_counts_once_whatever_its_draws():
  first, second = statistics.summarize(ROWS)
  assert (first['method'], first['protocol']) == ('fixmatch', 'fixmatch')
  assert (first['labels_per_class'], first['metric']) == (5, 'top1')
  assert first['mean'] == pytest.approx(np.mean(FIXMATCH))
  assert first['std'] == pytest.approx(np.std(FIXMATCH, ddof=1))
  assert (first['low'], first['high']) == pytest.approx(t_interval(FIXMATCH))
  assert first['n'] == 3
  assert first['interval'] == "Student's t over seeds"
  assert (first['values'], first['units']) == (list(FIXMATCH), [0, 1, 2])
  assert second['mean'] == pytest.approx(np.mean(SUPERVISED))


def test_one_seed_has_no_spread():
  (row,) = statistics.summarize(ROWS[:1])
  assert (row['n'], row['std'], row['low']) == (1, None, None)
  assert row['interval'] is None


def test_protocols_metrics_and_numbers_of_labels_are_never_mixed():
  rows = [point('simclr', s, 0.5, 0.7, ks=(1, 'all')) for s in (0, 1)]
  for row in rows:
    row['tables'] = {'metrics': [{**row['rows'][0], 'metric': 'nll'}]}
    row['rows'] += [{**row['rows'][0], 'protocol': 'knn', 'mean': 0.4}]
  found = {
    (r['protocol'], r['labels_per_class'], r['metric']): (r['mean'], r['n'])
    for r in statistics.summarize(rows, by=('method',))
  }
  assert found == {
    ('simclr', 1, 'top1'): (0.5, 2),
    ('simclr', 'all', 'top1'): (0.7, 2),
    ('knn', 1, 'top1'): (0.4, 2),
    ('simclr', 1, 'nll'): (0.5, 2),
  }


def test_a_factor_that_by_does_not_name_is_refused_by_name():
  rows = [point('simclr', 0, 0.5, width=w) for w in (4, 8)]
  with pytest.raises(ValueError, match=r'seed=0 is there twice.*: width$'):
    statistics.summarize(rows)
  assert len(statistics.summarize(rows, by=('width',))) == 2
  with pytest.raises(ValueError, match="no field 'depth'; known: point, "):
    statistics.summarize(rows, by=('depth',))


def test_what_was_measured_prevails_over_a_factor_of_the_same_name():
  rows = [point('simclr', 0, 0.5, ks=('all',), labels_per_class=5)]
  (row,) = statistics.summarize(rows)
  assert row['labels_per_class'] == 'all'


def test_differences_are_paired_by_seed():
  rows = [ROWS[2], *ROWS[:2], *ROWS[3:], point('fixmatch', 7, 0.1)]
  (row,) = statistics.paired(rows, 'fixmatch', 'supervised')
  differences = np.subtract(FIXMATCH, SUPERVISED)
  assert row['units'] == [0, 1, 2]  # Seed 7 has no partner.
  assert row['values'] == pytest.approx(differences)
  assert row['mean'] == pytest.approx(differences.mean())
  assert (row['low'], row['high']) == pytest.approx(t_interval(differences))
  (turned,) = statistics.paired(rows, 'supervised', 'fixmatch')
  assert turned['mean'] == pytest.approx(-row['mean'])


def test_sides_are_chosen_by_any_fields():
  rows = [point('simclr', s, 0.5 + s / 10, protocol='knn') for s in (0, 1)]
  rows += [point('simclr', s, 0.4, protocol='fine_tune') for s in (0, 1)]
  (row,) = statistics.paired(
    rows, {'protocol': 'knn'}, {'protocol': 'fine_tune'}
  )
  assert row['values'] == pytest.approx([0.1, 0.2])
  with pytest.raises(ValueError, match=r'twice.*: protocol$'):
    statistics.paired(rows, 'simclr', {'protocol': 'knn'})
  with pytest.raises(ValueError, match=r"no row has {'method': 'moco'}"):
    statistics.paired(ROWS, 'moco', 'supervised')


def difference(values, **fields):
  low, high = t_interval(values) if len(values) > 1 else (None, None)
  return {
    'a': {'method': 'fixmatch'},
    'b': {'method': 'supervised'},
    'labels_per_class': 5,
    'metric': 'top1',
    'mean': float(np.mean(values)),
    'low': low,
    'high': high,
    'n': len(values),
    'over': 'seed',
    'units': [*range(len(values))],
  } | fields


@pytest.mark.parametrize(
  ('row', 'text'),
  [
    (
      difference([0.05, 0.07, 0.07]),
      'FixMatch beats supervised at 5 labels a class by 6.3 points (95 % '
      'interval 3.5 to 9.2, n = 3 seeds).',
    ),
    (
      difference([-0.05, -0.07, -0.07], labels_per_class=1),
      'Supervised beats FixMatch at 1 label a class by 6.3 points (95 % '
      'interval 3.5 to 9.2, n = 3 seeds).',
    ),
    (
      difference([-0.05, 0.03], labels_per_class='all'),
      'FixMatch is not distinguishable from supervised with all labels: '
      'difference -1.0 points, 95 % interval -51.8 to 49.8 (n = 2 seeds).',
    ),
    (
      difference([0.0612]),
      'FixMatch is 6.1 points above supervised at 5 labels a class (no '
      'interval, n = 1 seed).',
    ),
    (
      difference([-0.5, -0.51], metric='nll'),
      'FixMatch beats supervised at 5 labels a class in negative '
      'log-likelihood by 0.505 (95 % interval 0.441 to 0.569, n = 2 seeds).',
    ),
    (
      difference(
        [0.05, 0.051],
        a={'method': 'simclr', 'protocol': 'linear_probe'},
        b={'protocol': 'knn'},
        severity=3,
      ),
      'SimCLR (linear probe) beats kNN at 5 labels a class, severity 3 by 5.1 '
      'points (95 % interval 4.4 to 5.7, n = 2 seeds).',
    ),
  ],
)
def test_a_sentence_says_who_is_better_and_how_sure_that_is(row, text):
  assert statistics.sentence(row) == text


def test_a_sentence_can_be_given_names():
  row = difference([0.05, 0.07, 0.07])
  text = statistics.sentence(row, a='kNN', b='labels alone')
  assert text.startswith('kNN beats labels alone at 5 labels')
