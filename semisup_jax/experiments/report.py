"""What a run leaves for a person: results.json, figures and report.html."""

import functools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import training
from semisup_jax.experiments import (
  batch_norm,
  per_class,
  snapshots,
  two_classes,
)
from semisup_jax.experiments.figure_files import FigureFiles
from semisup_jax.experiments.job import Measured
from semisup_jax.experiments.separability import Separability
from semisup_jax.reporting import page, wording
from semisup_jax.reporting import results as results_lib


def is_finished(workdir: pathlib.Path, *, pages: bool) -> bool:
  """Whether a run's results are all there, with its page if it makes one."""
  last = 'report.html' if pages else 'results.json'
  return (workdir / last).exists()


def write(
  results: dict[str, Any],
  workdir: pathlib.Path,
  measured: Measured,
  separability: Separability | None,
  *,
  console: Console,
  pages: bool,
) -> None:
  """Writes results.json and, with `pages`, figures/ and report.html.

  results.json is written first, since it must not be lost to a figure; where
  report.html is, the rest is whole. Figures whose library is not installed are
  left out, and it is said so.

  Args:
    results: All but `tables.per_class_recall`, or `tables.per_label`, which is
      added here.
    workdir: The run's folder.
    measured: What the figures are of.
    separability: Of the embeddings; None only without pages.
    console: Where a person reads how it goes.
    pages: Whether there are figures and a page.
  """
  reported = measured.embeddings.ingredients.reported
  shown = _shown(results['rows'])
  confusion = None
  if reported.multi_label:
    results['tables']['per_label'] = per_class.by_label(
      measured.outcomes, reported, shown
    )
  elif shown is not None:
    results['tables']['per_class_recall'] = per_class.recall(
      per_class.confusions(measured.outcomes, reported), reported, shown
    )
    confusion = per_class.confusions(
      measured.outcomes, reported, at_threshold=True
    )[shown]
  results_lib.write_json(workdir / 'results.json', results)
  if pages:
    figures = FigureFiles(workdir / 'figures', console)
    _draw_all(
      figures, results, workdir, shown, confusion, measured, separability
    )
    config = json.loads((workdir / 'config.json').read_text())['config']
    page.write_page(workdir / 'report.html', results, figures.made, config)


def _draw_all(
  figures, results, workdir, shown, confusion, measured, separability
) -> None:
  """Draws everything that there is to show."""
  reported = measured.embeddings.ingredients.reported
  if len(results['rows']) > 1:
    metric = wording.metric_in_short(results['rows'][0]['metric'])
    figures.add(
      f'{metric} by number of labels',
      'Mean over draws of the labelled images; bars are 95 % intervals.',
      'label_efficiency',
      lambda draw, theme: draw.label_efficiency(results['rows'], theme),
    )
  if confusion is not None:
    figures.add(
      'Confusion',
      f'{wording.protocol(shown[0])}, labels a class: {shown[1]}; rows are the '
      f'true classes.{_at_threshold(results, shown, reported.class_names)}',
      'confusion',
      lambda draw, theme: draw.confusion(
        confusion, reported.class_names, theme
      ),
    )
  curves = two_classes.curves(measured.outcomes, reported)
  if curves:
    figures.add(
      'By threshold',
      f"Of '{reported.class_names[1]}' on the {results['split']} part, of the "
      'first draw of the most labels a class. A mark is the threshold that '
      'validation has chosen; a dotted line, scores that say nothing.',
      'threshold_curves',
      lambda draw, theme: draw.curves_by_threshold(
        [draw.Curve(*curve) for curve in curves], reported.labels.mean(), theme
      ),
    )
  if 'courses' in results['tables']:
    _draw_courses(figures, results)
  if 'pseudo_labels' in results['tables']:
    _draw_audit(figures, results['tables'], reported.class_names)
  if 'batch_norm' in results['tables']:
    _draw_shift(figures, results['tables'], workdir)
  _draw_snapshots(figures, workdir, _by(reported))
  points = functools.cache(separability.points)
  figures.add(
    'Embeddings',
    f'Of the encoder on the {results["split"]} part, {_by(reported)}. '
    + ' '.join(map(wording.separability, separability.rows)),
    'embeddings',
    lambda draw, theme: draw.embeddings(
      points(), separability.labels, reported.class_names, theme
    ),
  )
  if measured.reconstructions is not None:
    of = ' of the source' if results['experiment'] == 'transfer' else ''
    figures.add(
      'Reconstructions',
      f'Images of the {results["split"]} part{of} above, and what the decoder '
      'makes of their embeddings below. '
      + wording.reconstruction(results['tables']['reconstruction'][0]),
      'reconstructions',
      lambda draw, theme: draw.reconstructions(measured.reconstructions, theme),
    )
  if measured.views is not None:
    figures.add(
      'Views',
      'The first column is the image, the others are what the method sees.',
      'views_grid',
      lambda draw, theme: draw.views_grid(measured.views, theme),
    )
  history = training.read_metrics(workdir)
  if history:
    figures.add(
      'Training',
      'What is scored on the way is the validation part.',
      'training_curves',
      lambda draw, theme: draw.training_curves(history, theme),
    )


def _at_threshold(results, shown, class_names) -> str:
  """At which threshold two classes are told apart, as a sentence."""
  for row in results['tables'].get('thresholds', ()):
    if (row['protocol'], row['labels_per_class']) == shown:
      over = f' (mean of {row["n"]} draws)' if row['n'] > 1 else ''
      return (
        f" An image is said to be '{class_names[1]}' from the probability on "
        'at which the balanced accuracy on validation is highest: '
        f'{row["mean"]:.3f}{over}.'
      )
  return ''


def _draw_courses(figures, results) -> None:
  looks = [look for look in results['tables']['courses'] if not look['draw']]
  most = max(look['labels'] for look in looks)
  panels = {}
  for look in looks:
    if look['labels'] == most:
      name = wording.protocol(look['protocol'])
      panels.setdefault(name, []).append(look)
  metric = results['rows'][0]['metric']
  figures.add(
    'Learning rates',
    f'Trainings on {most:,} labelled images (the first draw), by their rates; '
    'at the right, of validation. A mark is the look that was chosen.',
    'learning_rates',
    lambda draw, theme: draw.rate_curves(panels, metric, theme),
  )


def _draw_audit(figures, tables, class_names) -> None:
  figures.add(
    'Pseudo-labels by threshold',
    'Share of the unlabelled images that get one, and share of these that are '
    'right.',
    'pseudo_label_thresholds',
    lambda draw, theme: draw.pseudo_label_thresholds(
      tables['pseudo_labels'], theme
    ),
  )
  figures.add(
    'Calibration on the unlabelled images',
    'A model that knows what it knows lies on the diagonal.',
    'reliability',
    lambda draw, theme: draw.reliability(
      tables['pseudo_labels_reliability'], tables['pseudo_labels_ece'], theme
    ),
  )
  figures.add(
    'Confusion of the pseudo-labels',
    'Those that are kept; rows are the true classes.',
    'pseudo_label_confusion',
    lambda draw, theme: draw.confusion(
      np.asarray(tables['pseudo_labels_confusion']), class_names, theme
    ),
  )


def _by(reported) -> str:
  """What the colours of points are."""
  if reported.multi_label:
    return 'by label where an image has one alone; the others are grey'
  return 'by class'


def _draw_snapshots(figures, workdir, by) -> None:
  found = snapshots.read(workdir)
  if not found:
    return
  steps = [snapshot.step for snapshot in found]
  classes = found[0].labels, found[0].class_names
  plane = functools.cache(lambda: snapshots.in_the_plane(found))
  figures.add(
    'Embeddings on the way',
    f'Of validation images, {by}; each row is one projection, the same at '
    'every step.',
    'embedding_strip',
    lambda draw, theme: draw.embedding_strip(plane(), steps, *classes, theme),
  )
  figures.add(
    'The same, in motion',
    'In the plane of the last step; between the steps that were kept, points '
    'move in straight lines.',
    'embedding_animation',
    lambda draw, theme: draw.embedding_animation(
      plane()['PCA of the last'], steps, *classes, theme
    ),
  )
  if found[0].correlation is not None:
    figures.add(
      'Cross-correlation on the way',
      'Features of the projection of one view, down, with those of another '
      f'view, across, over validation images; the first {snapshots.FEATURES} '
      'at most.',
      'correlation_strip',
      lambda draw, theme: draw.correlation_strip(
        [snapshot.correlation for snapshot in found], steps, theme
      ),
    )


def _draw_shift(figures, tables, workdir) -> None:
  rows = [{**row, 'mean': row['top1']} for row in tables['batch_norm']]
  shifts = [row for row in rows if row['severity'] is None]
  corruptions = [row for row in rows if row['severity'] is not None]
  if shifts:
    figures.add(
      'Accuracy by test batch',
      'What does not look at the test batch is a horizontal line.',
      'accuracy_by_batch_size',
      lambda draw, theme: draw.accuracy_by_batch_size(shifts, theme),
    )
    figures.add(
      'Calibration under shift',
      'A model that knows what it knows lies on the diagonal; in the largest '
      'test batches.',
      'reliability_by_mode',
      lambda draw, theme: draw.reliability_by_mode(
        tables['batch_norm_reliability'], theme
      ),
    )
  if corruptions:
    figures.add(
      'Accuracy by corruption',
      'In per cent, the mean over severities.',
      'corruption_heat_map',
      lambda draw, theme: draw.corruption_heat_map(corruptions, theme),
    )
  names, images = batch_norm.read_sheet(workdir)
  if len(names):
    figures.add(
      'Shifted images',
      'Corruptions at the highest severity that was tested.',
      'contact_sheet',
      lambda draw, theme: draw.contact_sheet(names, images, theme),
    )


def announce(
  results: Mapping[str, Any],
  workdir: pathlib.Path,
  console: Console,
  *,
  pages: bool,
) -> None:
  """Prints the table, and where the page is."""
  results_lib.print_summary(results, console)
  if pages:
    page_path = str(workdir / 'report.html')
    console.print(page_path, highlight=False, soft_wrap=True)


def _shown(rows: Sequence[Mapping[str, Any]]) -> tuple[str, Any] | None:
  """The first protocol at its largest number of labels.

  Not the best one: what is looked at closely is not to be chosen on the test.
  """
  places = [
    (row['protocol'], row['labels_per_class'])
    for row in rows
    if row['protocol'] == rows[0]['protocol']
  ]
  return places[-1] if places else None
