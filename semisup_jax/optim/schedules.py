"""The learning rate as a function of the step, counted from 0.

Every schedule warms up linearly, `peak * step / warmup_steps` (0 at step 0, the
peak at step `warmup_steps`), and then decays in a way of its own.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import optax

from semisup_jax.types import InputError, lookup


def make_schedule(
  kind: str,
  *,
  peak: float,
  steps: int,
  warmup_steps: int,
  milestones: Sequence[float] | None = None,
  factor: float | None = None,
  patience: int | None = None,
  min_scale: float | None = None,
) -> optax.Schedule:
  """Makes a schedule by name.

  Args:
    kind: A key of `SCHEDULES`, the config's `schedule.decay`.
    peak: The learning rate when the warm-up ends, positive.
    steps: Optimizer steps of the whole run, warm-up included, at least 1.
    warmup_steps: Steps of the warm-up, 0 to `steps`; 0 starts at the peak.
    milestones: For 'step' alone, where the rate drops, as increasing fractions
      of the whole run in (0, 1), none of them in the warm-up; the config's
      `schedule.milestones`.
    factor: For 'step' and 'plateau', what each drop multiplies the rate by, in
      (0, 1); the config's `schedule.factor`.
    patience: For 'plateau' alone, see `Plateau`.
    min_scale: Likewise.

  Returns:
    A function of the step, an int or an integer array, to the learning rate.

  Raises:
    InputError: If the kind is unknown, a number is out of range, or an option
      is missing or belongs to another kind.
  """
  decay = lookup(SCHEDULES, kind, 'schedule')
  if not peak > 0:
    raise InputError(f'the peak learning rate must be positive, got {peak}')
  if steps < 1 or not 0 <= warmup_steps <= steps:
    raise InputError(
      'a schedule needs steps >= 1 and a warm-up of 0 to all of them; got '
      f'{steps} steps and {warmup_steps} of warm-up'
    )
  options = {
    'milestones': milestones,
    'factor': factor,
    'patience': patience,
    'min_scale': min_scale,
  }
  given = {name: value for name, value in options.items() if value is not None}
  after_warmup = decay(peak, steps, warmup_steps, given)
  if warmup_steps == 0:
    return after_warmup
  warmup = optax.schedules.linear_schedule(0.0, peak, warmup_steps)
  return optax.schedules.join_schedules([warmup, after_warmup], [warmup_steps])


# The functions below return the schedule after the warm-up; its step 0 is the
# step `warmup_steps` of the run.
_Options = Mapping[str, object]
_Decay = Callable[[float, int, int, _Options], optax.Schedule]


def _cosine(
  peak: float, steps: int, warmup_steps: int, options: _Options
) -> optax.Schedule:
  """Half a cosine to 0 at step `steps`, one after the last that is run.

  Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, Eq. 5 without
  restarts: `peak * (1 + cos(pi * t / T)) / 2` with t steps since the warm-up of
  T = steps - warmup_steps.
  """
  _check_options('cosine', options, takes=())
  # All warm-up is a schedule as well: its peak then lies one step beyond it.
  return optax.schedules.cosine_decay_schedule(
    peak, max(1, steps - warmup_steps)
  )


def _step(
  peak: float, steps: int, warmup_steps: int, options: _Options
) -> optax.Schedule:
  """The peak, multiplied by `factor` from each milestone on.

  A milestone m is the step `m * steps`, rounded half up.
  """
  _check_options('step', options, takes=('milestones', 'factor'))
  milestones, factor = options['milestones'], options['factor']
  _check_factor(factor)
  rising = all(a < b for a, b in itertools.pairwise((0, *milestones, 1)))
  if not rising:
    raise InputError(
      'schedule.milestones must be increasing fractions of the run between 0 '
      f'and 1, got {tuple(milestones)}'
    )
  scales = {}
  for milestone in milestones:
    drop = int(milestone * steps + 0.5) - warmup_steps
    if drop < 0:
      raise InputError(
        f'schedule.milestones: {milestone} of {steps} steps lies within the '
        f'warm-up of {warmup_steps} steps; let it begin later'
      )
    scales[drop] = scales.get(drop, 1.0) * factor
  return optax.schedules.piecewise_constant_schedule(peak, scales)


def _constant(
  peak: float, steps: int, warmup_steps: int, options: _Options
) -> optax.Schedule:
  """The peak until the end."""
  del steps, warmup_steps
  _check_options('constant', options, takes=())
  return optax.schedules.constant_schedule(peak)


def _plateau(
  peak: float, steps: int, warmup_steps: int, options: _Options
) -> optax.Schedule:
  """The peak; what scales it depends on validation, and is in the state."""
  del steps, warmup_steps
  _check_options('plateau', options, takes=('factor', 'patience', 'min_scale'))
  _check_factor(options['factor'])
  if options['patience'] < 1 or not 0 <= options['min_scale'] < 1:
    raise InputError(
      'schedule.patience must be at least 1 and schedule.min_scale in [0, 1), '
      f'got {options["patience"]} and {options["min_scale"]}'
    )
  return optax.schedules.constant_schedule(peak)


def _check_factor(factor: float) -> None:
  if not 0 < factor < 1:
    raise InputError(f'schedule.factor must be between 0 and 1, got {factor}')


def _check_options(
  kind: str, options: _Options, *, takes: Sequence[str]
) -> None:
  """Refuses an option that is missing, and one that would do nothing."""
  for name in takes:
    if name not in options:
      raise InputError(f'schedule {kind!r} needs schedule.{name}')
  for name, value in options.items():
    if name not in takes:
      raise InputError(
        f'schedule {kind!r} has no use for schedule.{name}={value} (unset it '
        f'with --config.schedule.{name}=None)'
      )


SCHEDULES: dict[str, _Decay] = {
  'cosine': _cosine,
  'step': _step,
  'constant': _constant,
  'plateau': _plateau,
}
