"""What a run leaves for a person: results.json, figures and report.html."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from rich.console import Console

from semisup_jax import augment, evaluation, metrics, training, visualize
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.protocols import Embeddings
from semisup_jax.reporting import page
from semisup_jax.reporting import results as results_lib
from semisup_jax.types import Method

# Enough points to see clusters, few enough for t-SNE to take seconds.
MAX_POINTS = 1000
EXAMPLES, EXAMPLE_VIEWS = 6, 5


def example_views(
  config: Any, method: Method, ingredients: Ingredients
) -> np.ndarray:
  """A few images as the method sees them, the originals in the first column.

  Args:
    config: The whole config.
    method: Without labels it uses `data.views`, with labels `data.augment`.
    ingredients: Whose first training images are shown.

  Returns:
    Float [rows, columns, H, W, C] in [0, 1].
  """
  splits = ingredients.splits
  images = splits.train.images[splits.unlabelled[:EXAMPLES]]
  labelled = 'unlabelled' not in method.streams
  ops = config.data.augment if labelled else config.data.views
  # Pixels are shown, so normalization, the last op, is left out.
  views = augment.views(
    augment.parse(
      '|'.join(ops.split('|')[:-1]), augment.OPS, image_shape=images.shape[1:]
    ),
    jax.random.key(config.seed),
    images,
    count=EXAMPLE_VIEWS,
  )
  original = images[:, None].astype(np.float32) / 255
  return np.concatenate([original, np.asarray(views)], axis=1)


def write(
  results: dict[str, Any],
  workdir: pathlib.Path,
  *,
  outcomes: Sequence[evaluation.Outcome],
  embeddings: Embeddings,
  views: np.ndarray,
  console: Console,
) -> None:
  """Writes results.json, figures/ and report.html.

  results.json is written first, since it must not be lost to a figure; where
  report.html is, the rest is whole. Figures whose library is not installed are
  left out, and it is said so.

  Args:
    results: All but `tables.per_class_recall`, which is added here.
    workdir: The run's folder.
    outcomes: What was measured.
    embeddings: Of the reported part, shown in the plane.
    views: See `example_views`.
  """
  reported = embeddings.ingredients.reported
  shown = _shown(results['rows'])
  confusion = None
  if shown is not None:
    confusion = sum(
      metrics.confusion_matrix(
        reported.labels, o.logits.argmax(-1), reported.num_classes
      )
      for o in outcomes
      if (o.protocol, o.labels_per_class) == shown
    )
    results['tables']['per_class_recall'] = [
      {'class': name, 'recall': recall, 'n': int(n)}
      for name, recall, n in zip(
        reported.class_names,
        metrics.per_class_recall(confusion),
        np.bincount(reported.labels, minlength=reported.num_classes),
        strict=True,
      )
    ]
  results_lib.write_json(workdir / 'results.json', results)
  try:
    figures = _figures(results, workdir, shown, confusion, embeddings, views)
  except ImportError as error:
    console.print(f'figures are left out: {error}')
    figures = []
  config = json.loads((workdir / 'config.json').read_text())['config']
  page.write_page(workdir / 'report.html', results, figures, config)


def _figures(results, workdir, shown, confusion, embeddings, views):
  """Draws everything that there is to show: (title, caption, files) each."""
  from semisup_jax.reporting import figures

  reported = embeddings.ingredients.reported
  made = []

  def add(title, caption, draw, *arguments):
    files = _draw(workdir / 'figures', draw, arguments)
    made.append((title, caption, files))

  if len(results['rows']) > 1:
    add(
      'Accuracy by number of labels',
      'Mean over draws of the labelled images; bars are 95 % intervals.',
      figures.label_efficiency,
      results['rows'],
    )
  if shown is not None:
    add(
      'Confusion',
      f'{shown[0].replace("_", " ").capitalize()}, labels a class: {shown[1]}; '
      'rows are the true classes.',
      figures.confusion,
      confusion,
      reported.class_names,
    )
  add(
    'Embeddings',
    f'Output of the encoder on the {results["split"]} part, by class.',
    figures.embeddings,
    *_points(embeddings),
  )
  add(
    'Views',
    'The first column is the image, the others are what the method sees.',
    figures.views_grid,
    views,
  )
  add(
    'Training',
    'kNN is on the validation part, among the labelled images.',
    figures.training_curves,
    training.read_metrics(workdir),
  )
  return made


def announce(
  results: Mapping[str, Any], workdir: pathlib.Path, console: Console
) -> None:
  """Prints the table, and where the page is."""
  results_lib.print_summary(results, console)
  console.print(str(workdir / 'report.html'), highlight=False, soft_wrap=True)


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


def _points(embeddings: Embeddings):
  """PCA and t-SNE of embeddings on the unit sphere, where kNN compares them."""
  reported = embeddings.ingredients.reported
  rows = np.random.default_rng(0).permutation(len(reported))[:MAX_POINTS]
  rows.sort()
  features = embeddings.reported[rows]
  norm = np.linalg.norm(features, axis=-1, keepdims=True)
  features = features / np.maximum(norm, 1e-8)
  points = {
    'PCA': visualize.pca(features),
    't-SNE': visualize.tsne(features, seed=0),
  }
  return points, reported.labels[rows], reported.class_names


def _draw(folder: pathlib.Path, draw, arguments) -> dict[str, pathlib.Path]:
  from semisup_jax.reporting import figures

  folder.mkdir(exist_ok=True)
  name = draw.__name__
  files = {
    'light': folder / f'{name}.png',
    'dark': folder / f'{name}-dark.png',
  }
  for theme, path in files.items():
    figures.save(draw(*arguments, theme=theme), path)
  return files
