"""What a paired difference says, in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import comparison, wording

Row = Mapping[str, Any]

# Fields of a difference that a sentence tells in its own way, or not at all.
_TOLD = frozenset(
  {'a', 'b', 'metric', 'labels_per_class', 'over', 'units', 'mean', 'std', 'n'}
  | {'low', 'high', 'interval', 'values'}
)


def sentence(
  difference: Row, *, a: str | None = None, b: str | None = None
) -> str:
  """What a paired difference says, and how sure that is.

  Args:
    difference: A row of `paired`.
    a: The name of what is compared, within a sentence; made from its fields
      where it is not given.
    b: Likewise.
  """
  metric = difference['metric']
  gap = comparison.Gap(*(difference[end] for end in ('mean', 'low', 'high')))
  names = a or _name(difference['a']), b or _name(difference['b'])
  where = _where(difference)
  n = f'n = {difference["n"]} {_units(difference)}'
  if not gap.has_interval:
    side = 'below' if gap.mean < 0 else 'above'
    size = wording.points(gap.mean, metric)
    text = f'{names[0]} is {size} {side} {names[1]}{where} (no interval, {n})'
  elif gap.excludes_zero:
    text = _beats(gap, names, where, metric, n)
  else:
    points = ' points' if metric in wording.PERCENT else ''
    text = (
      f'{names[0]} is not distinguishable from {names[1]}{where}: difference '
      f'{wording.number(gap.mean, metric)}{points}, 95 % interval '
      f'{wording.interval(gap.low, gap.high, metric)} ({n})'
    )
  first = text[0] if text[1].isupper() else text[0].upper()  # 'kNN' stays.
  return f'{first}{text[1:]}.'


def comparison_sentence(rows: Sequence[Row], a: str, b: str) -> str:
  """Where a beats b, where b beats a, and where they cannot be told apart.

  Args:
    rows: Paired differences of a minus b by labels a class.
    a: Its name within a sentence.
    b: Likewise.
  """
  by_verdict: dict[str, list[Row]] = {}
  for row in rows:
    by_verdict.setdefault(gap_of(row).verdict, []).append(row)
  parts = []
  for verdict, better, other in (('higher', a, b), ('lower', b, a)):
    if verdict in by_verdict:
      first, *others = by_verdict[verdict]
      where = [_at(first, '95 % interval '), *map(_at, others)]
      parts.append(f'{better} beats {other} {wording.listed(where)}')
  if equal := by_verdict.get('not distinguishable'):
    names = 'they' if parts else f'{a} and {b}'
    parts.append(f'{names} cannot be told apart {at_ks(equal)}')
  if alone := by_verdict.get('no interval'):
    once = f'one {alone[0].get("over", "seed")}'
    parts.append(f'{a} and {b} cannot be compared by {once} {at_ks(alone)}')
  return capitalized('; '.join(parts))


def gap_of(row: Row) -> comparison.Gap:
  """A difference and its interval, which know what they say."""
  return comparison.Gap(*(row[end] for end in ('mean', 'low', 'high')))


def at_ks(rows: Sequence[Row]) -> str:
  """`at k = 8, 16 and 32`."""
  return f'at k = {wording.listed(row["labels_per_class"] for row in rows)}'


def capitalized(text: str) -> str:
  """A sentence of a text; nothing of none."""
  return f'{text[:1].upper()}{text[1:]}.' if text else ''


def _at(row: Row, words: str = '') -> str:
  """`at k = 1 by 2.1 points (1.3 to 2.9)`, whichever of the two is ahead."""
  low, high = sorted((abs(row['low']), abs(row['high'])))
  size = wording.points(row['mean'], row['metric'])
  interval = wording.interval(low, high, row['metric'])
  return f'{at_ks([row])} by {size} ({words}{interval})'


def _beats(
  gap: comparison.Gap,
  names: tuple[str, str],
  where: str,
  metric: str,
  n: str,
) -> str:
  """The better one first, and a difference that is positive."""
  better, other = names
  if (gap.mean < 0) != (metric in wording.LOWER_IS_BETTER):
    better, other = other, better
  if gap.mean < 0:
    gap = comparison.Gap(-gap.mean, -gap.high, -gap.low)
  return (
    f'{better} beats {other}{where} by {wording.points(gap.mean, metric)} '
    f'(95 % interval {wording.interval(gap.low, gap.high, metric)}, {n})'
  )


def _units(difference: Row) -> str:
  return difference['over'] + ('' if difference['n'] == 1 else 's')


def _where(difference: Row) -> str:
  """` at 5 labels a class`, ` in balanced accuracy`, and other fields."""
  metric, text = difference['metric'], ''
  if 'labels_per_class' in difference:
    text += f' {wording.labels(difference["labels_per_class"])}'
  if metric != 'top1':
    name = wording.metric(metric)
    text += f' in {name[0].lower()}{name[1:]}'  # 'macro F1'.
  return text + ''.join(
    f', {k.replace("_", " ")} {v}'
    for k, v in difference.items()
    if k not in _TOLD
  )


def _name(selector: Row) -> str:
  """`FixMatch`, `SimCLR (linear probe)`, `fine-tuning`."""
  rest = dict(selector)
  protocol = rest.pop('protocol', None)
  if 'method' not in rest:
    details = [str(v) for v in rest.values()]
    names = [wording.protocol_in_sentence(protocol)] if protocol else []
    return ', '.join(names + details)
  method = wording.method(rest.pop('method'))
  inner = [str(v) for v in rest.values()]
  if protocol and protocol != selector['method']:
    inner = [protocol.replace('_', ' '), *inner]
  return method + (f' ({", ".join(inner)})' if inner else '')
