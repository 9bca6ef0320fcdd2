"""A study that takes no time: its runs write numbers and learn nothing."""

import io

import pytest
from ml_collections import config_dict
from rich.console import Console

from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.reporting import results as results_lib
from semisup_jax.studies import runner

SEEDS = (0, 1, 2)


def study(**fields):
  return config_dict.create(study='fake', seeds=SEEDS, **fields)


def sweep(seeds=SEEDS, methods=('simclr', 'supervised'), ks=(1, 5), **fields):
  """Points as a recipe's sweep(config) yields them."""
  for method in methods:
    for k in ks:
      for seed in seeds:
        config = config_dict.create(
          experiment='pretrain', seed=seed, method=method, k=k, **fields
        )
        yield {'method': method, 'labels_per_class': k, 'seed': seed}, config


def accuracy(config):
  gain = {'simclr': 0.1, 'supervised': 0.0}[config.method]
  return 0.5 + gain + 0.01 * config.k + 0.02 * config.seed


class FakeRuns:
  """Runs as `experiments.run` does, and counts them."""

  def __init__(self):
    self.names = []
    self.failing = {}

  def __call__(self, config, folder, *, console, command, started):
    with workdir_lib.claimed(folder, config.to_dict()):
      self._run(config, folder, console)

  def _run(self, config, folder, console):
    if folder.name in self.failing:
      raise self.failing[folder.name]
    console.print(f'log of {folder.name}')
    self.names.append(folder.name)
    row = {
      'protocol': 'linear_probe',
      'labels_per_class': config.k,
      'metric': 'top1',
      'mean': accuracy(config),
      'std': 0.5,
      'n': 5,
      'values': [accuracy(config)] * 5,
    }
    results = {
      'method': config.method,
      'rows': [row],
      'tables': {
        'metrics': [{**row, 'metric': 'nll', 'mean': 1.0}],
        'per_class_recall': [{'class': 'a', 'recall': 1.0, 'n': 3}],
      },
      'run': {'seconds': 2.0, 'counts': {'test': 449}},
    }
    results_lib.write_json(folder / 'results.json', results)


@pytest.fixture
def runs():
  return FakeRuns()


@pytest.fixture
def launch(tmp_path, runs):
  """Runs the study in tmp_path/study; returns its rows and what it said."""

  def launch(points=None, config=None, **arguments):
    text = io.StringIO()
    rows = runner.run(
      study() if config is None else config,
      sweep() if points is None else points,
      tmp_path / 'study',
      **{
        'console': Console(file=text, width=200),
        'command': 'python launch.py',
        'check': lambda config: None,
        'run_point': runs,
        **arguments,
      },
    )
    return rows, text.getvalue()

  return launch


@pytest.fixture
def rows(launch):
  return launch()[0]
