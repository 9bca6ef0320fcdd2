"""The page about predictions: how good they are likely to be, and a look."""

import os
from collections.abc import Sequence

import numpy as np

from semisup_jax.reporting import document, predictions, tables, wording
from semisup_jax.reporting.predictions import Predicted

# Confidence from which on predictions are counted.
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def write_page(
  path: str | os.PathLike,
  predicted: Predicted,
  figures: Sequence[document.FigureFiles],
  command: str,
) -> None:
  """Writes one HTML file that needs no other.

  Args:
    path: The file.
    predicted: The predictions.
    figures: Title, caption and files of each.
    command: The command line that makes the page.
  """
  title = f'Predictions: {predicted.name}'
  facts = [wording.method(predicted.method), f'the run in {predicted.run}']
  shown = '\n'.join(document.figure(*figure) for figure in figures)
  parts = [
    document.header(title, facts, predictions.headline(predicted)),
    document.notes(
      'How good they are likely to be', predictions.sentences(predicted)
    ),
    _classes(predicted),
    _levels(predicted),
    '<section>\n<h2>A look at them</h2>\n'
    f'<div class="figures">\n{shown}\n</div>\n</section>',
    _disputed(predicted),
    document.skipped(predicted.skipped),
    document.notes('How the files were read', predicted.notes),
    f'<section>\n<h2>How to repeat it</h2>\n{document.command(command)}'
    '</section>',
  ]
  document.write(path, title, parts)


def _classes(predicted: Predicted) -> str:
  """Predictions of each class."""
  classes = predicted.classes[predicted.asked]
  confidence = predicted.confidence[predicted.asked]
  lines = []
  for i, name in enumerate(predicted.class_names):
    own = confidence[classes == i]
    mean = float(own.mean()) if len(own) else None
    lines.append(
      (
        document.escape(name),
        f'{len(own):,}',
        wording.number(len(own) / len(classes), 'top1'),
        wording.number(mean, 'top1'),
      )
    )
  table = tables.named(
    ('class', 'images', 'share, %', 'mean confidence, %'),
    lines,
    'small',
    label='Predictions by class',
  )
  if len(lines) > 20:
    table = tables.folded('Every class', table)
  hint = ''
  if len(classes) < len(predicted.files):
    hint = (
      '<p class="hint">Of the images without a label; predictions.csv has the '
      'others too.</p>\n'
    )
  return f'<section>\n<h2>Predicted classes</h2>\n{table}\n{hint}</section>'


def _levels(predicted: Predicted) -> str:
  """How many predictions are as confident, or more."""
  confidence = predicted.confidence[predicted.asked]
  lines = []
  for level in LEVELS:
    count = int((confidence >= level).sum())
    share = wording.number(count / len(confidence), 'top1')
    below = f'{len(confidence) - count:,}'
    lines.append((f'{100 * level:g} %', f'{count:,}', share, below))
  table = tables.named(
    ('confidence of at least', 'images', 'share, %', 'left to look at'),
    lines,
    'small',
    label='Predictions by confidence',
  )
  return f'<section>\n<h2>By confidence</h2>\n{table}\n</section>'


def _disputed(predicted: Predicted) -> str:
  rows = predicted.disputed[: predictions.SHOWN_DISPUTED]
  if not rows:
    return ''
  lines = [
    (
      document.escape(predicted.files[row]),
      predicted.known[row],
      predicted.class_names[predicted.classes[row]],
      wording.number(float(predicted.confidence[row]), 'top1'),
    )
    for row in rows
  ]
  table = tables.named(
    ('file', 'label', 'prediction', 'confidence, %'),
    lines,
    'small',
    label='Labels that are disputed',
  )
  return (
    '<section>\n<h2>Labels that it would give otherwise</h2>\n'
    f'{table}\n<p class="hint">The surest first: where a label is wrong, it is '
    'likely to be here.</p>\n</section>'
  )


def most_and_least(
  predicted: Predicted, each: int
) -> list[tuple[str, list[int], list[int]]]:
  """The surest predictions of each class, and the least sure ones.

  Args:
    predicted: The predictions.
    each: How many of both.

  Returns:
    Name and rows of each class that was predicted, the surest first; no row is
    in both.
  """
  asked = predicted.asked
  order = asked[np.argsort(-predicted.confidence[asked], kind='stable')]
  found = []
  for i, name in enumerate(predicted.class_names):
    own = order[predicted.classes[order] == i].tolist()
    if own:
      found.append((name, own[:each], own[each:][-each:]))
  return found
