"""How long to train, at which rate, by which rule."""

from semisup_jax.optim.durations import steps_from, warmup_steps_from
from semisup_jax.optim.optimizers import (
  OPTIMIZERS,
  decay_mask,
  make_optimizer,
)
from semisup_jax.optim.schedules import SCHEDULES, make_schedule

__all__ = [
  'OPTIMIZERS',
  'SCHEDULES',
  'decay_mask',
  'make_optimizer',
  'make_schedule',
  'steps_from',
  'warmup_steps_from',
]
