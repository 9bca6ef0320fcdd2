"""The page about predictions: how good they are likely to be, and a look."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from semisup_jax.reporting import document, predictions, tables, wording
from semisup_jax.reporting.predictions import HeldOutLabels, Predicted

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
    _labels(predicted) if predicted.multi_label else _classes(predicted),
    '' if predicted.multi_label else _levels(predicted),
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
  head = ('class', 'images', 'share, %', 'mean confidence, %')
  return _by_class('Predicted classes', head, lines, predicted)


def _labels(predicted: Predicted) -> str:
  """How many images are likely to have each label."""
  given = predicted.probabilities[predicted.asked] >= 0.5
  tested = predicted.tested
  measured = tested.by_label if isinstance(tested, HeldOutLabels) else {}
  lines = [
    (
      document.escape(name),
      f'{own.sum():,}',
      wording.number(float(own.mean()), 'top1'),
      wording.number(measured.get(name), 'roc_auc'),
    )
    for name, own in zip(predicted.class_names, given.T, strict=True)
  ]
  head = ('label', 'images of 50 % or more', 'share, %', 'ROC-AUC in the run')
  return _by_class('Predicted labels', head, lines, predicted)


def _by_class(
  title: str,
  head: Sequence[str],
  lines: Sequence[Sequence[str]],
  predicted: Predicted,
) -> str:
  table = tables.named(head, lines, 'small', label=title)
  if len(lines) > 20:
    table = tables.folded(f'Every {head[0]}', table)
  hint = ''
  if len(predicted.asked) < len(predicted.files):
    hint = (
      '<p class="hint">Of the images without a label; predictions.csv has the '
      'others too.</p>\n'
    )
  return f'<section>\n<h2>{title}</h2>\n{table}\n{hint}</section>'


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


class Extremes(NamedTuple):
  """Predictions of one class.

  Attributes:
    name: Of the class.
    index: Its number.
    most: The rows where it is surest, the surest first.
    least: Those where it is least sure, the least sure last; none is in both.
  """

  name: str
  index: int
  most: list[int]
  least: list[int]


def extremes(predicted: Predicted, each: int) -> list[Extremes]:
  """The surest predictions of each class, and the least sure ones.

  Of several labels an image, those most likely to have one, and those of which
  it is least known: next to one half.

  Args:
    predicted: The predictions.
    each: How many of both.

  Returns:
    One for each class or label that was predicted.
  """
  asked, found = predicted.asked, []
  for i, name in enumerate(predicted.class_names):
    said = predicted.probabilities[:, i]
    likely = said >= 0.5 if predicted.multi_label else predicted.classes == i
    own = asked[likely[asked]]
    own = own[np.argsort(-said[own], kind='stable')].tolist()
    if own:
      found.append(Extremes(name, i, own[:each], own[each:][-each:]))
  return found
