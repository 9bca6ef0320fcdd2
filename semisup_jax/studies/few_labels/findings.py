"""What the study found, in sentences made from its numbers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax import metrics
from semisup_jax.reporting import wording
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
from semisup_jax.studies.sentences import (
  at_ks,
  capitalized,
  comparison_sentence,
  gap_of,
)

Row = Mapping[str, Any]


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
  """Whether the gain is largest with the fewest labels, as published.

  It is said to be, or not to be, where intervals say so.
  """
  first, largest = rows[0], max(rows, key=lambda row: row['mean'])
  k, plain, mixed = published.FIRST
  text = (
    f'Published for {arm}: {mixed - plain:.0f} points at k = {k}, and less '
    f'with more labels; here {_signed(first)} points {at_ks([first])}'
  )
  if largest is not first:
    text += f', and most, {_signed(largest)}, {at_ks([largest])}'
  if first['labels_per_class'] != k or len(rows) < 2 or first['low'] is None:
    return f'{text}.'
  if largest is first and gap_of(first).verdict == 'higher':
    return f'{text}, the largest gain of all: the shape agrees.'
  if largest is first:
    return f'{text}, the largest of all, but it may be none.'
  gained = metrics.paired_difference(largest['values'], first['values'])
  if gained.low > 0:
    return f'{text}: the shape does not agree.'
  return f'{text}; which of the two is larger is not decided.'


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
  both = [
    target
    for target, source in zip(on_target, on_source, strict=True)
    if (gap_of(target).verdict, gap_of(source).verdict) == ('higher', 'lower')
  ]
  gains = wording.listed(
    f'{_signed(target)} and {_signed(source)} {at_ks([target])}'
    for target, source in zip(on_target, on_source, strict=True)
  )
  text = (
    f'in points, {name(arm)} changes accuracy on the target, and that of the '
    f'first head on its own classes, by {gains}'
  )
  if both:
    text += (
      f'; {at_ks(both)} it helps the features and costs the classifier, which '
      'speaks for a gain that is one of features'
    )
  return capitalized(text)


def _signed(row: Row) -> str:
  text = wording.number(row['mean'], 'top1')
  return text if text.startswith('-') or float(text) == 0 else f'+{text}'


def same_or_other(measured: Measured) -> list[str]:
  """The second question: does one learn better from the target itself?"""
  rows = measured.differences(SAME, PLAIN)
  if not rows:
    return []
  other = 'learning from the other data set'
  return [
    comparison_sentence(rows, 'learning from the target itself', other),
    'Where the target has more classes, k images of each are more images.',
  ]


def beside_no_labels(measured: Measured) -> list[str]:
  """What the labels of the source are worth beside none."""
  return [
    comparison_sentence(rows, 'learning from labels', name(control))
    for control in (RANDOM, SIMCLR)
    if (rows := measured.differences(PLAIN, control))
  ]


def equal_epochs(measured: Measured) -> list[str]:
  """What the length of training does to the curve."""
  rows = measured.differences(EPOCHS, PLAIN)
  if not rows:
    return []
  text = comparison_sentence(
    rows, 'training for equal epochs', 'training for equal updates'
  )
  return [
    text,
    'With equal epochs the fewest labels have the fewest updates: a curve over '
    'k is then one over the length of training as well.',
  ]
