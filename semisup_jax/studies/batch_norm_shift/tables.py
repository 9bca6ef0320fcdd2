"""The study's tables: text in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.reporting import batch_norm, wording
from semisup_jax.studies import markdown
from semisup_jax.studies.batch_norm_shift import published
from semisup_jax.studies.batch_norm_shift.measured import (
  Measured,
  varies_momentum,
)

Row = Mapping[str, Any]

ARMS = {
  'trainset1': 'trainset1, labels alone',
  'trainset2': 'trainset2, labels alone',
  'simclr': 'SimCLR on trainset2 without labels',
}


def accuracy(measured: Measured, *, comparable: bool) -> str:
  """On the whole test set: labels alone, and SimCLR with trainset1's labels."""
  rows = measured.accuracy()
  head = ['learned from', 'judged by', 'accuracy, %']
  head += ['published, %'] if comparable else []
  body = []
  for row in rows:
    known = published.ACCURACY.get((row['arm'], row['protocol']))
    line = [ARMS[row['arm']], wording.protocol(row['protocol'])]
    line.append(markdown.value(row))
    line += ['' if known is None else f'{known:.2f}'] if comparable else []
    body.append(line)
  return (
    '## Accuracy without a shift\n\n'
    f'{markdown.table(head, body)}\n'
    "The linear probe is the frozen encoder with trainset1's labels, "
    'fine-tuning trains all of it.\n'
  )


def against_published(measured: Measured) -> str:
  """The published table by test batch, and ours under every shift."""
  sizes = [n for n in published.BATCH_SIZES if n in measured.batch_sizes]
  shifts = [s for s in measured.shifts if s != 'clean']
  if not sizes or not shifts:
    return ''
  head = ['test batch', *map(str, sizes)]
  body = []
  low, high = published.SOURCE
  text = f'{low} to {high}'
  body.append(['**published**: eval mode, both sets', *[text] * len(sizes)])
  for arm in measured.trainsets:
    numbers = dict(
      zip(published.BATCH_SIZES, published.BATCH[arm], strict=True)
    )
    cells = [f'{numbers[n]:.2f}' for n in sizes]
    body.append([f'**published**: train mode, {arm}', *cells])
  for shift in shifts:
    for arm in measured.trainsets:
      name = f'{batch_norm.shift_name(shift)}, {arm}'
      source = measured.one(arm, 'source', shift=shift)
      body.append([f'{name}: source', *[markdown.value(source)] * len(sizes)])
      cells = [
        markdown.value(measured.one(arm, 'batch', shift=shift, batch_size=n))
        for n in sizes
      ]
      body.append([f'{name}: batch', *cells])
  return (
    '## The published table and ours\n\n'
    'Accuracy in per cent under shift, test images in random order.\n\n'
    f'{markdown.table(head, body)}'
  )


def by_batch_size(measured: Measured) -> str:
  """Accuracy by mode and test batch, for each shift and training set."""
  parts = []
  for shift in measured.shifts:
    for arm in measured.trainsets:
      rows = measured.of(arm, shift=shift)
      if rows:
        title = f'{batch_norm.shift_name(shift)}, {arm}'
        parts.append(f'### {title[0].upper()}{title[1:]}\n\n{_grid(rows)}')
  return '## Accuracy by test batch\n\n' + '\n'.join(parts) if parts else ''


def _grid(rows: Sequence[Row]) -> str:
  """A line a mode, a column a batch size."""
  sizes = sorted(batch_norm.unique(rows, 'batch_size'))
  body = []
  for mode, of_mode in batch_norm.by_mode(rows).items():
    own = {row['batch_size']: row for row in of_mode}
    fixed = own.get(None)
    cells = [markdown.value(fixed or own.get(n)) for n in sizes]
    body.append([batch_norm.name(*mode), *cells])
  return markdown.table(['statistics \\ test batch', *map(str, sizes)], body)


def corruptions(measured: Measured) -> str:
  """Mean error, ECE and NLL over corruptions and severities, by mode."""
  parts = []
  for arm in measured.trainsets:
    by_metric = {
      metric: batch_norm.by_mode(measured.corruptions(arm, metric))
      for metric in ('top1', 'ece', 'nll')
    }
    if not by_metric['top1']:
      continue
    body = []
    for mode in by_metric['top1']:
      means = {
        metric: float(np.mean([row['mean'] for row in rows[mode]]))
        for metric, rows in by_metric.items()
      }
      body.append(
        [
          batch_norm.name(*mode),
          wording.number(1 - means['top1'], 'top1'),
          wording.number(means['ece'], 'ece'),
          wording.number(means['nll'], 'nll'),
        ]
      )
    head = [arm, 'mean error, %', 'ECE, %', 'NLL']
    parts.append(markdown.table(head, body))
  if not parts:
    return ''
  rows = measured.corruptions(measured.trainsets[0])
  severities = batch_norm.unique(rows, 'severity')
  names = batch_norm.unique(rows, 'shift')
  (size,) = batch_norm.unique(rows, 'batch_size') or (None,)
  return (
    '## Corruptions\n\n'
    f'Means over {len(names)} corruptions at severities '
    f'{wording.listed(severities)}; errors are not divided by those of '
    'another network; test '
    f'batches of {size}, {markdown.replications(rows)}.\n\n' + '\n'.join(parts)
  )


def calibration(measured: Measured) -> str:
  """ECE and NLL of every mode under every shift, in the largest batches."""
  if not measured.batch_sizes:
    return ''
  size = max(measured.batch_sizes)
  parts = []
  for arm in measured.trainsets:
    lines: dict[tuple, list[str]] = {}
    head = [arm]
    for shift in measured.shifts:
      name = batch_norm.shift_name(shift)
      head += [f'{name}: ECE, %', 'NLL']
      for metric in ('ece', 'nll'):
        rows = [
          row
          for row in measured.of(arm, shift=shift, metric=metric)
          if row['batch_size'] in (None, size)
        ]
        for mode, (row,) in batch_norm.by_mode(rows).items():
          lines.setdefault(mode, []).append(markdown.value(row))
    body = [[batch_norm.name(*mode), *cells] for mode, cells in lines.items()]
    parts.append(markdown.table(head, body))
  return (
    f'## Calibration\n\nIn test batches of {size}, random order.\n\n'
    + '\n'.join(parts)
  )


def momenta(measured: Measured) -> str:
  """What the momentum of training's running averages does."""
  measured = measured.of_seeds(varies_momentum)
  known = sorted({row['factors']['momentum'] for row in measured.rows})
  if len(known) < 2:
    return ''
  size = max(measured.batch_sizes)
  body, found = [], []
  for momentum in known:
    for mode, fields in (('source', {}), ('batch', {'batch_size': size})):
      own = [
        measured.one(
          'trainset1', mode, shift=shift, momentum=momentum, **fields
        )
        for shift in measured.shifts
      ]
      body.append([f'{momentum:g}', mode, *map(markdown.value, own)])
      found += filter(None, own)
  head = [
    'momentum',
    'statistics',
    *map(batch_norm.shift_name, measured.shifts),
  ]
  return (
    "## BatchNorm's momentum in training\n\n"
    f'Accuracy in per cent, trainset1, {markdown.replications(found)}; batch: '
    f'{size} test images.\n\n'
    f'{markdown.table(head, body)}'
  )
