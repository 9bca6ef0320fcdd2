"""What the study found, in sentences made from its numbers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import comparison, wording
from semisup_jax.studies.few_labels import published
from semisup_jax.studies.few_labels.measured import (
  EPOCHS,
  PLAIN,
  RANDOM,
  SAME,
  SIMCLR,
  SOURCE,
  Arm,
  Measured,
)
from semisup_jax.studies.few_labels.names import name

Row = Mapping[str, Any]


def comparison_sentence(rows: Sequence[Row], a: str, b: str) -> str:
  """Where a beats b, where b beats a, and where they cannot be told apart.

  Args:
    rows: Paired differences of a less b by labels a class, with intervals.
    a: Its name within a sentence.
    b: Likewise.
  """
  verdicts = {row['labels_per_class']: _gap(row).verdict for row in rows}
  by_k = {row['labels_per_class']: row for row in rows}

  def where(verdict):
    return [k for k, found in verdicts.items() if found == verdict]

  parts = []
  for verdict, better, other in (('higher', a, b), ('lower', b, a)):
    if where(verdict):
      sizes = wording.listed(_at(by_k[k]) for k in where(verdict))
      parts.append(f'{better} beats {other} {sizes}')
  equal = where('not distinguishable')
  if equal and not parts:
    parts.append(
      f'{a} and {b} cannot be told apart {wording.labels_listed(equal)}'
    )
  elif equal:
    parts.append(f'no difference is seen {wording.short(equal)}')
  if where('no interval'):
    parts.append(f'{a} and {b} have no intervals with one seed')
  return _sentence('; '.join(parts))


def _gap(row: Row) -> comparison.Gap:
  return comparison.Gap(*(row[end] for end in ('mean', 'low', 'high')))


def _at(row: Row) -> str:
  """`at k = 1 by 2.1 ± 0.8 points`, half of the interval behind the sign."""
  half = (row['high'] - row['low']) / 2
  size, spread = (wording.number(x, 'top1') for x in (abs(row['mean']), half))
  return f'at k = {row["labels_per_class"]} by {size} ± {spread} points'


def _sentence(text: str) -> str:
  return f'{text[:1].upper()}{text[1:]}.' if text else ''


def shape(measured: Measured, *, comparable: bool) -> list[str]:
  """Whether mixing helps most with the fewest labels, as published."""
  found = []
  for arm in measured.mixed:
    rows = measured.differences(arm, PLAIN)
    if not rows:
      continue
    text = comparison_sentence(rows, name(arm), name(PLAIN))
    if comparable and arm.arm in published.ARMS:
      text += f' {_against_published(rows, name(arm))}'
    found.append(text)
  plain = measured.curve(PLAIN)
  if comparable and len(plain) > 1:
    first, last = plain[0], plain[-1]
    k, level, _ = published.FIRST
    plateau_k, plateau = published.PLATEAU
    found.append(
      f'Without mixing accuracy goes from {_percent(first)} at k = '
      f'{first["labels_per_class"]} to {_percent(last)} at k = '
      f'{last["labels_per_class"]} (published: about {level:.0f} % at {k}, '
      f'{plateau:.0f} % from {plateau_k} on).'
    )
  return found


def _against_published(rows: Sequence[Row], arm: str) -> str:
  """Whether the gain is largest with the fewest labels."""
  first, largest = rows[0], max(rows, key=lambda row: row['mean'])
  gain = published.FIRST[2] - published.FIRST[1]
  k = first['labels_per_class']
  number = wording.number(first['mean'], 'top1')
  text = (
    f'Published for {arm}: {gain:.0f} points at k = {published.FIRST[0]}, and '
    f'less with more labels; here {number} points at k = {k}'
  )
  if _gap(first).verdict == 'higher' and largest is first:
    return f'{text}, the largest gain of all: the shape agrees.'
  if largest['mean'] <= 0:
    return f'{text} and no gain at any k: the shape does not agree.'
  return (
    f'{text}, and the largest gain, {wording.number(largest["mean"], "top1")} '
    f'points, at k = {largest["labels_per_class"]}: the shape does not agree.'
  )


def _percent(row: Row) -> str:
  return f'{wording.number(row["mean"], "top1")} %'


def which_is_better(measured: Measured) -> list[str]:
  """The first question that was left open, and what it may come from."""
  found = []
  for a, b in itertools.combinations(reversed(measured.mixed), 2):
    rows = measured.differences(a, b)
    if rows:
      found.append(comparison_sentence(rows, name(a), name(b)))
  return found + [
    text for arm in measured.mixed if (text := _why(measured, arm))
  ]


def _why(measured: Measured, arm: Arm) -> str:
  """What mixing does to the pretrainer, beside what it does to the target."""
  on_target = measured.differences(arm, PLAIN)
  on_source = measured.differences(arm, PLAIN, SOURCE)
  if not on_target or not on_source:
    return ''
  better = [r['labels_per_class'] for r in on_target if r['mean'] > 0]
  worse = [r['labels_per_class'] for r in on_source if r['mean'] < 0]
  both = [k for k in better if k in worse]
  gains = wording.listed(
    f'{_signed(target)} and {_signed(source)} at {target["labels_per_class"]}'
    for target, source in zip(on_target, on_source, strict=True)
  )
  text = (
    f'{name(arm)} changes accuracy on the target and that of the pretrainer on '
    f'its own classes by {gains} points'
  )
  if both:
    text += (
      f'; {wording.short(both)} it costs the pretrainer and helps the '
      'extractor, so that there the gain is one of features, not of a better '
      'classifier'
    )
  return _sentence(text)


def _signed(row: Row) -> str:
  text = wording.number(row['mean'], 'top1')
  return text if text.startswith('-') or float(text) == 0 else f'+{text}'


def same_or_other(measured: Measured) -> list[str]:
  """The second question: does one learn better from the target itself?"""
  rows = measured.differences(SAME, PLAIN)
  if not rows:
    return []
  return [
    comparison_sentence(
      rows,
      'learning from the target itself',
      'learning from the other data set',
    )
  ]


def controls(measured: Measured) -> list[str]:
  """What the labels of the source are worth beside none."""
  found = []
  for control in (RANDOM, SIMCLR):
    rows = measured.differences(PLAIN, control)
    if rows:
      labels = 'learning from labels'
      found.append(comparison_sentence(rows, labels, name(control)))
  rows = measured.differences(EPOCHS, PLAIN)
  if rows:
    text = comparison_sentence(rows, 'equal epochs', 'equal updates')
    found.append(
      f'{text} With equal epochs the fewest labels have the fewest updates: a '
      'curve over k is then one over the length of training as well.'
    )
  return found
