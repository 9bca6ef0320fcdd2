"""A step does no more work than it did, counted and not timed."""

import collections

import jax
import numpy as np
import pytest
from rich.console import Console

from benchmarks import guard
from configs import simclr
from semisup_jax import experiments
from semisup_jax.experiments import fitting, pretrain

HOW = 'if that is meant, record it by `python -m benchmarks.guard --update`'
COMPILED = '/jax/core/compile/backend_compile_duration'


@pytest.mark.parametrize('case', guard.CASES)
def test_a_step_costs_what_is_recorded(case):
  recorded = guard.read()
  changes = guard.changes(guard.counts(case), recorded['counts'][case])
  assert not changes, (
    f'a step of {case} has other {"; ".join(changes)}, with jax '
    f'{recorded["jax"]}; {HOW}'
  )


def test_a_change_beyond_the_tolerance_is_named():
  recorded = {'flops': 1000.0, 'bytes accessed': 1000.0}
  assert not guard.changes({**recorded, 'flops': 1020.0}, recorded)
  (change,) = guard.changes({**recorded, 'flops': 1100.0}, recorded)
  assert change.startswith('flops: 1100, where 1000 was recorded (+10.0%')


@pytest.fixture
def compiled():
  """How often each program is compiled, by the name of its function."""
  names = collections.Counter()

  def listen(event, duration, **more):
    del duration
    names[more.get('fun_name', '')] += event == COMPILED

  jax.monitoring.register_event_duration_secs_listener(listen)
  yield names
  jax.monitoring.unregister_event_duration_listener(listen)


def test_the_step_of_the_main_recipe_is_compiled_once(tmp_path, compiled):
  config = simclr.get_config()
  config.update_from_flattened_dict(
    {
      'batch_size': 32,
      'model.width': 4,
      'schedule.steps': 3,
      'schedule.warmup': 1.0,
    }
  )
  ingredients, _ = experiments.prepare(config)
  method = pretrain.make_method(config, ingredients)
  recipe = fitting.plan(config, method, ingredients)
  mesh = recipe.mesh()
  step, after_the_first = fitting.compiled_step(method, recipe, mesh), []

  def watched(state, batch):
    result = step(state, batch)
    after_the_first.append(compiled.total())
    return result

  state = fitting.fit(
    method,
    ingredients,
    recipe,
    evaluators={},
    mesh=mesh,
    folder=tmp_path,
    checkpoint=config.checkpoint,
    seed=0,
    console=Console(quiet=True),
    train_step=watched,
  )
  assert int(state.step) == 3
  assert sum(n for name, n in compiled.items() if 'step' in name) == 1
  np.testing.assert_array_equal(after_the_first, after_the_first[0])
