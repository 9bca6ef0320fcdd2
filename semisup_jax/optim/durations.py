"""How long to train: steps, epochs or examples, exactly one of them.

As in big_vision (https://github.com/google-research/big_vision), a config says
it in the unit its author thinks in, and the warm-up in the same one.
"""

import math
from collections.abc import Mapping
from typing import Any

from semisup_jax.types import InputError

UNITS = ('steps', 'epochs', 'examples')


def steps_from(
  schedule: Mapping[str, Any], *, batch_size: int, dataset_size: int
) -> int:
  """Turns the duration of a config into optimizer steps.

  Args:
    schedule: The config's section: `steps`, `epochs` or `examples`, a positive
      number (0.5 epochs will do); the other two None or absent.
    batch_size: Examples a step, over all devices.
    dataset_size: Examples an epoch.

  Returns:
    Steps, rounded half up, at least 1: a short run is a run.

  Raises:
    InputError: If not exactly one unit is given, or a number is not positive.
  """
  unit, amount = _duration(schedule)
  if amount <= 0:
    raise InputError(f'schedule.{unit} must be positive, got {amount}')
  return max(1, _rounded_steps(unit, amount, batch_size, dataset_size))


def warmup_steps_from(
  schedule: Mapping[str, Any], *, batch_size: int, dataset_size: int
) -> int:
  """Turns the warm-up of a config into optimizer steps.

  Args:
    schedule: The config's section, with `warmup` in the unit of the duration
      beside it: a number from 0 to that duration; None or absent is 0.
    batch_size: Examples a step, over all devices.
    dataset_size: Examples an epoch.

  Returns:
    Steps, rounded half up, from 0 to `steps_from` of the same config.

  Raises:
    InputError: If not exactly one unit is given, or the warm-up is negative or
      longer than the whole.
  """
  steps = steps_from(schedule, batch_size=batch_size, dataset_size=dataset_size)
  unit, amount = _duration(schedule)
  warmup = schedule.get('warmup')
  if warmup is None:
    return 0
  warmup = _number(warmup, 'warmup')
  if not 0 <= warmup <= amount:
    raise InputError(
      f'schedule.warmup must be from 0 to schedule.{unit}={amount}, in '
      f'{unit}; got {warmup}'
    )
  return min(steps, _rounded_steps(unit, warmup, batch_size, dataset_size))


def _duration(schedule: Mapping[str, Any]) -> tuple[str, int | float]:
  """Returns the one unit that is given, and how many of it."""
  given = {
    unit: schedule.get(unit) for unit in UNITS if schedule.get(unit) is not None
  }
  if not given:
    raise InputError(
      'schedule: exactly one of steps, epochs, examples; got none of them '
      '(set one, as in --config.schedule.epochs=10)'
    )
  if len(given) > 1:
    got = ' and '.join(f'{unit}={value}' for unit, value in given.items())
    *unset, _ = given
    flags = ' '.join(f'--config.schedule.{unit}=None' for unit in unset)
    count = 'one' if len(unset) == 1 else 'two'
    raise InputError(
      f'schedule: exactly one of steps, epochs, examples; got {got} (unset '
      f'{count} with {flags})'
    )
  [(unit, value)] = given.items()
  return unit, _number(value, unit)


def _rounded_steps(
  unit: str, amount: float, batch_size: int, dataset_size: int
) -> int:
  for name, size in (('batch_size', batch_size), ('data set', dataset_size)):
    if size < 1:
      raise InputError(f'{name}: must hold at least 1 example, got {size}')
  examples = {'steps': batch_size, 'epochs': dataset_size, 'examples': 1}
  return math.floor(amount * examples[unit] / batch_size + 0.5)


def _number(value: Any, field: str) -> int | float:
  is_number = isinstance(value, int | float) and not isinstance(value, bool)
  if not is_number or not math.isfinite(value):
    raise InputError(f'schedule.{field} must be a number, got {value!r}')
  return value
