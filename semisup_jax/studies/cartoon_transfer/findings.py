"""What the study found, in sentences made from its numbers."""

import numpy as np

from semisup_jax.studies import sentences
from semisup_jax.studies.cartoon_transfer import names, published
from semisup_jax.studies.cartoon_transfer.measured import (
  SCRATCH,
  Judged,
  Measured,
)


def over_scratch(measured: Measured) -> list[str]:
  """Every model beside labels alone."""
  return [
    sentences.sentence(gap, a=names.name(judged), b=names.name(SCRATCH))
    for judged in measured.judged
    if (gap := measured.difference(judged))
  ]


def between_modes(measured: Measured) -> list[str]:
  """Of each encoder the frozen and the probed one beside all of it."""
  found = []
  for judged in measured.judged:
    full = Judged(judged.arm, 'fine_tune')
    if judged.protocol in ('frozen', 'lp_ft') and full in measured.judged:
      gap = measured.difference(judged, full)
      found.append(
        sentences.sentence(gap, a=names.name(judged), b=names.name(full))
      )
  return found


def channels(measured: Measured, known: str) -> list[str]:
  """How far the published channel statistics are from those of random parts."""
  if known not in published.CHANNELS or not measured.channels:
    return []
  mean = np.array([pair[0] for pair in measured.channels.values()])
  gap = np.abs(mean.mean(axis=0) - published.CHANNELS[known][0])
  text = (
    'The published channel means differ from the mean over seeds by '
    f'{gap.min():.3f} to {gap.max():.3f}'
  )
  if len(mean) > 1:
    spread = mean.std(axis=0, ddof=1)
    text += (
      f', {(gap / spread).min():.1f} to {(gap / spread).max():.1f} times the '
      'standard deviation between seeds'
    )
  return [f'{text}.']
