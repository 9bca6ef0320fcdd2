"""How long to train, at which rate, by which rule."""

from semisup_jax.optim.durations import steps_from, warmup_steps_from
from semisup_jax.optim.optimizers import (
  OPTIMIZERS,
  decay_mask,
  make_optimizer,
)
from semisup_jax.optim.plateau import Plateau, plateau_from
from semisup_jax.optim.schedules import SCHEDULES, make_schedule
from semisup_jax.optim.staged import FROZEN, Pace, make_staged_optimizer

__all__ = [
  'FROZEN',
  'OPTIMIZERS',
  'SCHEDULES',
  'Pace',
  'Plateau',
  'decay_mask',
  'make_optimizer',
  'make_schedule',
  'make_staged_optimizer',
  'plateau_from',
  'steps_from',
  'warmup_steps_from',
]
