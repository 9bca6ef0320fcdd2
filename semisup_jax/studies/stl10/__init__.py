"""The page of the study of labels alone, Barlow Twins and pseudo-labels.

It needs the factors `arm` (supervised, longer, pseudo_labels, fixmatch,
barlow_twins), `labels`, `ratio` (of unlabelled to labelled images) and `seed`.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import training
from semisup_jax.experiments import snapshots
from semisup_jax.studies import page
from semisup_jax.studies.stl10 import findings, published, tables
from semisup_jax.studies.stl10.measured import (
  PROBE,
  PSEUDO_LABELS,
  SUPERVISED,
  Measured,
)

FOLDER = 'stl10'  # Of the figures.


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
  comparable = config.published
  parts = [
    _head(config, measured),
    page.found(
      'What was found', findings.sentences(measured, comparable=comparable)
    ),
    tables.accuracy(measured, comparable=comparable),
    tables.f1_bound(measured) if comparable else '',
    _ratios(measured, workdir, comparable=comparable),
    tables.pseudo_labels(measured),
    tables.recall(measured),
    _on_the_way(measured, workdir, comparable=comparable),
  ]
  page.save(parts, workdir, console)


def _head(config: Any, measured: Measured) -> str:
  folds = ' and the fold, whose labels are known' if config.data.folds else ''
  size = f' at {config.image_size} px' if config.image_size else ''
  text = (
    f'# Labels alone, Barlow Twins and pseudo-labels: {config.variant}\n\n'
    f'{measured.effort}. A ResNet-9 of width {config.model.width}{size} learns '
    f'by Adam, {config.learning_rate:g}, falling by half a cosine: '
    f'{config.steps:,} steps of {config.batch_size} from labels, the student '
    f'of pseudo-labels as the teacher, FixMatch {config.steps:,} of '
    f'{config.fixmatch_batch_size} and '
    f'{config.fixmatch.unlabelled_ratio} times as many without labels; Barlow '
    f'Twins {config.pretraining_steps:,} of {config.pretraining_batch_size} '
    'without labels, then fine-tuned as labels alone are; "longer" is labels '
    f'alone with as many steps as both. {config.validation_fraction:g} of the '
    f'labelled images{" of a fold" if folds else ""} are not learned from, but '
    'choose among the states of a training, and the regularization of the '
    f'linear classifier. Numbers are of the {config.report_split} part, mean ± '
    f'standard deviation, {measured.spread}. A seed changes the labelled '
    f'images{folds}, validation, the initial weights, the order and the '
    'views.\n'
  )
  if config.published:
    text += (
      '\nThe published run has one ResNet-9 of unstated width, 96 px, '
      f'{published.LABELS:,} labels and up to {published.OFFERED:,} unlabelled '
      'images, 10 epochs of each training, and no spread.\n'
    )
  return text


def _ratios(
  measured: Measured, workdir: pathlib.Path, *, comparable: bool
) -> str:
  lines = {}
  for labels in measured.labels:
    own = [
      (ratio, measured.value(judged, labels, ratio))
      for judged in (SUPERVISED, PSEUDO_LABELS)
      for ratio in measured.ratios(judged, labels)
    ]
    own = [{**row, 'ratio': f'{ratio:g}'} for ratio, row in own if row]
    if len(own) > 1:
      lines[f'{labels:,} labels'] = own
  if not lines:
    return ''
  if comparable:
    lines[f'published, {published.LABELS:,} labels'] = [
      {'ratio': f'{ratio:g}', 'mean': value / 100, 'low': None, 'high': None}
      for ratio, value in published.BY_RATIO.items()
    ]

  def draw(figures, theme):
    made = [
      figures.Line(name, rows, i, name.startswith('published'))
      for i, (name, rows) in enumerate(lines.items())
    ]
    return figures.curves_by_category(
      {'pseudo-labelling': made},
      theme,
      field='ratio',
      xlabel='unlabelled images for each labelled one',
    )

  picture = page.figure(
    workdir,
    f'{FOLDER}/ratios',
    'Accuracy by the ratio of unlabelled to labelled images',
    measured.bands,
    draw,
  )
  table = tables.by_ratio(measured, comparable=comparable)
  return f'## Unlabelled images for each labelled one\n\n{picture}\n{table}'


def _on_the_way(
  measured: Measured, workdir: pathlib.Path, *, comparable: bool
) -> str:
  """Embeddings, correlations and the held-out loss of the first seed."""
  points = measured.of(PROBE, measured.labels[0])
  folders = [workdir / 'points' / row['point'] for row in points]
  taken = [snapshots.read(folder) for folder in folders]
  if not taken or not taken[0]:
    return ''
  found = taken[0]
  steps = [snapshot.step for snapshot in found]
  classes = found[0].labels, found[0].class_names
  plane = snapshots.in_the_plane(found)
  return '\n'.join(
    [
      '## While Barlow Twins learns\n',
      f'{len(found[0].labels)} validation images of the first seed.\n',
      page.figure(
        workdir,
        f'{FOLDER}/embeddings',
        'Embeddings of validation images at several steps',
        'In the plane of the last PCA, the same at every step; t-SNE begins at '
        'the last place there.',
        lambda draw, theme: draw.embedding_strip(plane, steps, *classes, theme),
      ),
      page.figure(
        workdir,
        f'{FOLDER}/motion',
        'The same embeddings, moving from step to step',
        'The same, in motion: between the steps that were kept points move in '
        'straight lines.',
        lambda draw, theme: draw.embedding_animation(
          plane['PCA of the last'], steps, *classes, theme
        ),
      ),
      page.figure(
        workdir,
        f'{FOLDER}/correlation',
        'Cross-correlation of the projections of two views',
        f'Cross-correlation of the first {found[0].correlation.shape[0]} '
        'features of two views.',
        lambda draw, theme: draw.correlation_strip(
          [snapshot.correlation for snapshot in found], steps, theme
        ),
      ),
      _held_out(folders, workdir, comparable=comparable),
    ]
  )


def _held_out(
  folders: Sequence[pathlib.Path], workdir: pathlib.Path, *, comparable: bool
) -> str:
  """The loss on validation, drawn of the first seed, in words of all."""
  histories = [
    [
      {k: row[k] for k in row if k in ('step', 'split', *_LOSSES)}
      for row in training.read_metrics(folder)
    ]
    for folder in folders
  ]
  looks = [
    [row['held_out_loss'] for row in history if 'held_out_loss' in row]
    for history in histories
  ]
  first, last = (np.mean([own[i] for own in looks if own]) for i in (0, -1))
  text = (
    f'The loss on validation falls from {first:.1f} at the first look to '
    f'{last:.1f} at the last, mean over seeds'
  )
  if comparable:
    text += (
      f' (published, held out: {published.HELD_OUT[0]:g} to '
      f'{published.HELD_OUT[1]:g}; a sum over the features of a wider '
      'projector)'
    )
  return page.figure(
    workdir,
    f'{FOLDER}/loss',
    'Loss of Barlow Twins on training and on validation images',
    f'{text}. Validation batches hold as many images as there are, if they '
    'are fewer than in training; that makes the loss larger.',
    lambda draw, theme: draw.training_curves(histories[0], theme),
  )


_LOSSES = ('loss', 'held_out_loss')
