"""Made results, in the shape of results.json."""

import numpy as np
import pytest


def make_row(protocol, k, mean, *, metric='top1', n=5, half=0.01):
  several = n > 1
  return {
    'protocol': protocol,
    'labels_per_class': k,
    'metric': metric,
    'mean': mean,
    'std': half if several else None,
    'n': n,
    'low': mean - half,
    'high': mean + half,
    'interval': "Student's t over draws"
    if several
    else 'bootstrap over test images',
    'values': [mean] * n,
  }


def make_pair(protocol, baseline, k, mean, low, high):
  return {
    'protocol': protocol,
    'baseline': baseline,
    'labels_per_class': k,
    'mean': mean,
    'low': low,
    'high': high,
    'n': 5,
  }


@pytest.fixture
def row():
  return make_row


@pytest.fixture
def pair():
  return make_pair


@pytest.fixture
def rows():
  means = {
    'linear_probe': (0.745, 0.951, 0.965),
    'knn': (0.744, 0.947, 0.955),
    'fine_tune': (0.69, 0.93, 0.971),
    'supervised': (0.45, 0.853, 0.945),
  }
  made = [
    make_row(protocol, k, mean)
    for protocol, column in means.items()
    for k, mean in zip((1, 5, 20), column, strict=True)
  ]
  made.append(make_row('linear_probe', 'all', 0.982, n=1))
  made.append(make_row('knn', 'all', 0.978, n=1))
  return made


@pytest.fixture
def results(rows):
  metrics = [{**row, 'metric': 'nll'} for row in rows]
  return {
    'experiment': 'pretrain',
    'method': 'simclr',
    'dataset': 'digits',
    'seed': 0,
    'split': 'test',
    'rows': rows,
    'tables': {
      'metrics': metrics,
      'differences': [
        make_pair('linear_probe', 'supervised', 5, 0.098, 0.071, 0.125),
        make_pair('linear_probe', 'knn', 5, 0.004, -0.006, 0.014),
        make_pair('fine_tune', 'supervised', 20, 0.026, 0.011, 0.041),
      ],
      'per_class_recall': [
        {'class': str(i), 'recall': 0.9 + i / 100, 'n': 50, 'shown': True}
        for i in range(10)
      ],
    },
    'notes': ['The unlabelled split contains the labelled images.'],
    'run': {
      'command': 'python launch.py --config=configs/simclr.py',
      'seconds': 312.4,
      'hardware': '2 cores',
      'date': '2026-05-12 14:03 UTC',
      'versions': {'jax': '0.10.1', 'numpy': np.__version__},
      'commit': None,
      'devices': '2 x cpu',
      'counts': {'unlabelled': 1038, 'test': 500},
    },
  }
