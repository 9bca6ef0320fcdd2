"""What the numbers say, in sentences: pure functions of results.json."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semisup_jax.reporting import comparison, wording

Row = Mapping[str, Any]


def headline(results: Mapping[str, Any]) -> str:
  """One or two sentences: what is best, and its gain over the baseline.

  The column 'all' has no baseline and counts only where there is no other.
  """
  columns = comparison.columns(results.get('rows', ()))
  if not columns:
    return 'No protocol was evaluated.'
  pairs = _differences(results)
  few = {k: rows for k, rows in columns.items() if k != 'all'} or columns
  if all(len(rows) == 1 for rows in few.values()):
    return _reached(few)
  return _winners(few, pairs) + _gains(few, pairs)


def sentences(results: Mapping[str, Any]) -> list[str]:
  """One finding for each number of labels, from few to all."""
  columns = comparison.columns(results.get('rows', ()))
  pairs = _differences(results)
  majority = results.get('tables', {}).get('majority', ())
  return [
    _finding(rows, pairs, k) + _below(rows, majority)
    for k, rows in columns.items()
  ]


def scope(results: Mapping[str, Any]) -> str:
  """What the intervals cover, and what they do not."""
  rows = results.get('rows', ())
  kinds = {str(row.get('interval')) for row in rows}
  drawn = {r['protocol'] for r in rows if 'draws' in str(r.get('interval'))}
  parts = []
  if drawn - wording.TRAINED_ANEW:
    parts.append(
      'An interval over draws covers the choice of the labelled images, not '
      'the randomness of pre-training: all draws share one encoder.'
    )
  if any('bootstrap' in kind for kind in kinds):
    parts.append(
      'An interval by bootstrap covers the choice of the test images alone.'
    )
  if any(len(column) > 1 for column in comparison.columns(rows).values()):
    parts.append(
      'The best and the second are picked by the same numbers that then '
      'compare them, which flatters the best a little.'
    )
  return ' '.join(parts)


def _differences(results: Mapping[str, Any]) -> Sequence[Row]:
  return results.get('tables', {}).get('differences', ())


def _finding(rows: Sequence[Row], pairs: Iterable[Row], k: float | str) -> str:
  """Who is best at `k`, how far above the baseline, and above the second."""
  top = comparison.leaders(rows)
  first, names = top[0]['protocol'], _names(top)
  value = _value(top[0])
  where = wording.labels(k).capitalize()
  if len(rows) == 1:
    return f'{where} {names} reaches {value}.'
  verb = 'is best' if len(top) == 1 else 'are level'
  text = f'{where} {names} {verb}: {value}'
  present = {row['protocol'] for row in rows}
  if wording.BASELINE in present - {row['protocol'] for row in top}:
    text += f', {_compared(rows, pairs, first, wording.BASELINE, k)}'
  second = comparison.ranked(rows)[1]['protocol']
  if len(top) > 1 or second == wording.BASELINE:
    return f'{text}.'
  return f'{text}. {_second(rows, pairs, first, second, k)}'


def _below(rows: Sequence[Row], majority: Sequence[Row]) -> str:
  """Says so if even the best is worse than one answer for all images."""
  best = comparison.ranked(rows)[0]
  if best['metric'] != 'top1' or not majority:
    return ''
  row = majority[0]
  if best['mean'] >= row['top1']:
    return ''
  share = wording.number(row['top1'], 'top1')
  return f" That is below {share} %, what always saying '{row['class']}' gives."


def _second(
  rows: Sequence[Row],
  pairs: Iterable[Row],
  first: str,
  second: str,
  k: float | str,
) -> str:
  """How the best stands to the second, as a sentence of its own."""
  gap = comparison.difference(pairs, first, second, k)
  if gap is None or not gap.has_interval or gap.excludes_zero:
    return f'It is {_compared(rows, pairs, first, second, k)}.'
  metric = rows[0]['metric']
  points = ' points' if metric in wording.PERCENT else ''
  return (
    'It is not distinguishable from '
    f'{wording.protocol_in_sentence(second)}: difference '
    f'{wording.number(gap.mean, metric)}{points}, '
    f'95 % interval {wording.interval(gap.low, gap.high, metric)}.'
  )


def _compared(
  rows: Sequence[Row],
  pairs: Iterable[Row],
  protocol: str,
  baseline: str,
  k: float | str,
) -> str:
  """`9.8 points above supervised training (95 % interval 7.1 to 12.5)`."""
  metric = rows[0]['metric']
  gap = _gap(rows, pairs, protocol, baseline, k)
  side = 'below' if gap.mean < 0 else 'above'
  return (
    f'{wording.points(gap.mean, metric)} {side} '
    f'{wording.protocol_in_sentence(baseline)} ({_confidence(gap, metric)})'
  )


def _gap(
  rows: Sequence[Row],
  pairs: Iterable[Row],
  protocol: str,
  baseline: str,
  k: float | str,
) -> comparison.Gap:
  """The paired difference, or that of the means, without an interval."""
  means = {row['protocol']: row['mean'] for row in rows}
  plain = comparison.Gap(means[protocol] - means[baseline], None, None)
  return comparison.difference(pairs, protocol, baseline, k) or plain


def _confidence(gap: comparison.Gap, metric: str) -> str:
  if not gap.has_interval:
    return 'no interval of the difference'
  text = f'95 % interval {wording.interval(gap.low, gap.high, metric)}'
  return text if gap.excludes_zero else f'{text}, which includes 0'


def _value(row: Row) -> str:
  """`95.1 % ± 1.1 (n = 5 draws)`, or its interval where n is 1; `ROC-AUC 0.9`
  of what has no unit."""
  metric, kind = row['metric'], str(row.get('interval') or '')
  text = wording.number(row['mean'], metric) + wording.unit(metric)
  text = f'{wording.beside(metric)} {text}'.lstrip()
  if wording.known(row.get('std')):
    spread = wording.number(row['std'], metric)
    return f'{text} ± {spread} (n = {row["n"]} {wording.repeats(kind)})'
  if wording.known(row.get('low')) and wording.known(row.get('high')):
    interval = wording.interval(row['low'], row['high'], metric)
    how = f', {kind}' if kind else ''
    return f'{text} (n = {row["n"]}; 95 % interval {interval}{how})'
  return f'{text} (n = {row["n"]}, spread unknown)'


def _names(rows: Iterable[Row]) -> str:
  return wording.listed(
    wording.protocol_in_sentence(row['protocol']) for row in rows
  )


def _reached(columns: Mapping[float | str, Sequence[Row]]) -> str:
  """The headline where no number of labels has two protocols to compare."""
  parts, said = [], None
  for k in _ends(columns):
    name = _names(columns[k])
    value = f'{_value(columns[k][0])} {wording.labels(k)}'
    parts.append(value if name == said else f'{name} reaches {value}')
    said = name
  return _sentence(wording.listed(parts))


def _winners(
  columns: Mapping[float | str, Sequence[Row]], pairs: Iterable[Row]
) -> str:
  """`The linear probe is best at 1 and 5 labels a class, kNN at 20 ...`."""
  wins: dict[str, list[float | str]] = {}
  verbs, unclear = {}, []
  for k, rows in columns.items():
    top = comparison.leaders(rows)
    wins.setdefault(_names(top), []).append(k)
    verbs[_names(top)] = 'is best' if len(top) == 1 else 'are level'
    if len(top) == 1 and len(rows) > 1:
      first, second = (r['protocol'] for r in comparison.ranked(rows)[:2])
      gap = _gap(rows, pairs, first, second, k)
      unclear += [k] if gap.has_interval and not gap.excludes_zero else []
  parts, said = [], None
  for name, ks in wins.items():
    where = wording.labels_listed(ks) if said is None else wording.short(ks)
    parts.append(f'{name} {where}')
    if verbs[name] != said:
      parts[-1] = f'{name} {verbs[name]} {where}'
    said = verbs[name]
  text = ', '.join(parts)
  if len(unclear) == len(columns) > 1:
    text += ', though nowhere distinguishable from the second'
  elif unclear:
    text += ', though not distinguishable from the second '
    text += wording.labels_listed(unclear)
  return _sentence(text)


def _gains(
  columns: Mapping[float | str, Sequence[Row]], pairs: Iterable[Row]
) -> str:
  """What the best gains over the baseline, at the fewest and most labels."""
  gains = {}
  for k, rows in columns.items():
    first = comparison.ranked(rows)[0]['protocol']
    present = {row['protocol'] for row in rows}
    if wording.BASELINE in present - {first}:
      gains[k] = _gap(rows, pairs, first, wording.BASELINE, k)
  if not gains:
    return ''
  metric = next(iter(columns.values()))[0]['metric']
  parts = []
  for k in _ends(gains):
    where = wording.short([k]) if parts else wording.labels(k)
    size = wording.points(gains[k].mean, metric)
    sign = '-' if gains[k].mean < 0 else ''
    parts.append(f'{sign}{size} {where} ({_confidence(gains[k], metric)})')
  who = wording.protocol_in_sentence(wording.BASELINE)
  gain = f'gain in {name}' if (name := wording.beside(metric)) else 'gain'
  return f' Over {who} from scratch the {gain} is {wording.listed(parts)}.'


def _ends(columns: Mapping[float | str, Any]) -> list[float | str]:
  ks = list(columns)
  return ks if len(ks) < 2 else [ks[0], ks[-1]]


def _sentence(text: str) -> str:
  first = text[0] if text[1].isupper() else text[0].upper()  # 'kNN' stays.
  return f'{first}{text[1:]}.'
