"""How the ways to choose BatchNorm's statistics are named and ordered."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]
Mode = tuple[str, float | None]  # Its name and its amount.

# What is amended to each name, and what one should know of it.
EXPLAINED = {
  'source': 'the statistics of training',
  'batch': 'those of the test batch',
  'alpha': 'a mixture, in which those of training count for N images',
  'ema': 'running averages that go on at test time, with this momentum',
  'recalibrated': 'measured anew on other images under the same shift',
  'tent': 'those of the test batch, scale and bias follow the entropy',
  'tent_continual': 'tent that is not reset between shifts',
}
SHIFTS = {
  'clean': 'no shift',
  'unnormalised_input': 'input not normalised',
}


class Look(NamedTuple):
  """How a mode is drawn: a number of the theme's series, and a style."""

  series: int
  dashes: Any
  marker: str
  opacity: float = 1.0


_LOOKS = {
  'source': Look(0, '--', ''),
  'recalibrated': Look(0, ':', ''),
  'batch': Look(1, '-', 'o'),
  'ema': Look(4, '-', 'D'),
  'tent': Look(3, '-', 's'),
  'tent_continual': Look(3, (0, (3, 1.5)), 'X'),
}
# One colour for all mixtures, the weakest prior the palest.
_ALPHA = (('v', 0.35), ('^', 0.55), ('P', 0.75), ('p', 1.0))


def name(mode: str, amount: float | None = None) -> str:
  """`source`, `alpha, N = 16`, `ema, 0.9`, `tent, continual`."""
  if mode == 'alpha':
    return f'alpha, N = {amount:g}'
  if mode == 'ema':
    return f'ema, {amount:g}'
  return mode.replace('_', ', ')


def shift_name(shift: str) -> str:
  """`no shift`, `appearance(0.9)`, `input not normalised`."""
  return SHIFTS.get(shift, shift.replace('_', ' '))


def by_mode(rows: Iterable[Row]) -> dict[Mode, list[Row]]:
  """The rows of each mode and amount, in the order of `EXPLAINED`."""
  order = list(EXPLAINED)
  found: dict[Mode, list[Row]] = {}
  for row in rows:
    found.setdefault((row['mode'], row['amount']), []).append(row)
  modes = sorted(found, key=lambda m: (order.index(m[0]), m[1] or 0))
  return {mode: found[mode] for mode in modes}


def looks(found: Iterable[Mode]) -> dict[Mode, Look]:
  """How each mode is drawn."""
  made, alphas = {}, 0
  for mode in found:
    if mode[0] == 'alpha':
      marker, opacity = _ALPHA[alphas % len(_ALPHA)]
      made[mode] = Look(2, '-', marker, opacity)
      alphas += 1
    else:
      made[mode] = _LOOKS[mode[0]]
  return made


def unique(rows: Iterable[Row], field: str) -> list[Any]:
  """The values of a field, each once, as they come, without None."""
  values = dict.fromkeys(row[field] for row in rows)
  return [value for value in values if value is not None]
