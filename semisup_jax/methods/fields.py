"""The fields that methods have in common: checked, and made objects."""

import math
from collections.abc import Mapping
from typing import Any

from semisup_jax.methods.passes import BATCH_NORM_IMAGES
from semisup_jax.models import DTYPES, ProjectionHead, batch_norm_fields
from semisup_jax.types import InputError

PROJECTOR = ('projector_hidden', 'projector_output', 'projector_hidden_layers')


def check(
  section: Mapping[str, Any],
  field: str,
  low: float,
  high: float = math.inf,
  *,
  open_low: bool = False,
  open_high: bool = False,
) -> float:
  """Returns a number of the section `method`, once it is seen to be in range.

  Args:
    section: Of the config.
    field: Its field.
    low: The least that is allowed.
    high: The most that is allowed.
    open_low: Whether `low` itself is not allowed.
    open_high: Whether `high` itself is not allowed.

  Raises:
    InputError: If it is no finite number of that range.
  """
  value = section[field]
  fits = (
    isinstance(value, int | float)
    and not isinstance(value, bool)
    and math.isfinite(value)
    and (low < value if open_low else low <= value)
    and (value < high if open_high else value <= high)
  )
  if not fits:
    if high == math.inf:
      bounds = 'positive' if open_low and low == 0 else f'at least {low}'
    else:
      bounds = f'in {"(["[not open_low]}{low}, {high}{"])"[open_high]}'
    raise InputError(f'method.{field} must be {bounds}, got {value!r}')
  return value


def whole_number(section: Mapping[str, Any], field: str, least: int) -> int:
  """Returns a whole number of the section `method`, of at least `least`.

  Raises:
    InputError: If it is none.
  """
  value = section[field]
  if not isinstance(value, int) or isinstance(value, bool) or value < least:
    raise InputError(
      f'method.{field} must be a whole number, at least {least}; got {value!r}'
    )
  return value


def projector(
  config: Mapping[str, Any], *, batch_norm_output: bool = False
) -> ProjectionHead:
  """The projector of a config's section `method`.

  Raises:
    InputError: If a width or the number of layers is out of its range.
  """
  section = config['method']
  return ProjectionHead(
    hidden=whole_number(section, 'projector_hidden', 1),
    output=whole_number(section, 'projector_output', 1),
    hidden_layers=whole_number(section, 'projector_hidden_layers', 0),
    dtype=DTYPES[config['model']['dtype']],
    batch_norm_output=batch_norm_output,
    **batch_norm_fields(config['model']),
  )


def predictor(config: Mapping[str, Any]) -> ProjectionHead:
  """The predictor: one hidden layer, from projections to projections.

  Raises:
    InputError: If its width is out of its range.
  """
  return ProjectionHead(
    hidden=whole_number(config['method'], 'predictor_hidden', 1),
    output=whole_number(config['method'], 'projector_output', 1),
    hidden_layers=1,
    dtype=DTYPES[config['model']['dtype']],
    **batch_norm_fields(config['model']),
  )


def batch_norm_images(section: Mapping[str, Any]) -> str:
  """Which images feed BatchNorm's running statistics, of the section `method`.

  Raises:
    InputError: If it is none of those that are known.
  """
  value = section['batch_norm_images']
  if value not in BATCH_NORM_IMAGES:
    known = ', '.join(BATCH_NORM_IMAGES)
    raise InputError(
      f'method.batch_norm_images must be one of {known}; got {value!r}'
    )
  return value
