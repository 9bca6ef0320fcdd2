"""Finished runs that nobody has trained: results.json and config.json."""

import copy
import statistics

from semisup_jax.reporting import results as results_lib

CONFIG = {
  'seed': 0,
  'experiment': 'evaluate',
  'report_split': 'test',
  'data': {
    'name': 'digits',
    'path': None,
    'classes': None,
    'labels_per_class': 'all',
    'labels_skip': 0,
    'validation_fraction': 0.2,
    'test_fraction': 0.25,
  },
  'model': {'name': 'convnet', 'width': 32},
}
DRAWS = {1: (0.5, 0.6, 0.4), 5: (0.7, 0.8, 0.75), 'all': (0.9,)}


def row(protocol, k, values, metric='top1'):
  """A row of results.json; its interval is roughly that of the library."""
  several = len(values) > 1
  mean = statistics.fmean(values)
  return {
    'protocol': protocol,
    'labels_per_class': k,
    'metric': metric,
    'mean': mean,
    'std': statistics.stdev(values) if several else None,
    'n': len(values),
    'low': mean - 0.05,
    'high': mean + 0.05,
    'interval': "Student's t over draws"
    if several
    else 'bootstrap over test images',
    'values': list(values),
  }


def results(config, draws=DRAWS, *, shift=0.0, protocol='linear_probe'):
  """results.json of a run whose every value is `shift` above `draws`."""
  rows = [
    row(protocol, k, [value + shift for value in values])
    for k, values in draws.items()
  ]
  return {
    'experiment': config['experiment'],
    'method': 'random_encoder',
    'dataset': config['data']['name'],
    'seed': config['seed'],
    'split': config['report_split'],
    'rows': rows,
    'tables': {'metrics': [{**rows[0], 'metric': 'nll'}]},
    'notes': ['No labelled image is among the unlabelled ones.'],
    'run': {
      'command': 'python launch.py --config=configs/untrained.py',
      'seconds': 18.1,
      'date': '2026-11-25',
      'counts': {'labelled': 1078, 'validation': 270, 'test': 449},
      'versions': {'python': '3.11.7', 'jax': '0.10.2'},
      'commit': '917d7e82f839',
      'hardware': '2 cores',
    },
  }


def changed(fields):
  """CONFIG with some fields, by their dotted names, changed."""
  config = copy.deepcopy(CONFIG)
  for path, value in fields.items():
    *sections, name = path.split('.')
    place = config
    for section in sections:
      place = place.setdefault(section, {})
    place[name] = value
  return config


def write(folder, fields=(), **more):
  """Makes the folder of a run whose config has other fields."""
  folder.mkdir(parents=True)
  config = changed(dict(fields))
  results_lib.write_json(folder / 'config.json', {'config': config})
  results_lib.write_json(folder / 'results.json', results(config, **more))
  return folder
