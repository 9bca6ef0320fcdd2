"""The rate is lowered as Optax would, by a value in the state."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from semisup_jax import training
from semisup_jax.optim import Plateau

from .conftest import assert_same, batch, checkpoints_in, fit, line_method

PLATEAU = Plateau(factor=0.5, patience=2, min_scale=0.2)
# Two in vain, a better one, one in vain, a better one, five in vain.
VALUES = (1.0, 0.5, 0.4, 2.0, 1.5, 3.0, 1.0, 2.0, 2.5, 2.6, 2.7)
RATE = optax.constant_schedule(0.001)
TRACED = []


def counted(*arguments):
  TRACED.append(1)
  return line_method().loss(*arguments)


TX = optax.sgd(RATE)
METHOD = dataclasses.replace(line_method(), loss=counted)
MESH = training.make_mesh(16)
STEP = training.make_train_step(METHOD, RATE, MESH)


def start():
  state = training.create_state(
    METHOD,
    TX,
    jax.random.key(0),
    batch(0),
    select=(20, 1),
    plateau=True,
  )
  return training.everywhere(state, MESH)


def followed(state, *, metric='top1', sign=1, values=VALUES, steps=110, **more):
  """Trains on, looked at every ten steps; and the scale after each look."""
  scales = []

  def evaluate(state):
    scales.append(float(state.plateau_scale))
    return {metric: sign * values[int(state.step) // 10 - 1]}

  state = fit(
    state,
    STEP,
    steps=steps,
    evaluators={'probe': evaluate},
    select_by=('probe', metric),
    plateau=PLATEAU,
    **more,
  )
  # An evaluator sees the scale before its own look counts.
  return state, [*scales[1:], float(state.plateau_scale)]


def of_optax():
  reduce = optax.contrib.reduce_on_plateau(
    PLATEAU.factor,
    PLATEAU.patience,
    rtol=1e-9,
    min_scale=PLATEAU.min_scale,
  )
  update = jax.jit(reduce.update)
  state, scales = reduce.init({}), []
  for value in VALUES:
    _, state = update({}, state, value=-value)
    scales.append(float(state.scale))
  return scales


@pytest.mark.parametrize(('metric', 'sign'), [('top1', 1), ('nll', -1)])
def test_it_is_lowered_when_optax_would(metric, sign):
  state, scales = followed(start(), metric=metric, sign=sign)
  assert scales == pytest.approx(of_optax())
  assert sorted(set(scales)) == pytest.approx([0.2, 0.25, 0.5, 1.0])
  assert int(state.selection.step) == 60


def test_an_equal_look_is_not_in_vain():
  _, scales = followed(start(), values=(1.0,) * 6, steps=60)
  assert scales == [1.0] * 6


def test_the_scale_scales_updates_and_the_logged_rate_in_one_compilation():
  def moved(scale):
    state = start()
    if scale is not None:
      selection = state.selection.replace(
        plateau_scale=scale * state.selection.plateau_scale
      )
      state = state.replace(selection=selection)
    before = float(state.params['w'])
    state, metrics = STEP(state, batch(0))
    return float(state.params['w']) - before, float(metrics['learning_rate'])

  whole, half = moved(None), moved(0.5)
  np.testing.assert_allclose(half, 0.5 * np.array(whole), rtol=1e-3)
  assert len(TRACED) == 1


def test_a_resumed_run_is_bit_identical(tmp_path):
  whole, scales = followed(start())
  first = checkpoints_in(tmp_path)
  followed(start(), steps=30, checkpoints=first)
  first.close()
  second = checkpoints_in(tmp_path)
  state = second.restore(start()).state
  assert float(state.plateau_scale) == 0.5
  resumed, later = followed(state, checkpoints=second)
  second.close()
  assert_same(whole, resumed)
  assert later == scales[-len(later) :]
