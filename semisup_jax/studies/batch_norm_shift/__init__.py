"""The page of the study of BatchNorm under shift.

It needs the factors `arm` (trainset1, trainset2, simclr), `momentum` and
`seed`.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from semisup_jax.experiments import batch_norm as experiment
from semisup_jax.studies import page
from semisup_jax.studies.batch_norm_shift import findings, published, tables
from semisup_jax.studies.batch_norm_shift.measured import Measured

FOLDER = 'batch_norm_shift'  # Of the figures.
# What a reliability diagram has room for.
DRAWN = ('source', 'batch', 'recalibrated', 'tent')


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
  comparable = published.is_comparable(config.variant)
  parts = [
    _head(config, measured),
    page.found(
      'What was found', findings.sentences(measured, comparable=comparable)
    ),
    tables.accuracy(measured, comparable=comparable),
    tables.against_published(measured) if comparable else '',
    tables.by_batch_size(measured),
    _curves(measured, workdir),
    tables.corruptions(measured),
    _heat_map(measured, workdir),
    tables.calibration(measured),
    _reliability(measured, workdir),
    tables.momenta(measured),
    _sheet(measured, workdir),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  count = len(measured.seeds)
  spread = f'n = {count} seeds' if count > 1 else 'one seed'
  nested = 'lies inside' if config.nested else 'is apart from'
  small, large = config.sizes
  alone = ''
  if count > 1 and any(row['n'] == 1 for row in measured.under_shift):
    alone = ' A number without ± is of one seed.'
  return (
    f'# BatchNorm under shift: {config.variant}\n\n'
    f'{measured.effort}. trainset1 has {small:,} labelled images and '
    f'{nested} trainset2, {large:,}. Numbers are of the {config.report_split} '
    f'part, mean ± standard deviation over seeds where there are several '
    f'({spread}); under shift they are of {measured.images():,} of its images. '
    'A seed changes the training sets, the initial weights and the views.'
    f'{alone}\n'
  )


def _curves(measured: Measured, workdir: pathlib.Path) -> str:
  parts = []
  for arm in measured.trainsets:
    rows = [
      row
      for order in ('iid', 'sorted')
      for row in measured.of(arm, order=order)
      if row['order'] in (None, order)
    ]
    parts.append(
      page.figure(
        workdir,
        f'{FOLDER}/accuracy-{arm}',
        f'Accuracy by test batch, {arm}',
        f'{arm}: one line a way to choose the statistics; bands are 95 % '
        'intervals over seeds.',
        lambda draw, theme, rows=rows: draw.accuracy_by_batch_size(rows, theme),
      )
    )
  return '\n'.join(parts)


def _heat_map(measured: Measured, workdir: pathlib.Path) -> str:
  parts = []
  for arm in measured.trainsets[-1:]:
    rows = measured.corruptions(arm)
    if rows:
      parts.append(
        page.figure(
          workdir,
          f'{FOLDER}/corruptions',
          'Accuracy by corruption',
          f'{arm}: accuracy in per cent, the mean over severities.',
          lambda draw, theme, rows=rows: draw.corruption_heat_map(rows, theme),
        )
      )
  return '\n'.join(parts)


def _reliability(measured: Measured, workdir: pathlib.Path) -> str:
  for arm in measured.trainsets[-1:]:
    rows = [r for r in measured.reliability(arm) if r['mode'] in DRAWN]
    if rows:
      return page.figure(
        workdir,
        f'{FOLDER}/reliability',
        'Accuracy against confidence',
        f'{arm}, one seed, in the largest test batches.',
        lambda draw, theme, rows=rows: draw.reliability_by_mode(rows, theme),
      )
  return ''


def _sheet(measured: Measured, workdir: pathlib.Path) -> str:
  """Of the first point that has one with the most shifts."""
  names, images = [], None
  for row in measured.rows:
    found = experiment.read_sheet(workdir / 'points' / row['point'])
    if len(found[0]) > len(names):
      names, images = found
  if not names:
    return ''
  return '## The shifts\n\n' + page.figure(
    workdir,
    f'{FOLDER}/contact_sheet',
    'Test images under every shift',
    'Three test images under every shift; corruptions at the highest severity '
    'that was tested.',
    lambda draw, theme: draw.contact_sheet(names, images, theme),
  )
