"""The study's tables: text in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax import metrics
from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.stl10 import published
from semisup_jax.studies.stl10.measured import (
  ALL,
  FINE_TUNED,
  FIXMATCH,
  PROBE,
  PSEUDO_LABELS,
  SUPERVISED,
  Judged,
  Measured,
)

Row = Mapping[str, Any]

_PUBLISHED = {
  SUPERVISED: published.SUPERVISED,
  PSEUDO_LABELS: published.PSEUDO_LABELS,
  PROBE: published.PROBE,
}
# Whose labels are audited, and who gives them.
_AUDITED = {
  PSEUDO_LABELS: 'labels alone',
  FINE_TUNED: 'Barlow Twins, fine-tuned',
  FIXMATCH: 'FixMatch',
}


def title(judged: Judged) -> str:
  """In a table."""
  return judged.name[0].upper() + judged.name[1:]


def accuracy(measured: Measured, *, comparable: bool) -> str:
  """Every model with the most labels; the published numbers beside."""
  labels = measured.labels[0]
  shown = {
    'top1': 'accuracy, %',
    'macro_f1': 'macro F1, %',
    'weighted_f1': 'weighted F1, %',
  }
  head = ['', *shown.values(), 'accuracy over labels alone']
  if comparable:
    head += ['published accuracy, %', 'published "F1", %']
  body = []
  for judged in ALL:
    if measured.value(judged, labels) is None:
      continue
    line = [title(judged)]
    for metric in shown:
      line.append(markdown.value(measured.value(judged, labels, None, metric)))
    gap = None
    if judged != SUPERVISED:
      gap = measured.difference(judged, SUPERVISED, labels)
    line.append(markdown.difference(gap))
    if comparable:
      line += [f'{x:.2f}' for x in _PUBLISHED.get(judged, ())] or ['', '']
    body.append(line)
  text = 'What is over labels alone is in points, paired by seed'
  if len(measured.seeds) > 1:
    text += ', with 95 % intervals, bold where these exclude 0'
  return (
    f'## With {labels:,} labels\n\n{markdown.table(head, body)}\n'
    'F1 is computed once over the whole set, the mean over classes (macro) or '
    f'over images (weighted). {text}.\n'
  )


def f1_bound(measured: Measured) -> str:
  """Why the published F1 cannot be the macro-F1 of that accuracy."""
  body = []
  for judged, (top1, f1) in _PUBLISHED.items():
    bound = 100 * metrics.largest_macro_f1(top1 / 100, 10)
    verdict = 'possible' if f1 <= bound else 'impossible'
    body.append(
      [title(judged), f'{top1:.2f}', f'{f1:.2f}', f'{bound:.2f}', verdict]
    )
  labels = measured.labels[0]
  own = []
  for judged in ALL:
    found = [
      measured.value(judged, labels, None, m) for m in ('top1', 'macro_f1')
    ]
    if None not in found:
      bound = metrics.largest_macro_f1(found[0]['mean'], 10)
      own.append(
        f'{judged.name} {wording.number(found[1]["mean"], "macro_f1")} of at '
        f'most {wording.number(bound, "macro_f1")}'
      )
  head = ['published', 'accuracy, %', '"F1", %', 'largest macro F1, %', '']
  return (
    '## Can an F1 of 71.42 % be that of an accuracy of 59.2 %?\n\n'
    'Let each of K classes have n test images, t be the recall of a class and '
    'd n the images of other classes that are taken for it: its F1 is '
    '2 t / (1 + t + d), and the accuracy is the mean of the t. The d sum to '
    'all errors, E = K (1 - accuracy), and a class takes at most E less its '
    'own. For given recalls the mean F1 is convex in the d, so it is largest '
    'where one class takes every error but its own, and one other takes '
    'those; the other K - 2 classes take none, and their F1, 2 t / (1 + t), is '
    'concave, so that their recalls are best equal. The two recalls that '
    'remain were searched (`metrics.largest_macro_f1`; a test compares it with '
    'every confusion matrix of few images). An average over batches of the F1 '
    'of each, or of the classes that a batch happens to have, is another '
    'number, and can be larger.\n\n'
    + markdown.table(head, body)
    + f'\nHere, macro F1 in per cent: {"; ".join(own)}.\n'
  )


def by_ratio(measured: Measured, *, comparable: bool) -> str:
  """Pseudo-labels by the ratio of unlabelled to labelled images."""
  parts = []
  for labels in measured.labels:
    ratios = [0.0, *measured.ratios(PSEUDO_LABELS, labels)]
    if len(ratios) < 2:
      continue
    values = [measured.value(SUPERVISED, labels)]
    gaps = [None]
    for ratio in ratios[1:]:
      values.append(measured.value(PSEUDO_LABELS, labels, ratio))
      gaps.append(measured.difference(PSEUDO_LABELS, SUPERVISED, labels, ratio))
    head = ['unlabelled images', *(f'{round(labels * r):,}' for r in ratios)]
    body = [
      ['for each labelled one', *(f'{ratio:g}' for ratio in ratios)],
      [
        'labels are right, %',
        '',
        *(_precision(measured, labels, ratio) for ratio in ratios[1:]),
      ],
      ['accuracy, %', *map(markdown.value, values)],
      ['over labels alone', *map(markdown.difference, gaps)],
    ]
    if comparable and labels == measured.labels[0]:
      cells = [published.BY_RATIO.get(ratio) for ratio in ratios]
      known = ['' if cell is None else f'{cell:.2f}' for cell in cells]
      body.append([f'published, {published.LABELS:,} labels', *known])
    parts.append(f'{labels:,} labels:\n\n{markdown.table(head, body)}')
  return '\n'.join(parts)


def _precision(measured, labels, ratio) -> str:
  return markdown.share(
    measured.audited(PSEUDO_LABELS, labels, ratio), 'precision'
  )


def pseudo_labels(measured: Measured) -> str:
  """What each threshold would keep, and how rightly; and class by class."""
  labels = measured.labels[0]
  found = {}
  for judged, who in _AUDITED.items():
    rows = [
      row
      for row in measured.at(judged, labels)
      if row['tables'].get('pseudo_labels')
    ]
    if rows:
      found[who] = rows
  if not found:
    return ''
  body = []
  for who, rows in found.items():
    every = [one for row in rows for one in row['tables']['pseudo_labels']]
    for threshold in sorted({one['threshold'] for one in every}):
      these = [one for one in every if one['threshold'] == threshold]
      used = ' (used)' if these[0]['used'] else ''
      body.append(
        [
          who,
          f'{threshold:g}{used}',
          _count(these, 'kept'),
          *(markdown.share(these, what) for what in ('yield', 'precision')),
        ]
      )
  head = ['labelled by', 'threshold', 'kept', 'yield, %', 'precision, %']
  return (
    '## The pseudo-labels\n\n'
    'Of the unlabelled images, whose truth is known and was not used: how many '
    'are kept at each threshold, and how many of these are labelled rightly; '
    'at the largest ratio.\n\n'
    f'{markdown.table(head, body)}\n{_by_class(found)}'
  )


def _by_class(found: Mapping[str, Sequence[Row]]) -> str:
  names = [
    one['class']
    for one in next(iter(found.values()))[0]['tables']['pseudo_labels_by_class']
  ]
  body = []
  for i, name in enumerate(names):
    line = [name]
    for rows in found.values():
      own = [row['tables']['pseudo_labels_by_class'][i] for row in rows]
      line += [_count(own, 'predicted'), markdown.share(own, 'precision')]
    body.append(line)
  head = ['class']
  for who in found:
    head += [f'{who}: kept', 'precision, %']
  return 'Class by class, at the threshold in use:\n\n' + markdown.table(
    head, body
  )


def recall(measured: Measured) -> str:
  """Recall by class of every model with the most labels."""
  labels = measured.labels[0]
  columns: dict[str, dict[str, list[float]]] = {}
  for judged in ALL:
    for row in measured.at(judged, labels):
      for one in row['tables'].get('per_class_recall', ()):
        if one['protocol'] == judged.protocol:
          own = columns.setdefault(title(judged), {})
          own.setdefault(one['class'], []).append(one['recall'])
  if not columns:
    return ''
  names = list(next(iter(columns.values())))
  body = [
    [name, *(_spread(own[name]) for own in columns.values())] for name in names
  ]
  return f'## Recall by class, %\n\n{markdown.table(["", *columns], body)}'


def _spread(values: Sequence[float]) -> str:
  mean, std = metrics.mean_and_std(values)
  row = {'mean': mean, 'std': std, 'metric': 'top1'}
  return markdown.value(row)


def _count(rows: Sequence[Row], what: str) -> str:
  """The mean of a count over seeds."""
  return f'{np.mean([row[what] for row in rows]):,.0f}'
