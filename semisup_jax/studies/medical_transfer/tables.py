"""The study's tables: text in Markdown."""

from collections.abc import Sequence

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.medical_transfer import names, published
from semisup_jax.studies.medical_transfer.measured import (
  FULL,
  Judged,
  Measured,
)

# What one answer for every image, that of the larger class, would have.
_ONE_ANSWER = {'balanced_accuracy': 0.5, 'roc_auc': 0.5}


def modes(measured: Measured) -> str:
  """Every mode by labels a class, and its difference from `FULL`."""
  full = Judged(measured.main, FULL)
  lines = {wording.protocol(m.protocol): m for m in measured.modes}
  pairs = {n: (m, full) for n, m in lines.items() if m != full}
  text = _by_labels(measured, lines)
  if pairs and full in measured.modes:
    text += _differences(measured, 'fine-tuning all layers', pairs)
  return text


def measures(
  measured: Measured, wanted: Sequence[str], *, comparable: bool
) -> str:
  """Every mode by several metrics, with the fewest and the most labels."""
  known = measured.measures(wanted)
  head = ['', *map(wording.metric_with_unit, known)]
  parts = []
  for k in dict.fromkeys((measured.ks[0], measured.ks[-1])):
    body = [
      [
        wording.protocol(mode.protocol),
        *(markdown.value(measured.value(mode, k, m)) for m in known),
      ]
      for mode in measured.modes
    ]
    if measured.majority is not None:
      one = {**_ONE_ANSWER, 'top1': measured.majority}
      body.append(_line('One answer for all', one, known))
    if comparable:
      name = '**published**, all labels'
      body.append(_line(name, published.REFERENCE, known))
    where = wording.labels(k)
    parts.append(f'{where[0].upper()}{where[1:]}:\n\n')
    parts.append(f'{markdown.table(head, body)}\n')
  return f'## Other measures\n\n{"".join(parts)}'


def arms(measured: Measured) -> str:
  """Every encoder in the ways that all are used, by labels a class."""
  lines, pairs = {}, {}
  for mode in measured.shared:
    for arm in measured.arms:
      name = f'{names.title(arm)}: {_lower(wording.protocol(mode))}'
      lines[name] = Judged(arm, mode)
      if arm != 'random' and 'random' in measured.arms:
        pairs[name] = Judged(arm, mode), Judged('random', mode)
  text = _by_labels(measured, lines)
  if pairs:
    other = 'the random encoder, used in the same way'
    text += _differences(measured, other, pairs)
  return text


def encoders(measured: Measured) -> str:
  """How far classes lie apart in features, before any label is seen."""
  body = []
  for arm in measured.arms:
    rows = measured.table(arm, 'separability')
    for feature in dict.fromkeys(row['feature'] for row in rows):
      own = [row for row in rows if row['feature'] == feature]
      known = [r['silhouette'] for r in own if r['silhouette'] is not None]
      body.append(
        [
          f'{names.title(arm)}, {feature}',
          f'{np.mean(known):.3f}' if known else '-',
          *(markdown.share(own, field) for field in ('purity', 'chance')),
        ]
      )
  if not body:
    return ''
  head = ['features', 'silhouette', 'neighbours of the class, %', 'by chance']
  return (
    '## How far classes lie apart\n\n'
    'In features of the encoders as they are, of at most 1,000 images of the '
    'part that is reported; of images with several labels, those with one '
    f'alone.\n\n{markdown.table(head, body)}'
  )


def on_source(measured: Measured, wanted: Sequence[str]) -> str:
  """What was judged where the encoder has learned."""
  ways = [way for arm in measured.arms for way in measured.ways(arm, 'source')]
  if not ways:
    return ''
  known = measured.measures(wanted)
  body = []
  for way in ways:
    name = f'{names.title(way.arm)}: {_lower(wording.protocol(way.protocol))}'
    if way.protocol == wording.BASELINE:
      name = 'Labels alone'
    for k in measured.ks_of('source'):
      cells = (markdown.value(measured.value(way, k, m)) for m in known)
      body.append([f'{name}, {k}', *cells])
  head = ['labels a class', *map(wording.metric_with_unit, known)]
  return markdown.table(head, body)


def _by_labels(measured, lines) -> str:
  body = []
  for name, judged in lines.items():
    cells = (markdown.value(measured.value(judged, k)) for k in measured.ks)
    body.append([name, *cells])
  return (
    f'{wording.metric_with_unit(measured.metric)}:\n\n{_table(measured, body)}'
  )


def _differences(measured, other, pairs) -> str:
  body, intervals = [], ''
  for name, pair in pairs.items():
    gaps = [measured.difference(*pair, k) for k in measured.ks]
    body.append([name, *map(markdown.difference, gaps)])
    if any(gap and gap['low'] is not None for gap in gaps):
      intervals = (
        ', paired by seed and draw, with 95 % intervals, bold where these '
        'exclude 0'
      )
  return f'\nDifferences from {other}{intervals}:\n\n{_table(measured, body)}'


def _table(measured, body) -> str:
  head = ['labels a class', *map(wording.count, measured.ks)]
  return markdown.table(head, body)


def _line(name, values, known) -> list[str]:
  return [name, *(wording.number(values.get(m), m).strip('-') for m in known)]


def _lower(text: str) -> str:
  """Within a cell; 'kNN' stays."""
  return text if text[1].isupper() else f'{text[0].lower()}{text[1:]}'
