import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.optim import SCHEDULES, make_schedule
from semisup_jax.types import InputError

STEP = {'milestones': (0.5, 0.75), 'factor': 0.1}
PLATEAU = {'factor': 0.5, 'patience': 2, 'min_scale': 0.1}
OPTIONS = {'cosine': {}, 'step': STEP, 'constant': {}, 'plateau': PLATEAU}


def closed_form(kind, step, *, peak, steps, warmup_steps):
  if step < warmup_steps:
    return peak * step / warmup_steps
  if kind == 'cosine':
    done = (step - warmup_steps) / (steps - warmup_steps)
    return peak * 0.5 * (1 + math.cos(math.pi * done))
  if kind == 'step':
    return peak * 0.1 ** ((step >= 0.5 * steps) + (step >= 0.75 * steps))
  return peak


@pytest.mark.parametrize('kind', SCHEDULES)
@pytest.mark.parametrize('warmup_steps', [0, 1, 10])
def test_every_step_equals_the_closed_form(kind, warmup_steps):
  lengths = {'peak': 0.3, 'steps': 40, 'warmup_steps': warmup_steps}
  schedule = make_schedule(kind, **lengths, **OPTIONS[kind])
  found = jax.vmap(schedule)(jnp.arange(41))
  expected = [closed_form(kind, step, **lengths) for step in range(41)]
  np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize('kind', SCHEDULES)
def test_warmup_starts_at_zero_and_ends_at_the_peak(kind):
  schedule = jax.jit(
    make_schedule(kind, peak=2.0, steps=100, warmup_steps=20, **OPTIONS[kind])
  )
  assert schedule(0) == 0
  assert schedule(10) == 1
  assert schedule(20) == 2
  assert schedule(19) < 2


def test_cosine_at_the_ends_and_in_the_middle():
  schedule = make_schedule('cosine', peak=2.0, steps=110, warmup_steps=10)
  assert schedule(60) == pytest.approx(1.0, rel=1e-6)
  last = 1 + math.cos(math.pi * 99 / 100)
  assert schedule(109) == pytest.approx(last, rel=1e-3)
  assert schedule(110) == pytest.approx(0, abs=1e-7)
  assert schedule(500) == pytest.approx(0, abs=1e-7)


def test_step_drops_at_the_milestones():
  schedule = make_schedule('step', peak=1.0, steps=40, warmup_steps=4, **STEP)
  found = [float(schedule(step)) for step in (4, 19, 20, 29, 30, 39)]
  assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_milestones_that_round_to_one_step_both_count():
  schedule = make_schedule('step', peak=1.0, steps=2, warmup_steps=0, **STEP)
  assert [float(schedule(step)) for step in range(3)] == pytest.approx(
    [1, 0.1, 0.01]
  )
  schedule = make_schedule(
    'step', peak=1.0, steps=2, warmup_steps=0, milestones=(0.4, 0.5), factor=0.5
  )
  assert [float(schedule(step)) for step in range(2)] == [1, 0.25]


@pytest.mark.parametrize('kind', ['cosine', 'constant'])
@pytest.mark.parametrize('steps', [1, 5])
def test_a_run_may_be_all_warmup(kind, steps):
  schedule = make_schedule(kind, peak=1.0, steps=steps, warmup_steps=steps)
  found = [float(schedule(step)) for step in range(steps + 1)]
  assert found == pytest.approx(np.arange(steps + 1) / steps)


@pytest.mark.parametrize(
  ('kind', 'changes', 'message'),
  [
    ('linear', {}, "unknown schedule 'linear'; known: constant, cosine, plat"),
    ('cosine', {'peak': 0}, 'must be positive, got 0'),
    ('cosine', {'steps': 0}, 'got 0 steps and 2 of warm-up'),
    ('cosine', {'warmup_steps': 11}, 'got 10 steps and 11 of warm-up'),
    ('cosine', {'warmup_steps': -1}, 'got 10 steps and -1 of warm-up'),
    ('step', {}, "schedule 'step' needs schedule.milestones"),
    ('step', {'milestones': (0.5,)}, "schedule 'step' needs schedule.factor"),
    ('cosine', {'factor': 0.1}, "'cosine' has no use for schedule.factor=0.1"),
    ('constant', STEP, "'constant' has no use for schedule.milestones="),
    ('plateau', {}, "schedule 'plateau' needs schedule.factor"),
    ('plateau', PLATEAU | {'factor': 1.5}, 'must be between 0 and 1, got 1.5'),
    ('plateau', PLATEAU | {'patience': 0}, 'at least 1 and schedule.min_scale'),
    ('plateau', PLATEAU | {'min_scale': 1.0}, 'in [0, 1), got 2 and 1.0'),
    ('step', STEP | PLATEAU, "'step' has no use for schedule.patience=2"),
    ('step', STEP | {'factor': 1}, 'must be between 0 and 1, got 1'),
    ('step', STEP | {'milestones': (60, 80)}, 'got (60, 80)'),
    ('step', STEP | {'milestones': (0.8, 0.6)}, 'got (0.8, 0.6)'),
    (
      'step',
      STEP | {'milestones': (0.1,)},
      '0.1 of 10 steps lies within the warm-up of 2 steps',
    ),
  ],
)
def test_what_does_not_fit_is_refused(kind, changes, message):
  options = {'peak': 1.0, 'steps': 10, 'warmup_steps': 2} | changes
  with pytest.raises(InputError, match=re.escape(message)):
    make_schedule(kind, **options)
