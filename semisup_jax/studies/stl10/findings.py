"""What the study found, in sentences made from its numbers."""

from typing import Any

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import statistics
from semisup_jax.studies.stl10 import published
from semisup_jax.studies.stl10.measured import (
  FINE_TUNED,
  FIXMATCH,
  LONGER,
  PROBE,
  PSEUDO_LABELS,
  SUPERVISED,
  TAUGHT,
  Judged,
  Measured,
)

# What is compared in words, with the most labels.
_PAIRS = (
  (FIXMATCH, SUPERVISED),
  (FINE_TUNED, SUPERVISED),
  (FINE_TUNED, LONGER),
  (PROBE, SUPERVISED),
  (TAUGHT, FINE_TUNED),
  (TAUGHT, PSEUDO_LABELS),
)


def sentences(measured: Measured, *, comparable: bool) -> list[str]:
  """All of them; what is not there is not spoken of.

  Args:
    measured: The rows.
    comparable: Whether the published numbers are of the same kind of data.
  """
  found = []
  for labels in measured.labels:
    found += _of_ratios(measured, labels)
  found += _audit(measured, comparable=comparable)
  found += _starved(measured)
  labels = measured.labels[0]
  for a, b in _PAIRS:
    gap = measured.difference(a, b, labels)
    if gap:
      found.append(_compared(gap, a, b, labels))
  return found


def _compared(gap: Any, a: Judged, b: Judged, labels: int, at: str = '') -> str:
  where = f'{at} with {labels:,} labels'
  return statistics.sentence(gap, a=a.name, b=b.name + where)


def _of_ratios(measured: Measured, labels: int) -> list[str]:
  """What the unlabelled images gain, ratio by ratio."""
  found = []
  for ratio in measured.ratios(PSEUDO_LABELS, labels):
    gap = measured.difference(PSEUDO_LABELS, SUPERVISED, labels, ratio)
    if gap:
      images = f'{round(ratio * labels):,} unlabelled images'
      a = PSEUDO_LABELS._replace(name=f'pseudo-labelling {images}')
      found.append(_compared(gap, a, SUPERVISED, labels))
  return found


def _starved(measured: Measured) -> list[str]:
  """What becomes of the class that gets the fewest pseudo-labels."""
  labels = measured.labels[0]
  points = [
    row
    for row in measured.at(PSEUDO_LABELS, labels)
    if row['tables'].get('pseudo_labels_by_class')
  ]
  if not points:
    return []
  given: dict[str, list[int]] = {}
  for row in points:
    for one in row['tables']['pseudo_labels_by_class']:
      given.setdefault(one['class'], []).append(one['predicted'])
  means = {name: np.mean(counts) for name, counts in given.items()}
  name = min(means, key=means.get)
  before, after = (
    np.mean(
      [
        one['recall']
        for row in points
        for one in row['tables']['per_class_recall']
        if (one['protocol'], one['class']) == (protocol, name)
      ]
    )
    for protocol in ('teacher', 'student')
  )
  most = max(means, key=means.get)
  return [
    f'The class {name} gets the fewest pseudo-labels, {means[name]:,.0f} of '
    f'{sum(means.values()):,.0f} (mean over seeds; {most} gets '
    f'{means[most]:,.0f}); its recall is {wording.number(before, "top1")} % '
    f'before and {wording.number(after, "top1")} % after learning from them.'
  ]


def _audit(measured: Measured, *, comparable: bool) -> list[str]:
  """How many pseudo-labels there are, and how many are right."""
  labels = measured.labels[0]
  used = measured.audited(PSEUDO_LABELS, labels)
  right = [one['precision'] for one in used if one['precision'] is not None]
  if not right:
    return []
  share = wording.number(np.mean([one['yield'] for one in used]), 'top1')
  text = (
    f'Of {used[0]["n"]:,} unlabelled images {share} % are labelled at the '
    f'threshold {used[0]["threshold"]:g}, and '
    f'{wording.number(np.mean(right), "top1")} % of these rightly'
  )
  if comparable:
    text += (
      f' (published: {published.KEPT:,} of {published.OFFERED:,}, '
      f'{100 * published.KEPT / published.OFFERED:.1f} %, of unknown precision)'
    )
  return [f'{text}.']
