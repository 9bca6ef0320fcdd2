"""The tables of the study: encoders, classifiers, representations."""

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.methods.measured import (
  BASELINE,
  FLOORS,
  PROBES,
  Measured,
  own,
)


def encoders(measured: Measured) -> str:
  """Probe and kNN of every encoder, with the labels its training saw."""
  if not measured.encoders:
    return ''
  counts = measured.label_counts
  places = [(probe, k) for probe in PROBES for k in counts]
  cells = {
    (row['method'], probe, row['labels_per_class']): row
    for probe in PROBES
    for row in measured.of_encoders(probe)
  }
  head = ['method', 'labels seen']
  head += [f'{wording.protocol(probe)}, {k}' for probe, k in places]
  body = [
    [
      wording.protocol(method),
      _seen(measured, method),
      *(markdown.value(cells.get((method, *place))) for place in places),
      measured.seconds(method),
    ]
    for method in measured.encoders
  ]
  return '\n'.join(
    [
      f'## Encoders, probed with {wording.listed(counts)} labels a class\n',
      '"Labels seen" are those of the training itself, over all classes; the '
      'probe and kNN then see as many a class as the column says, and the '
      'probe chooses its L2 on the labels of the validation part. The time is '
      'the median of a whole run with its evaluation; compiled steps are '
      'reused between runs.\n',
      markdown.table([*head, 'time'], body),
    ]
  )


def floors(measured: Measured) -> str:
  """What every encoder's probe gains over the floors."""
  k = measured.middle
  trained = [m for m in measured.encoders if m not in FLOORS]
  gaps = {
    (method, floor): measured.gain(method, floor)
    for method in trained
    for floor in FLOORS
  }
  known = [f for f in FLOORS if any(gaps[m, f] for m in trained)]
  if not known:
    return ''
  body = [
    [
      wording.protocol(method),
      *(markdown.difference(gaps[method, floor]) for floor in known),
    ]
    for method in trained
  ]
  head = ['method', *(f'over {wording.protocol(f).lower()}' for f in known)]
  return '\n'.join(
    [
      f'What the linear probe gains over the floors {wording.labels(k)}, with '
      '95 % intervals:\n',
      markdown.table(head, body),
    ]
  )


def classifiers(measured: Measured) -> str:
  """Accuracy of every classifier, and its difference from the baseline."""
  if not measured.classifiers:
    return ''
  counts = measured.label_counts
  cells = {
    (row['method'], row['labels_per_class']): row
    for row in measured.of_classifiers()
  }
  gaps = {
    (method, row['labels_per_class']): row
    for method in measured.classifiers
    if method != BASELINE
    for row in measured.differences(own(method), own(BASELINE))
  }
  head = ['method', *counts, *(f'{k}, gain' for k in counts), 'time']
  body = [
    [
      wording.protocol(method),
      *(markdown.value(cells.get((method, k))) for k in counts),
      *(markdown.difference(gaps.get((method, k))) for k in counts),
      measured.seconds(method),
    ]
    for method in measured.classifiers
  ]
  return '\n'.join(
    [
      '## Classifiers, trained with few labels a class\n',
      'Each learned from as many labels a class as the column says; it is '
      'tested itself, by the model that was best on the validation part, whose '
      'labels choose here as they do for the probes. Gains are over '
      f'"{wording.protocol(BASELINE)}" on the same labels, in points, with '
      '95 % intervals where there are several seeds, bold where these exclude '
      '0.\n',
      markdown.table(head, body),
    ]
  )


def representations(measured: Measured) -> str:
  """Rank and spread of what an encoder and its head say of images."""
  found: dict[str, dict[str, list[float]]] = {}
  for row in measured.rows:
    for one in row['tables'].get('representation', ()):
      places = found.setdefault(row['factors']['method'], {})
      for what in ('rank', 'std'):
        places.setdefault(f'{one["of"]}, {what}', []).append(one[what])
  if not found:
    return ''
  # A floor and the autoencoder have no head: of their projections is nothing.
  columns = list(dict.fromkeys(c for places in found.values() for c in places))
  body = [
    [wording.protocol(method), *(_mean_of(places, c) for c in columns)]
    for method, places in found.items()
  ]
  return '\n'.join(
    [
      '## Representations\n',
      'RankMe, the effective rank, and the spread of unit-length features (1: '
      'in all directions; 0: collapsed), on the validation part at the end of '
      'training; means over seeds. Projections have as many dimensions as each '
      'recipe gives them, so that their ranks compare only with care.\n',
      markdown.table(['method', *columns], body),
    ]
  )


def _mean_of(places: dict[str, list[float]], column: str) -> str:
  """The mean of a rank or a spread; nothing where there is none."""
  if column not in places:
    return ''
  return f'{np.mean(places[column]):.{2 if "std" in column else 1}f}'


def _seen(measured: Measured, method: str) -> str:
  rows = measured.of(method)
  if {row['factors']['labels'] for row in rows} == {0}:
    return '0'
  return f'{max(row["counts"]["labelled"] for row in rows):,}'
