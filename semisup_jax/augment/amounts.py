"""The amounts of the random ops: how they are checked and drawn.

What a person writes in a string of ops are Python numbers, known before
anything is compiled, so that they can be checked with a plain `if`. What is
drawn from them is an array of the image's own float dtype, so that a pipeline
on float64 images has no step in float32.
"""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from semisup_jax.types import InputError


def check_number(
  name: str, value: Any, low: float, high: float = math.inf
) -> None:
  """Checks that a static amount is a finite number within [low, high].

  Args:
    name: What the number is called in the message.
    value: The number; booleans are none.
    low: The least that is allowed.
    high: The most that is allowed.

  Raises:
    InputError: If it is not.
  """
  is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
  if not is_number or not low <= value <= high or not math.isfinite(value):
    bounds = f'at least {low}' if high == math.inf else f'in [{low}, {high}]'
    raise InputError(f'{name} must be a number {bounds}, got {value!r}')


def check_positive(name: str, value: Any) -> None:
  """Checks that a static amount is a finite number above 0.

  Args:
    name: What the number is called in the message.
    value: The number; booleans are none.

  Raises:
    InputError: If it is not.
  """
  check_number(name, value, 0)
  if not value > 0:
    raise InputError(f'{name} must be a number above 0, got {value!r}')


def check_whole(
  name: str, value: Any, low: int, high: float = math.inf
) -> None:
  """Checks that a static amount is a whole number within [low, high].

  Args:
    name: What the number is called in the message.
    value: The number, an int; booleans and floats are none.
    low: The least that is allowed.
    high: The most that is allowed.

  Raises:
    InputError: If it is not.
  """
  check_number(name, value, low, high)
  if not isinstance(value, int):
    raise InputError(f'{name} must be a whole number, got {value!r}')


def check_probability(p: Any) -> None:
  """Checks that `p` is a number within [0, 1], or raises InputError."""
  check_number('p', p, 0, 1)


def check_interval(
  name: str, interval: Any, low: float, high: float = math.inf
) -> None:
  """Checks a static pair `(least, most)` of numbers within [low, high].

  Args:
    name: What the pair is called in the message.
    interval: The pair, `least <= most`.
    low: What both must be greater than; `low` itself is not allowed.
    high: The most that is allowed.

  Raises:
    InputError: If it is no such pair.
  """
  if not isinstance(interval, Sequence) or len(interval) != 2:
    raise InputError(f'{name} must be a pair (least, most), got {interval!r}')
  for value in interval:
    check_number(name, value, low, high)
  least, most = interval
  if not low < least <= most:
    raise InputError(
      f'{name} must have {low} < least <= most, got {tuple(interval)!r}'
    )


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
  """Checks that `value` is one of `choices`, or raises InputError."""
  if value not in choices:
    raise InputError(
      f'{name} must be one of {", ".join(choices)}, got {value!r}'
    )


def uniform(
  key: jax.Array,
  image: jax.Array,
  low: jax.typing.ArrayLike,
  high: jax.typing.ArrayLike,
  shape: tuple[int, ...] = (),
) -> jax.Array:
  """Draws from [low, high) in the image's dtype, float [*shape]."""
  return jax.random.uniform(key, shape, image.dtype, low, high)


def with_probability(
  key: jax.Array, p: float, changed: jax.Array, image: jax.Array
) -> jax.Array:
  """Returns `changed` with probability `p`, and `image` otherwise.

  Args:
    key: A PRNG key.
    p: A static probability; 0 never and 1 always takes `changed`.
    changed: The image after an op, float [H, W, C].
    image: The image before it, of the same shape.

  Raises:
    InputError: If `p` is no probability.
  """
  check_probability(p)
  return jnp.where(uniform(key, image, 0, 1) < p, changed, image)
