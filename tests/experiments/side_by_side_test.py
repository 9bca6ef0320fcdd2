"""Trainings side by side give what they give one after the other."""

import dataclasses
import os
import signal
import threading

import jax
import numpy as np
import pytest
import rich.console

from semisup_jax import evaluation, training
from semisup_jax.evaluation import label_efficiency
from semisup_jax.experiments import ingredients as ingredients_lib
from semisup_jax.experiments import measuring
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.training import sharding
from tests.tiny_network import Layers, some_config

QUIET = rich.console.Console(quiet=True)


def embeddings_of(**fields):
  config = some_config()
  config.evaluation.update(
    protocols=('fine_tune', 'linear_probe', 'supervised'),
    labels_per_class=(1, 2),
    draws=2,
  )
  config.evaluation.fine_tune.update(fields)
  gathered = ingredients_lib.gather(config)
  gathered = dataclasses.replace(gathered, encoder=Layers())
  image = np.zeros((1, 8, 8, 1), np.float32)
  variables = Layers().init(jax.random.key(0), image, train=False)
  return Embeddings(config, gathered, training.make_mesh(16), dict(variables))


def evaluated(cores, monkeypatch, **fields):
  """Outcomes, courses, and how many trainings there were at most at once."""
  monkeypatch.setattr(sharding, 'usable_cores', lambda: cores)
  embeddings, running, most = embeddings_of(**fields), set(), []
  meet = threading.Barrier(cores)
  train = evaluation.Finetuner.__call__

  def watched(self, *args, **named):
    running.add(threading.get_ident())
    most.append(len(running))
    if len(most) <= cores:
      meet.wait(60)  # All cores have a training before one goes on.
    try:
      return train(self, *args, **named)
    finally:
      running.discard(threading.get_ident())

  monkeypatch.setattr(evaluation.Finetuner, '__call__', watched)
  outcomes = measuring.evaluate(embeddings.config, embeddings, QUIET)
  monkeypatch.undo()
  return outcomes, embeddings, max(most)


def test_outcomes_are_those_of_one_after_the_other(monkeypatch):
  rates = {'learning_rates': (0.1, 0.03)}
  alone, serial, most = evaluated(1, monkeypatch, **rates)
  assert most == 1
  beside, parallel, most = evaluated(2, monkeypatch, **rates)
  assert most == 2
  assert len(alone) == len(beside) == 3 * 2 * 2
  for a, b in zip(alone, beside, strict=True):
    np.testing.assert_allclose(a.logits, b.logits, rtol=1e-3, atol=1e-3)
    assert dataclasses.replace(a, logits=b.logits) == b
  assert serial.probe.labels == parallel.probe.labels == 20
  keys = ('protocol', 'labels', 'draw', 'learning_rate', 'step')
  found = [
    [tuple(look[key] for key in keys) for look in embeddings.courses]
    for embeddings in (serial, parallel)
  ]
  assert found[0] == found[1]
  assert len(found[0]) == 2 * 2 * 2 * 6


def test_a_signal_ends_all_of_them(monkeypatch):
  monkeypatch.setattr(sharding, 'usable_cores', lambda: 2)
  embeddings, begun = embeddings_of(), []
  embeddings.config.evaluation.draws = 20
  train = evaluation.Finetuner.__call__

  def watched(self, *args, **named):
    begun.append(None)
    if len(begun) == 2:
      os.kill(os.getpid(), signal.SIGTERM)
    return train(self, *args, **named)

  monkeypatch.setattr(evaluation.Finetuner, '__call__', watched)
  with pytest.raises(training.Interrupted), training.handled():
    measuring.evaluate(embeddings.config, embeddings, QUIET)
  # Both that were under way, and what they made room for before they ended.
  assert len(begun) < 10


def test_the_error_of_the_first_that_fails_is_raised():
  def protocol(rows, draw):
    if draw:
      raise training.NotFiniteError(f'draw {draw}')
    return np.zeros((5, 2)), None

  with pytest.raises(training.NotFiniteError, match='draw 1'):
    label_efficiency.label_efficiency(
      {'a': protocol},
      labels=np.arange(100) % 2,
      rows=np.arange(100),
      num_classes=2,
      labels_per_class=(1,),
      draws=20,
      seed=0,
      protocols_for_all=(),
      side_by_side=('a',),
      at_once=2,
    )
