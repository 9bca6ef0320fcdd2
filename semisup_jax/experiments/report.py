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

# Enough points to see clusters, few enough for t-SNE to take seconds.
MAX_POINTS = 1000
EXAMPLES, EXAMPLE_VIEWS = 6, 5


def example_views(config: Any, ingredients: Ingredients) -> np.ndarray:
  """A few images as the method sees them, the originals in the first column.

  Args:
    config: The whole config; a method without labels uses `data.views`.
    ingredients: Whose first training images are shown.

  Returns:
    Float [rows, columns, H, W, C] in [0, 1].
  """
  splits = ingredients.splits
  images = splits.train.images[splits.unlabelled[:EXAMPLES]]
  labelled = config.method.name == 'supervised'
  ops = config.data.augment if labelled else config.data.views
  # Pixels are shown, so normalization is left out.
  ops = '|'.join(o for o in ops.split('|') if not o.startswith('normalize'))
  views = augment.views(
    augment.parse(ops, ingredients.table),
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
) -> None:
  """Writes results.json, figures/ and report.html.

  results.json is written last: where it is, the rest is whole.

  Args:
    results: All but `tables.per_class_recall`, which is added here.
    workdir: The run's folder.
    outcomes: What was measured.
    embeddings: Of the reported part, shown in the plane.
    views: See `example_views`.
  """
  ingredients = embeddings.ingredients
  reported = ingredients.reported
  figures = []
  if len(results['rows']) > 1:
    figures.append(
      (
        'Accuracy by number of labels',
        'Mean over draws of the labelled images; bars are 95 % intervals.',
        'label_efficiency',
        {'rows': results['rows']},
      )
    )
  best = _best(results['rows'])
  if best is not None:
    confusion = sum(
      metrics.confusion_matrix(
        reported.labels, o.logits.argmax(-1), ingredients.num_classes
      )
      for o in outcomes
      if (o.protocol, o.labels_per_class) == best
    )
    results['tables']['per_class_recall'] = [
      {'class': name, 'recall': recall, 'n': int(n)}
      for name, recall, n in zip(
        reported.class_names,
        metrics.per_class_recall(confusion),
        np.bincount(reported.labels, minlength=ingredients.num_classes),
        strict=True,
      )
    ]
    figures.append(
      (
        'Confusion',
        f'{best[0].replace("_", " ")}, labels a class: {best[1]}; all draws '
        'together, rows are the true classes.',
        'confusion',
        {'matrix': confusion, 'class_names': reported.class_names},
      )
    )
  figures += [
    (
      'Embeddings',
      f'Output of the encoder on the {results["split"]} part, by class.',
      'embeddings',
      _points(embeddings),
    ),
    (
      'Views',
      'The first column is the image, the others are what the method sees.',
      'views_grid',
      {'images': views},
    ),
    (
      'Training',
      'kNN is on the validation part, among the labelled images.',
      'training_curves',
      {'history': training.read_metrics(workdir)},
    ),
  ]
  files = [
    (title, caption, _draw(workdir, name, arguments))
    for title, caption, name, arguments in figures
  ]
  config = json.loads((workdir / 'config.json').read_text())['config']
  page.write_page(workdir / 'report.html', results, files, config)
  results_lib.write_json(workdir / 'results.json', results)


def announce(
  results: Mapping[str, Any], workdir: pathlib.Path, console: Console
) -> None:
  """Prints the table, and where the page is."""
  results_lib.print_summary(results, console)
  console.print(str(workdir / 'report.html'), highlight=False, soft_wrap=True)


def _best(rows: Sequence[Mapping[str, Any]]) -> tuple[str, Any] | None:
  if not rows:
    return None
  best = max(rows, key=lambda row: row['mean'])
  return best['protocol'], best['labels_per_class']


def _points(embeddings: Embeddings) -> dict[str, Any]:
  """PCA and t-SNE of embeddings on the unit sphere, where kNN compares them."""
  reported = embeddings.ingredients.reported
  rows = np.random.default_rng(0).permutation(len(reported))[:MAX_POINTS]
  features = embeddings.reported[np.sort(rows)]
  features = features / np.linalg.norm(features, axis=-1, keepdims=True)
  points = {
    'PCA': visualize.pca(features),
    't-SNE': visualize.tsne(features, seed=0),
  }
  return {
    'points': points,
    'labels': reported.labels[np.sort(rows)],
    'class_names': reported.class_names,
  }


def _draw(
  workdir: pathlib.Path, name: str, arguments: Mapping[str, Any]
) -> dict[str, pathlib.Path]:
  from semisup_jax.reporting import figures

  draw = {
    'label_efficiency': figures.label_efficiency,
    'confusion': figures.confusion,
    'embeddings': figures.embeddings,
    'views_grid': figures.views_grid,
    'training_curves': figures.training_curves,
  }[name]
  folder = workdir / 'figures'
  folder.mkdir(exist_ok=True)
  files = {
    'light': folder / f'{name}.png',
    'dark': folder / f'{name}-dark.png',
  }
  for theme, path in files.items():
    figures.save(draw(**arguments, theme=theme), path)
  return files
