"""The page of the study of few labels and mixing.

It needs the factors `arm` (plain, a way of mixing, random or simclr), `source`
(other, same or none), `equal` (updates or epochs) and `seed`.
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.experiments import mixed_sheet
from semisup_jax.reporting import wording
from semisup_jax.studies import page
from semisup_jax.studies.few_labels import findings, tables
from semisup_jax.studies.few_labels.measured import (
  EPOCHS,
  PLAIN,
  RANDOM,
  SAME,
  SIMCLR,
  SOURCE,
  Measured,
)
from semisup_jax.studies.few_labels.names import look, look_of_pair, short

FOLDER = 'few_labels'  # Of the figures.
LABELS = 'labels a class of the source'


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
    page.found(
      'What was found',
      [
        *findings.shape(measured, comparable=config.published),
        *findings.beside_no_labels(measured),
      ],
    ),
    _curves(measured, workdir),
    tables.on_target(measured, comparable=config.published),
    tables.differences(measured, [(PLAIN, RANDOM), (PLAIN, SIMCLR)]),
    page.found(
      'Which way of mixing is better, and why?',
      findings.which_is_better(measured),
    ),
    _differences(measured, workdir),
    page.found(
      'Does one learn better from the target itself?',
      findings.same_or_other(measured),
    ),
    tables.differences(measured, [(SAME, PLAIN)]),
    page.found('Equal epochs', findings.equal_epochs(measured)),
    tables.differences(measured, [(EPOCHS, PLAIN)]),
    tables.on_source(measured),
    _mixed(measured, workdir),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  return (
    f'# Few labels of {config.source.title}, judged on '
    f'{config.target.title}\n\n'
    f'{measured.effort}. An extractor and a first head (the '
    '"pretrainer") learn from k labelled images a class of the source, '
    f'{config.source.title}, {config.steps} steps of {config.batch_size} at '
    'every k, as they are or mixed. Then the extractor is frozen, and a new '
    'head (the "generalizer"), logistic regression on what it makes of the '
    f'images, learns the target, {config.target.title}, from all its labels. '
    f'SimCLR learns from all images of the source, {config.simclr.steps} steps '
    f'of {config.simclr.batch_size} under random views. Accuracy on the '
    f'{config.report_split} part of the target, mean ± standard deviation, '
    f'{measured.spread}. A seed draws the k images, of which fewer are part '
    'of more, the initial weights, the order and the mixing.\n'
  )


def _curves(measured: Measured, workdir: pathlib.Path) -> str:
  arms = [arm for arm in (PLAIN, *measured.mixed) if arm in measured.arms]
  others = [
    arm for arm in (SAME, EPOCHS, RANDOM, SIMCLR) if arm in measured.arms
  ]

  def draw(figures, theme):
    def lines(which, *protocol):
      return [
        figures.Line(
          short(arm),
          measured.curve(arm, *protocol),
          look(arm),
          arm not in arms,
        )
        for arm in which
      ]

    learners = [arm for arm in (*arms, EPOCHS) if arm in measured.arms]
    panels = {
      'on the target, by a new head': lines((*arms, *others)),
      'on the source, by the pretrainer': lines(learners, SOURCE),
    }
    return figures.curves_by_labels(panels, theme, xlabel=LABELS)

  return page.figure(
    workdir,
    f'{FOLDER}/accuracy',
    f'Accuracy by {LABELS}',
    measured.bands,
    draw,
  )


def _differences(measured: Measured, workdir: pathlib.Path) -> str:
  with_plain = [(arm, PLAIN) for arm in measured.mixed]
  pairs = list(itertools.combinations(reversed(measured.mixed), 2))

  def draw(figures, theme):
    panels = {
      'minus no mixing': [
        figures.Line(short(a), measured.differences(a, b), look(a))
        for a, b in with_plain
      ],
      'one way minus another': [
        figures.Line(
          f'{short(a)} minus {short(b)}',
          measured.differences(a, b),
          look_of_pair(i),
        )
        for i, (a, b) in enumerate(pairs)
      ],
    }
    return figures.curves_by_labels(
      panels, theme, xlabel=LABELS, ylabel='difference, points', zero=True
    )

  if not measured.mixed or PLAIN not in measured.arms:
    return ''
  picture = page.figure(
    workdir,
    f'{FOLDER}/differences',
    'Paired differences of accuracy on the target',
    f'Differences on the target, paired by seed. {measured.bands}',
    draw,
  )
  table = tables.differences(measured, [*with_plain, *pairs])
  return f'{picture}\n{table}'


def _mixed(measured: Measured, workdir: pathlib.Path) -> str:
  """Of the first run of each way of mixing that has written a sheet."""
  sheets = {}
  for row in measured.rows:
    sheet = mixed_sheet.read(workdir / 'points' / row['point'])
    if sheet:
      sheets.setdefault(row['factors']['arm'], sheet)
  if not sheets:
    return ''
  return '## Mixed images\n\n' + page.figure(
    workdir,
    f'{FOLDER}/mixed',
    'Mixed images and their labels',
    'Images of the source as they are learned from, with their labels.',
    lambda figures, theme: figures.mixed_images(
      [
        figures.Mixed(wording.protocol(arm), *sheet)
        for arm, sheet in sheets.items()
      ],
      theme,
    ),
  )
