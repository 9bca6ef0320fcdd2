"""The state, the step, the loop and the checkpoints, on a small method."""

import dataclasses
import json
import math
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax import metrics, training
from semisup_jax.training import loop, sharding
from semisup_jax.types import InputError

from .conftest import (
  SCHEDULE,
  assert_same,
  batch,
  checkpoints_in,
  fit,
  line_method,
  start,
)


def test_a_step_does_not_change_the_state_it_was_given():
  method = line_method()
  state, _ = start(method)
  before = jax.device_get(state.variables)
  after, metrics = training.train_step(
    state, batch(0), method=method, schedule=SCHEDULE
  )
  assert_same(before, jax.device_get(state.variables))
  assert int(after.step) == 1
  assert float(after.params['w']) != float(state.params['w'])
  assert float(after.batch_stats['mean']) != 0
  assert metrics.keys() == {'loss', 'grad_norm', 'learning_rate'}


def test_metrics_describe_the_parameters_before_the_update():
  method = line_method()
  state, _ = start(method)
  x = batch(0)['labelled']['image']
  _, metrics = training.train_step(
    state, batch(0), method=method, schedule=SCHEDULE
  )
  np.testing.assert_allclose(
    metrics['loss'], np.mean((x - 3 * x) ** 2), rtol=0.02
  )
  assert float(metrics['learning_rate']) == pytest.approx(0.03)


def test_the_mesh_is_in_context_of_the_loss():
  seen = []
  method = line_method()

  def loss(*arguments):
    seen.append(dict(jax.sharding.get_abstract_mesh().shape))
    return method.loss(*arguments)

  state, step = start(dataclasses.replace(method, loss=loss))
  step(state, batch(0))
  assert seen == [{'data': 8}]


def test_it_learns():
  state, step = start(line_method())
  assert float(fit(state, step, 200).params['w']) == pytest.approx(3, abs=0.05)


def test_a_resumed_run_is_bit_identical(tmp_path):
  state, step = start(line_method(), looks=9)
  evaluators = {'line': lambda s: {'near': -abs(float(s.params['w']) - 3)}}
  more = {'evaluators': evaluators, 'select_by': ('line', 'near')}
  whole = fit(state, step, **more)

  state, step = start(line_method(), looks=9)
  first = checkpoints_in(tmp_path)
  fit(state, step, steps=20, checkpoints=first, **more)
  first.close()
  fresh, step = start(line_method(), looks=9)
  second = checkpoints_in(tmp_path)
  assert second.latest_step() == 20
  resumed = fit(second.restore(fresh).state, step, checkpoints=second, **more)
  second.close()
  assert_same(whole, resumed)
  assert int(whole.selection.step) > 0


def test_only_the_newest_checkpoints_are_kept(tmp_path):
  state, step = start(line_method())
  checkpoints = checkpoints_in(tmp_path)
  fit(state, step, checkpoints=checkpoints)
  checkpoints.close()
  kept = {p.name for p in (tmp_path / 'checkpoints').iterdir()}
  assert kept == {'20', '30'}


def test_the_log_has_every_step_once_after_a_resume(tmp_path):
  evaluators = {'line': lambda s: {'w': float(s.params['w'])}}
  state, step = start(line_method())
  checkpoints = checkpoints_in(tmp_path)
  log = training.MetricsLog(tmp_path, from_step=0)
  fit(
    state,
    step,
    steps=25,
    log=log,
    checkpoints=checkpoints,
    evaluators=evaluators,
  )
  log.close()
  # As if killed between steps 20 and 25, in the middle of a line.
  checkpoints.close()
  shutil.rmtree(tmp_path / 'checkpoints' / '25')
  with (tmp_path / 'metrics.jsonl').open('a') as file:
    file.write('{"step": 26, "spl')
  fresh, step = start(line_method())
  checkpoints = checkpoints_in(tmp_path)
  fresh, _ = checkpoints.restore(fresh)
  log = training.MetricsLog(tmp_path, from_step=int(fresh.step))
  fit(fresh, step, log=log, checkpoints=checkpoints, evaluators=evaluators)
  log.close()
  checkpoints.close()
  rows = training.read_metrics(tmp_path)
  train = [row['step'] for row in rows if row['split'] == 'train']
  assert train == list(range(1, 31))
  looked = [row['step'] for row in rows if row['split'] == 'validation']
  assert looked == [10, 20, 30]
  assert all('line_w' in row for row in rows if row['split'] == 'validation')


def test_selection_keeps_the_best_and_of_equals_the_latest():
  values = iter([0.5, 0.9, 0.9, 0.2])
  state, step = start(line_method(), looks=9)
  seen = {}

  def evaluate(s):
    value = next(values)
    seen[int(s.step)] = (value, float(s.params['w']))
    return {'top1': value}

  state = fit(
    state,
    step,
    steps=40,
    evaluators={'probe': evaluate},
    select_by=('probe', 'top1'),
  )
  assert int(state.selection.step) == 30
  np.testing.assert_allclose(
    state.selection.seen[:5, 0], [0.5, 0.9, 0.9, 0.2, -np.inf]
  )
  assert float(state.selection.variables['params']['w']) == seen[30][1]
  assert float(state.params['w']) != seen[30][1]


@pytest.mark.parametrize('spoil_at', [3, 17])
def test_a_loss_that_is_not_finite_stops_and_keeps_what_was_good(
  tmp_path, spoil_at
):
  state, step = start(line_method(spoil_at))
  checkpoints = checkpoints_in(tmp_path)
  log = training.MetricsLog(tmp_path, from_step=0)
  kept = '10' if spoil_at > 10 else 'no checkpoint'
  with pytest.raises(
    training.NotFiniteError, match=f'nan at step {spoil_at + 1};.*{kept}'
  ):
    fit(state, step, checkpoints=checkpoints, log=log)
  log.close()
  assert checkpoints.latest_step() == (10 if spoil_at > 10 else None)
  checkpoints.close()
  lines = (tmp_path / 'metrics.jsonl').read_text().splitlines()
  last = json.loads(lines[-1])
  assert last['step'] == spoil_at + 1
  assert last['loss'] is None
  assert len(lines) == spoil_at + 1


@pytest.mark.parametrize('n', [3, 269])
def test_an_equal_value_is_a_tie_however_it_rounds(n):
  # Half of all k / n are less than their float32, half are more.
  state, _ = start(line_method(), looks=2)
  for k in range(n):
    value = metrics.selection_values({'top1': k / n}, ['top1'])
    state = state.replace(step=jnp.int32(2 * k))
    first = loop._select(state, value, state.variables)
    later = first.replace(step=jnp.int32(2 * k + 1))
    second = loop._select(later, value, later.variables)
    assert int(second.selection.step) == 2 * k + 1


@pytest.mark.parametrize(
  ('top1', 'nll', 'kept'),
  [
    # The second is first by one metric and last by the other; the third is
    # second by both, which is as good, and later.
    ([0.5, 0.9, 0.7], [0.2, 0.6, 0.4], 30),
    # The second is better by both, the third the worst by both.
    ([0.5, 0.7, 0.4], [0.5, 0.4, 0.6], 20),
    # A gain of a hair and a loss of a hair are a tie, at whatever scale.
    ([0.5, 0.51], [1.0, 5.0], 20),
    ([0.5, 0.5], [1.0, 1.1], 10),
    # The mean ranks are 2, 2.5, 3 and 2.5, the highest being the best.
    ([0.6, 0.9, 0.8, 0.5], [0.3, 0.4, 0.2, 0.1], 30),
  ],
)
def test_several_metrics_select_by_their_mean_rank(top1, nll, kept):
  state, step = start(line_method(), looks=len(top1), metrics=2)
  looks = iter(zip(top1, nll, strict=True))
  state = fit(
    state,
    step,
    steps=10 * len(top1),
    evaluators={
      'probe': lambda s: dict(zip(('top1', 'nll'), next(looks), strict=True))
    },
    select_by=('probe', 'top1', 'nll'),
  )
  assert int(state.selection.step) == kept
  assert int(state.selection.look) == kept // 10 - 1


def test_initial_variables_are_copied_and_only_the_named_ones_replaced():
  state, step = start(line_method())
  mine = {'params': {'w': jnp.float32(7.0)}}
  state = training.create_state(
    line_method(), optax.sgd(0.1), jax.random.key(0), batch(0), initial=mine
  )
  assert float(state.params['w']) == 7.0
  assert float(state.batch_stats['mean']) == 0.0
  mesh = training.make_mesh(16)
  jax.block_until_ready(step(start(line_method())[0], batch(0)))
  fit(
    jax.device_put(state, training.replicated(mesh)),
    training.make_train_step(line_method(), SCHEDULE, mesh),
    steps=2,
  )
  # The state was donated; what it started from was not.
  assert float(mine['params']['w']) == 7.0


@pytest.mark.parametrize(
  ('batch_size', 'accumulate', 'devices', 'expected'),
  [
    (256, 1, 2, 2),
    (250, 1, 6, 5),
    (256, 1, 6, 4),
    (7, 1, 6, 1),
    (64, 1, 8, 8),
    (64, 16, 8, 4),
    (60, 6, 8, 5),
  ],
)
def test_a_cpu_mesh_is_the_largest_that_divides_a_micro_batch(
  batch_size, accumulate, devices, expected
):
  mesh = training.make_mesh(
    batch_size, jax.devices()[:devices], accumulate=accumulate
  )
  assert mesh.size == expected
  assert mesh.axis_names == ('data',)


class Accelerator:
  platform = 'gpu'


def test_accelerators_are_never_left_idle_silently():
  with pytest.raises(InputError, match=r'250 .* 8 devices; use 248 or 256'):
    sharding.make_mesh(250, [Accelerator()] * 8)
  with pytest.raises(InputError, match=r'5 .* 8 devices; use 8'):
    sharding.make_mesh(5, [Accelerator()] * 8)
  with pytest.raises(
    InputError, match=r'72 in 4 micro-batches .* 8 devices; use 64 or 96'
  ):
    sharding.make_mesh(72, [Accelerator()] * 8, accumulate=4)


def test_batch_250_trains_on_six_devices():
  state, _ = start(line_method())
  mesh = training.make_mesh(250, jax.devices()[:6])
  step = training.make_train_step(line_method(), SCHEDULE, mesh)
  x = np.random.default_rng(0).normal(size=250).astype(np.float32)
  state, metrics = step(
    jax.device_put(state, training.replicated(mesh)),
    {'labelled': {'image': jax.device_put(x, training.divided(mesh))}},
  )
  expected = np.mean((x - 3 * x) ** 2)
  np.testing.assert_allclose(float(metrics['loss']), expected, rtol=0.02)


def test_metrics_are_written_to_tensorboard_where_it_is_installed(tmp_path):
  pytest.importorskip('tensorboardX', reason='the extra tensorboard')
  log = training.MetricsLog(tmp_path, from_step=0)
  log.write(1, 'train', {'loss': 0.5, 'odd': math.nan})
  log.close()
  assert list((tmp_path / 'tb').iterdir())


def test_metrics_are_fetched_a_few_steps_late_but_all_of_them(tmp_path):
  state, step = start(line_method())
  log = training.MetricsLog(tmp_path, from_step=0)
  fit(state, step, steps=loop.FETCH_EVERY + 3, evaluate_every=1000, log=log)
  log.close()
  assert len(training.read_metrics(tmp_path)) == loop.FETCH_EVERY + 3


@pytest.mark.parametrize(
  ('patience', 'values', 'ends', 'best'),
  [
    (None, [3, 2, 1, 0, 0, 0], 60, 10),
    (1, [1, 2, 3, 2, 9], 40, 30),
    (2, [1, 3, 2, 4, 3, 3], 60, 40),
    (2, [1, 2, 2, 1, 1, 9], 50, 30),  # An equal one is no worse.
    (3, [5, 1, 2, 3, 9], 40, 10),
  ],
)
def test_patience_counts_looks_since_the_best(patience, values, ends, best):
  state, step = start(line_method(), looks=9)
  looks = iter(values)
  state = fit(
    state,
    step,
    steps=60,
    evaluators={'probe': lambda s: {'top1': next(looks)}},
    select_by=('probe', 'top1'),
    patience=patience,
  )
  assert (int(state.step), int(state.selection.step)) == (ends, best)


def test_what_has_stopped_early_does_not_begin_again(tmp_path):
  looks = iter([1.0, 0.5, 0.4])
  more = {
    'evaluators': {'probe': lambda s: {'top1': next(looks)}},
    'select_by': ('probe', 'top1'),
    'patience': 2,
  }
  state, step = start(line_method(), looks=9)
  checkpoints = checkpoints_in(tmp_path)
  whole = fit(state, step, steps=90, checkpoints=checkpoints, **more)
  checkpoints.close()
  assert int(whole.step) == 30
  fresh, step = start(line_method(), looks=9)
  checkpoints = checkpoints_in(tmp_path)
  again, _ = checkpoints.restore(fresh)
  again = fit(again, step, steps=90, checkpoints=checkpoints, **more)
  checkpoints.close()
  assert_same(whole, again)
