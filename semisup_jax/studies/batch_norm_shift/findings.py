"""What the study found, in sentences made from its numbers."""

import itertools
from collections.abc import Mapping
from typing import Any

from semisup_jax.reporting import batch_norm, wording
from semisup_jax.studies import markdown, statistics
from semisup_jax.studies.batch_norm_shift import published
from semisup_jax.studies.batch_norm_shift.measured import Measured, is_sorted

Row = Mapping[str, Any]


def sentences(measured: Measured, *, comparable: bool) -> list[str]:
  """Collapse and recovery, mixtures, order, calibration, and SimCLR."""
  found = []
  for arm in measured.trainsets[-1:]:
    for shift in measured.shifts:
      if shift != 'clean':
        found += _recovery(measured, arm, shift, comparable)
    if measured.shift:
      found += _mixtures(measured, arm, measured.shift)
    found += _order(measured, arm)
  found += _eval_mode(measured, comparable)
  found += _simclr(measured)
  return found


def _percent(row: Row | None) -> str:
  return f'{markdown.value(row)} %'


def _recovery(measured, arm, shift, comparable) -> list[str]:
  """From source to batch, by the size of the batch."""
  clean = measured.one(arm, 'source', shift='clean')
  source = measured.one(arm, 'source', shift=shift)
  rows = [
    row
    for row in measured.of(arm, shift=shift, mode='batch')
    if row['batch_size'] in published.BATCH_SIZES
  ] or measured.of(arm, shift=shift, mode='batch')
  if not clean or not source or not rows:
    return []
  steps = wording.listed(
    f'{wording.number(row["mean"], "top1")} % at {row["batch_size"]}'
    for row in rows
  )
  grows = all(a['mean'] < b['mean'] for a, b in itertools.pairwise(rows))
  lost = clean['mean'] - source['mean']
  recovered = rows[-1]['mean'] - source['mean'] > lost / 2
  text = (
    f'{batch_norm.shift_name(shift).capitalize()}, {arm}: with the statistics '
    f'of training accuracy falls from {_percent(clean)} to {_percent(source)}. '
    f'With those of the test batch it is {steps}'
  )
  if grows and recovered:
    text += ': it recovers as the batch grows'
  elif not recovered:
    text += ': half of the loss, or more, stays'
  if comparable:
    numbers = [f'{x:.1f}' for x in published.BATCH[arm]]
    text += f' (published: {wording.listed(numbers)})'
  return [f'{text}.']


def _mixtures(measured, arm, shift) -> list[str]:
  """Which prior is best, by the size of the batch."""
  rows = measured.of(arm, shift=shift, mode='alpha')
  if not rows:
    return []
  best = []
  for size in sorted(batch_norm.unique(rows, 'batch_size')):
    own = [row for row in rows if row['batch_size'] == size]
    top = max(own, key=lambda row: row['mean'])
    batch = measured.one(arm, 'batch', shift=shift, batch_size=size)
    if batch:
      gain = 100 * (top['mean'] - batch['mean'])
      best.append(f'N = {top["amount"]:g} at {size} ({gain:+.1f})')
  return [
    f'Of the mixtures the best under {batch_norm.shift_name(shift)}, by test '
    'batch, and what it has over the statistics of the batch alone, in points: '
    f'{wording.listed(best)}. The best of several is a flattering choice.'
  ]


def _order(measured, arm) -> list[str]:
  """What test images that come sorted by class do."""
  several = len(measured.seeds) > 1
  measured = measured.of_seeds(is_sorted)
  if not measured.rows:
    return []
  alone = ' (one seed)' if several and len(measured.seeds) == 1 else ''
  size = 32 if 32 in measured.batch_sizes else max(measured.batch_sizes)
  run = {'shift': 'clean', 'batch_size': size}
  random = measured.one(arm, 'batch', **run)
  ordered = [
    row
    for row in measured.of(arm, mode='batch', order='sorted', **run)
    if row['order'] == 'sorted'
  ]
  if not random or not ordered:
    return []
  return [
    f'Sorted by class, without a shift, the statistics of {size} test images '
    f'give {_percent(ordered[0])} instead of {_percent(random)}{alone}: they '
    'are those of a class, not of the data.'
  ]


def _eval_mode(measured, comparable) -> list[str]:
  """Why accuracy in eval mode cannot depend on the batch."""
  changed, total = measured.changed()
  if not total:
    return []
  text = (
    'With the statistics of training an image is classified by itself: of '
    f'{total:,} predictions made in batches of '
    f'{wording.listed(measured.batch_sizes)}, in random order and sorted, '
    f'{changed:,} differ from those made at once.'
  )
  if comparable:
    low, high = published.SOURCE
    text += (
      f' So the published column for eval mode, which moves between {low} and '
      f'{high} % with the batch, cannot be of frozen statistics: either they '
      'were changed by the tests before, or numbers of several models stand in '
      'one column.'
    )
    source = measured.one(
      measured.trainsets[-1], 'source', shift='unnormalised_input'
    )
    if source:
      text += (
        ' Feeding pixels that were not normalised gives '
        f'{_percent(source)} in eval mode and the recovery above in train '
        'mode: a slip of preprocessing would explain the pattern.'
      )
  return [text]


def _simclr(measured: Measured) -> list[str]:
  """SimCLR and the labels of trainset1, against these labels alone."""
  labels = {'arm': 'trainset1', 'protocol': 'supervised'}
  found = []
  for protocol in ('fine_tune', 'linear_probe'):
    gain = measured.gain({'arm': 'simclr', 'protocol': protocol}, labels)
    if gain:
      name = wording.protocol_in_sentence(protocol)
      found.append(
        statistics.sentence(
          gain, a=f'SimCLR with {name}', b='training on trainset1 alone'
        )
      )
  return found
