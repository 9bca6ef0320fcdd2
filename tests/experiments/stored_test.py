"""A run whose images stay in their files is the run with them in memory."""

import numpy as np
import pytest
import rich.console

from configs import supervised
from semisup_jax import experiments, training


@pytest.fixture
def path(tmp_path):
  random = np.random.default_rng(0)
  labels = np.arange(40) % 2
  images = random.integers(0, 200, (60, 8, 8, 3), np.uint8)
  images[:40] += 50 * labels[:, None, None, None].astype(np.uint8)
  np.savez(
    tmp_path / 'x.npz',
    train_images=images[:40],
    train_labels=labels,
    unlabelled_images=images[40:],
  )
  return tmp_path / 'x.npz'


def results_of(path, folder, **fields):
  config = supervised.get_config('npz')
  config.data.update(path=str(path), image_size=None, **fields)
  config.batch_size = 8
  config.model.update(width=4, strides=(2,))
  config.schedule.update(epochs=None, steps=4, warmup=0)
  config.evaluation.every = 2
  results = experiments.run(
    config,
    folder,
    console=rich.console.Console(quiet=True),
    command='',
    started=0.0,
    pages=False,
  )
  return results, training.read_metrics(folder)


def test_results_are_the_same_bits(path, tmp_path):
  resident, metrics = results_of(path, tmp_path / 'a')
  stored, same = results_of(path, tmp_path / 'b', in_memory=False, workers=1)
  for name in ('rows', 'tables', 'notes'):
    assert resident[name] == stored[name]
  assert metrics == same
