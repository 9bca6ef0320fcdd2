"""The points of a sweep: what tells them apart, and what each runs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from semisup_jax.types import InputError

# A folder's name may have 255 bytes, and a file in it needs some for itself.
MAX_NAME = 200


class Point(NamedTuple):
  """One run of a study.

  Attributes:
    name: Of its folder: `method=fixmatch,labels_per_class=5,seed=0`.
    factors: What tells it from the others, plain values by name.
    config: Of an ordinary run.
  """

  name: str
  factors: dict[str, Any]
  config: Any


def expand(sweep: Iterable[tuple[Mapping[str, Any], Any]]) -> list[Point]:
  """Names the points of a sweep, and checks that they can be told apart.

  Args:
    sweep: `(factors, config)` of each point.

  Raises:
    InputError: If there is none, if factors are no plain values or not those of
      the other points, or if two points have the same name.
  """
  points = [Point(_name(f), dict(f), config) for f, config in sweep]
  if not points:
    raise InputError('the sweep has no points')
  first = points[0]
  names: dict[str, Point] = {}
  for point in points:
    if point.factors.keys() != first.factors.keys():
      raise InputError(
        f'every point needs the same factors; {first.name} has '
        f'{_listed(first)}, {point.name} has {_listed(point)}'
      )
    # Some file systems do not tell upper from lower case.
    other = names.setdefault(point.name.lower(), point)
    if other is not point:
      raise InputError(
        f'two points are called {point.name}: {other.factors} and '
        f'{point.factors}; each needs factors of its own'
      )
  return points


def part(points: Sequence[Point], which: tuple[int, int]) -> list[Point]:
  """Part I of N, from 1: every N-th point, so that parts take about as long.

  Args:
    points: All of them.
    which: `(I, N)`.
  """
  i, n = which
  return list(points[i - 1 :: n])


def kinds(points: Iterable[Point]) -> list[Point]:
  """One point of each kind: those whose configs differ in the seed alone."""
  known: dict[str, Point] = {}
  for point in points:
    fields = {k: v for k, v in point.config.items() if k != 'seed'}
    known.setdefault(repr(fields), point)
  return list(known.values())


def _name(factors: Mapping[str, Any]) -> str:
  if not factors:
    raise InputError('a point of the sweep has no factors')
  for factor, value in factors.items():
    if not isinstance(value, str | int | float | bool | None):
      raise InputError(
        f'factor {factor} is {value!r}; a factor is a text, a number, a truth '
        'value or None'
      )
  name = ','.join(f'{_safe(k)}={_safe(v)}' for k, v in factors.items())
  if len(name) > MAX_NAME:
    raise InputError(
      f'{name} is no name for a folder: it has {len(name)} characters, '
      f'{MAX_NAME} are possible; use shorter factors'
    )
  return name


def _safe(value: Any) -> str:
  """What any file system and shell takes as it is."""
  return re.sub(r'[^A-Za-z0-9_.+-]', '-', str(value))


def _listed(point: Point) -> str:
  return ', '.join(point.factors)
