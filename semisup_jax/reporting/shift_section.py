"""The page's section on BatchNorm under shift."""

from collections.abc import Mapping, Sequence
from typing import Any

from semisup_jax.reporting import batch_norm, tables, wording

Row = Mapping[str, Any]


def section(extra: Mapping[str, Any]) -> str:
  """Accuracy by mode and batch size, and over corruptions, as HTML.

  Args:
    extra: The tables of results.json; `batch_norm` is looked at.

  Returns:
    Nothing where there is none.
  """
  rows = extra.get('batch_norm')
  if not rows:
    return ''
  shifts = [row for row in rows if row['severity'] is None]
  corruptions = [row for row in rows if row['severity'] is not None]
  boxes = []
  for shift in batch_norm.unique(shifts, 'shift'):
    own = [row for row in shifts if row['shift'] == shift]
    boxes.append(_titled(batch_norm.shift_name(shift), _by_batch_size(own)))
  if corruptions:
    boxes.append(_titled('Corruptions', _over_corruptions(corruptions)))
  n = max(row['n'] for row in rows)
  told = '; '.join(
    f'{mode.replace("_", ", ")}: {batch_norm.EXPLAINED[mode]}'
    for mode in batch_norm.unique(rows, 'mode')
  )
  return (
    '<section>\n<h2>BatchNorm under shift</h2>\n'
    f'<div class="tables">{"".join(boxes)}</div>\n'
    f'<p class="hint">{tables.escape(f"{n:,} images in random order. {told}.")}'
    '</p>\n</section>'
  )


def _titled(title: str, table: str) -> str:
  return f'<div><h3>{tables.escape(title)}</h3>{table}</div>'


def _by_batch_size(rows: Sequence[Row]) -> str:
  """Top-1 accuracy, %; what does not look at the batch has one number."""
  sizes = sorted(batch_norm.unique(rows, 'batch_size'))
  lines = []
  for mode, own in batch_norm.by_mode(rows).items():
    by_size = {r['batch_size']: r for r in own if r['order'] in (None, 'iid')}
    fixed = by_size.get(None)
    cells = [
      wording.number((fixed or by_size[n])['top1'], 'top1') for n in sizes
    ]
    lines.append((tables.escape(batch_norm.name(*mode)), *cells))
  head = ('accuracy, %, by test batch', *map(str, sizes))
  return tables.named(head, lines, 'wide', label='Accuracy by test batch')


def _over_corruptions(rows: Sequence[Row]) -> str:
  """Means over all corruptions and severities."""
  lines = []
  for mode, own in batch_norm.by_mode(rows).items():
    means = {
      name: sum(r[name] for r in own) / len(own)
      for name in ('top1', 'ece', 'nll')
    }
    lines.append(
      (
        tables.escape(batch_norm.name(*mode)),
        wording.number(1 - means['top1'], 'top1'),
        wording.number(means['ece'], 'ece'),
        wording.number(means['nll'], 'nll'),
      )
    )
  head = ('mean over corruptions', 'error, %', 'ECE, %', 'NLL')
  return tables.named(head, lines, 'wide', label='Means over corruptions')
