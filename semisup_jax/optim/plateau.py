"""A rate that is lowered where validation gets no better."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Plateau(NamedTuple):
  """When the learning rate is lowered, and how far.

  As `optax.contrib.reduce_on_plateau` with tolerances of 0 that is told of
  validation alone, but that a look as good as the best is not in vain, as for
  early stopping. torch's ReduceLROnPlateau waits one look more.

  Attributes:
    factor: What the rate is multiplied by, in (0, 1).
    patience: After so many looks at validation of which none was as good as the
      best before; at least 1.
    min_scale: The least share of the rate that is left, in [0, 1).
  """

  factor: float
  patience: int
  min_scale: float


def plateau_from(schedule: Mapping[str, Any]) -> Plateau | None:
  """The plateau of a config's section `schedule`; None of another decay.

  Args:
    schedule: As `make_schedule` has checked it.
  """
  if schedule['decay'] != 'plateau':
    return None
  return Plateau(*(schedule[field] for field in Plateau._fields))
