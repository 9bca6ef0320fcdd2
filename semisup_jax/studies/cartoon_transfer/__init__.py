"""The page of the study of transfer to few pictures, with every rate tried.

It needs the factors `arm` and `seed`.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.studies import page
from semisup_jax.studies.cartoon_transfer import findings, names, tables
from semisup_jax.studies.cartoon_transfer.measured import Judged, Measured

FOLDER = 'cartoon_transfer'  # Of the figures.


def write_page(
  config: Any,
  rows: Sequence[Mapping[str, Any]],
  workdir: pathlib.Path,
  console: Console,
) -> None:
  """Writes page.md, and beside it the folder of the figures that it shows.

  Args:
    config: Of the study.
    rows: Of its points, as in rows.jsonl.
    workdir: The study's folder.
    console: Where it is said where the page is.
  """
  measured = Measured(rows)
  parts = [
    _head(config, measured),
    tables.accuracies(
      measured, config.batch_size, config.report_split, config.published
    ),
    page.found('What is told apart', findings.over_scratch(measured)),
    page.found('Frozen, probed, and all', findings.between_modes(measured)),
    '## Every rate\n',
    *_figures(measured, workdir),
    '## Channels of what is learned from\n',
    tables.channels(measured, config.published),
    *findings.channels(measured, config.published),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  counts = {row['factors']['arm']: row['counts'] for row in measured.rows}
  own = counts['scratch']
  missing = ''
  if not config.weights:
    missing = (
      'No file of published weights was given (`--config.weights=`), so that '
      'the arms which begin with them are left out. '
    )
  split = config.report_split
  return (
    f'# Transfer to few pictures: {config.variant}\n\n'
    f'{measured.effort}. {config.data.title}: {own["labelled"]:,} images to '
    f'learn from, {own["validation"]:,} for validation, '
    f'{own["test"]:,} for the test. {_augmented(counts)}A '
    f'{config.model.name} of width {config.model.width} at '
    f'{_size(config)} px, trained with SGD, momentum '
    f'{config.optimizer.momentum:g}, in batches of {config.batch_size} for '
    f'{config.epochs} epochs at each of the rates '
    f'{", ".join(f"{rate:g}" for rate in config.learning_rates)}; validation '
    'chooses the epoch of each rate (the highest accuracy, of equal ones the '
    'last) and among these the rate (the highest accuracy, of equal ones the '
    f'lowest loss), and the network that it has chosen is tested. {missing}'
    f'Numbers are top-1 accuracies on the {split} part, {measured.spread}. A '
    'seed divides the images anew, so that a spread is of the images that are '
    'learned from, chosen by and tested on as well as of the training; parts '
    'of different seeds share images, and intervals are a little narrow for '
    'that. The gap is what validation had promised beyond the '
    f'{split} part: of many looks the highest is chosen.\n'
  )


def _augmented(counts: Mapping[str, Mapping[str, int]]) -> str:
  """How the arms are divided that have a validation part of their own."""
  for arm, own in counts.items():
    if arm.endswith('_augmented'):
      return (
        f'Arms with augmentation learn from {own["labelled"]:,} images and '
        f'have {own["validation"]:,} for validation. '
      )
  return ''


def _size(config: Any) -> int:
  return config.data.image_size or 8


def _figures(measured: Measured, workdir: pathlib.Path) -> list[str]:
  """Of the first seed: labels alone, and each encoder."""
  groups: dict[str, list[Judged]] = {}
  for judged in measured.judged:
    if measured.looks(judged):
      groups.setdefault(judged.encoder, []).append(judged)
  return [_figure(measured, workdir, *group) for group in groups.items()]


def _figure(measured, workdir, group, judged) -> str:
  panels = {}
  for one in judged:
    seed, looks = next(iter(measured.looks(one).items()))
    panels[names.title(one).replace(', ', '\n')] = looks
  return page.figure(
    workdir,
    f'{FOLDER}/{group}',
    'Loss and accuracy of validation by steps, a line for each rate',
    f'Seed {seed}. Right: validation. A mark is the look that was chosen.',
    lambda figures, theme: figures.rate_curves(panels, 'top1', theme),
  )
