"""The study's tables: text in Markdown."""

from collections.abc import Sequence

import numpy as np

from semisup_jax.reporting import wording
from semisup_jax.studies import markdown
from semisup_jax.studies.cartoon_transfer import names, published
from semisup_jax.studies.cartoon_transfer.measured import Measured


def accuracies(measured: Measured, batch_size: int, split: str, known: str):
  """What validation has chosen, and what came of it.

  Args:
    measured: The rows.
    batch_size: Of the trainings on labels, which makes steps epochs.
    split: The part that is reported.
    known: A key of the published numbers, or ''.
  """
  others = published.ACCURACY.get(known, {})
  head = ['', 'rate', 'epoch', 'validation, %', f'{split}, %', 'gap, points']
  head.append('over labels alone, points')
  if others:
    head += ['published validation, %', f'published {split}, %']
  body = []
  for judged in measured.judged:
    tested, looks = measured.tested(judged), measured.chosen(judged)
    line = [names.title(judged)]
    if looks:
      at = dict(zip(tested['units'], tested['values'], strict=True))
      epochs = [x['step'] * batch_size / x['labels'] for x in looks.values()]
      right = [100 * x['top1'] for x in looks.values()]
      gaps = [100 * (x['top1'] - at[seed]) for seed, x in looks.items()]
      rates = dict.fromkeys(f'{x["learning_rate"]:g}' for x in looks.values())
      line += [', '.join(rates), _ends(epochs), _spread(right)]
      line += [markdown.value(tested), _spread(gaps)]
    else:
      line += ['-', '-', '-', markdown.value(tested), '-']
    line.append(markdown.difference(measured.difference(judged)))
    if others:
      pair = others.get(judged, ())
      line += [f'{x:.2f}' for x in pair] or ['', '']
    body.append(line)
  return markdown.table(head, body)


def channels(measured: Measured, known: str) -> str:
  """The channels of what is learned from, and the published ones."""
  own = list(measured.channels.values())
  rows = []
  for which, title in enumerate(('mean', 'standard deviation')):
    values = np.array([pair[which] for pair in own])
    cells = [
      _spread(channel, digits=4 if len(values) == 1 else 3)
      for channel in values.T
    ]
    rows.append([f'{title}, here', *cells])
    if known in published.CHANNELS and len(cells) == 3:
      numbers = published.CHANNELS[known][which]
      rows.append([f'{title}, published', *(f'{x:.4f}' for x in numbers)])
  head = ['', *('red', 'green', 'blue')] if len(cells) == 3 else ['', 'grey']
  return markdown.table(head, rows)


def _spread(values: Sequence[float], digits: int = 1) -> str:
  text = f'{np.mean(values):.{digits}f}'
  if len(values) > 1:
    text += f' ± {np.std(values, ddof=1):.{digits}f}'
  return text


def _ends(values: Sequence[float]) -> str:
  """`7`, or `7 to 12`."""
  low, high = (round(x) for x in (min(values), max(values)))
  return wording.count(low) if low == high else f'{low} to {high}'
