"""What the study found, in sentences made from its numbers."""

from collections.abc import Mapping
from typing import Any

from semisup_jax.reporting import comparison, wording
from semisup_jax.studies import statistics
from semisup_jax.studies.methods.measured import (
  BASELINE,
  FLOORS,
  Measured,
  own,
)

Row = Mapping[str, Any]

_FLOORS = {'random_encoder': 'the random encoder', 'raw_pixels': 'raw pixels'}


def sentences(measured: Measured) -> list[str]:
  """Encoders against each other and the floors, classifiers against labels
  alone; all with the middle one of the numbers of labels."""
  found = [_best(measured), *(_over(measured, floor) for floor in FLOORS)]
  for method in measured.classifiers:
    if method != BASELINE:
      found += _over_labels(measured, method)
  return [sentence for sentence in found if sentence]


def _without_labels(measured: Measured) -> list[str]:
  """Encoders that were trained, and saw no label."""
  return [
    method
    for method in measured.encoders
    if method not in FLOORS
    and {row['factors']['labels'] for row in measured.of(method)} == {0}
  ]


def _best(measured: Measured) -> str:
  methods = _without_labels(measured)
  rows = [
    row
    for row in measured.of_encoders('linear_probe')
    if row['method'] in methods and row['labels_per_class'] == measured.middle
  ]
  if len(rows) < 2:
    return ''
  first, second = (r['method'] for r in comparison.ranked(rows)[:2])
  return 'Of the encoders trained without labels: ' + statistics.sentence(
    measured.gain(first, second),
    a=wording.protocol(first),
    b=wording.protocol(second),
  )


def _over(measured: Measured, floor: str) -> str:
  """`Every encoder ... beats raw pixels ...`, or which do not."""
  gains = {m: measured.gain(m, floor) for m in _without_labels(measured)}
  gains = {m: gain for m, gain in gains.items() if gain}
  if not gains:
    return ''
  sure = {m: g for m, g in gains.items() if _gap(g).verdict == 'higher'}
  others = wording.listed(
    f'{wording.protocol(m)} ({_signed(g)})'
    for m, g in gains.items()
    if m not in sure
  )
  where = wording.labels(measured.middle)
  if not sure:
    return (
      f'No interval excludes 0 for a gain over {_FLOORS[floor]} {where}: '
      f'{others}.'
    )
  means = sorted(gain['mean'] for gain in sure.values())
  text = (
    f'{len(sure)} of {len(gains)} encoders trained without labels beat '
    f'{_FLOORS[floor]} {where}, by {wording.points(means[0], "top1")} to '
    f'{wording.points(means[-1], "top1")}, each with an interval above 0'
  )
  return f'{text}; not sure: {others}.' if others else f'{text}.'


def _signed(gain: Row) -> str:
  """`+1.9 points`."""
  return f'{wording.scale("top1") * gain["mean"]:+.1f} points'


def _gap(row: Row) -> comparison.Gap:
  return comparison.Gap(row['mean'], row['low'], row['high'])


def _over_labels(measured: Measured, method: str) -> list[str]:
  return [
    statistics.sentence(
      difference,
      a=wording.protocol(method),
      b='training on the labels alone',
    )
    for difference in measured.differences(own(method), own(BASELINE))
    if difference['labels_per_class'] == measured.middle
  ]
