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
# By `Gap.verdict`: what is said of so many encoders, {floor} and {where}.
_VERDICTS = {
  'higher': 'more accurate than {floor} {where}',
  'lower': 'less accurate than {floor} {where}',
  'not distinguishable': 'not distinguishable from {floor} {where}',
  'no interval': 'of one seed, without an interval, against {floor} {where}',
}


def sentences(measured: Measured) -> list[str]:
  """Encoders against each other and the floors, classifiers against labels
  alone; all with the middle one of the numbers of labels."""
  found = _best(measured)
  for floor in FLOORS:
    found += _against(measured, floor)
  for method in measured.classifiers:
    if method != BASELINE:
      found += _against_labels(measured, method)
  return found


def _without_labels(measured: Measured) -> list[str]:
  """Encoders that were trained, and saw no label."""
  return [
    method
    for method in measured.encoders
    if method not in FLOORS
    and {row['factors']['labels'] for row in measured.of(method)} == {0}
  ]


def _best(measured: Measured) -> list[str]:
  methods = _without_labels(measured)
  rows = comparison.ranked(
    [
      row
      for row in measured.of_encoders('linear_probe')
      if row['method'] in methods and row['labels_per_class'] == measured.middle
    ]
  )
  if len(rows) < 2:
    return []
  first, second = (row['method'] for row in rows[:2])
  names = [wording.protocol_in_sentence(m) for m in (first, second)]
  said = statistics.sentence(
    measured.gain(first, second), a=names[0], b=names[1]
  )
  return [
    f'The two best encoders without labels are {wording.listed(names)}, by '
    f'these same numbers, which the interval does not allow for. {said}'
  ]


def _against(measured: Measured, floor: str) -> list[str]:
  """A sentence for each verdict that some encoder has."""
  by_verdict: dict[str, dict[str, Row]] = {}
  for method in _without_labels(measured):
    gain = measured.gain(method, floor)
    if gain:
      gap = comparison.Gap(gain['mean'], gain['low'], gain['high'])
      by_verdict.setdefault(gap.verdict, {})[method] = gain
  place = {'floor': _FLOORS[floor], 'where': wording.labels(measured.middle)}
  found = []
  for verdict, words in _VERDICTS.items():
    gains = by_verdict.get(verdict)
    if gains:
      listed = wording.listed(
        f'{wording.protocol(m)} ({_signed(gain)})' for m, gain in gains.items()
      )
      words = words.format(**place)
      found.append(f'{words[0].upper()}{words[1:]}, in points: {listed}.')
  return found


def _signed(gain: Row) -> str:
  return f'{wording.scale("top1") * gain["mean"]:+.1f}'


def _against_labels(measured: Measured, method: str) -> list[str]:
  return [
    statistics.sentence(
      difference,
      a=wording.protocol_in_sentence(method),
      b='training on the labels alone',
    )
    for difference in measured.differences(own(method), own(BASELINE))
    if difference['labels_per_class'] == measured.middle
  ]
