"""From a trained encoder to outcomes, and from these to results.json."""

import datetime
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from rich.console import Console

from semisup_jax import data, evaluation, metrics, training
from semisup_jax.evaluation import label_efficiency
from semisup_jax.experiments import protocols, two_classes
from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.experiments.labelled_plans import TRAINED

# The protocol that others are compared with: the same network, labels alone.
BASELINE = 'supervised'


def evaluate(
  config: Any, embeddings: Embeddings, console: Console
) -> list[evaluation.Outcome]:
  """Runs the protocols of the config on one encoder.

  Args:
    config: The whole config.
    embeddings: Of the encoder.
    console: Where a person reads how it goes.
  """
  section = config.evaluation
  if not section.protocols or not section.labels_per_class:
    return []
  # Copied: a view on CPU would itself keep JAX from reusing the buffers.
  before = jax.tree.map(lambda x: np.array(x, copy=True), embeddings.variables)
  splits = embeddings.ingredients.splits
  total = label_efficiency.count_runs(
    section.protocols,
    section.labels_per_class,
    section.draws,
    section.protocols_for_all,
  )
  trained = [name for name in section.protocols if name in TRAINED]
  places = training.Places(
    label_efficiency.count_runs(
      trained,
      section.labels_per_class,
      section.draws,
      section.protocols_for_all,
    )
  )
  with training.progress_bar(console, 'evaluation', total) as bar:
    outcomes = label_efficiency.label_efficiency(
      protocols.make(section.protocols, embeddings, places),
      labels=splits.train.labels,
      rows=splits.labelled,
      num_classes=embeddings.ingredients.num_classes,
      labels_per_class=section.labels_per_class,
      draws=section.draws,
      seed=config.seed,
      protocols_for_all=section.protocols_for_all,
      side_by_side=trained,
      at_once=max(1, len(places.meshes)),
      bar=bar,
    )
  same = jax.tree.map(
    np.array_equal, before, jax.device_get(embeddings.variables)
  )
  assert jax.tree.all(same), 'evaluation must not change the encoder'
  return outcomes


def classified(
  config: Any,
  ingredients: Ingredients,
  name: str,
  logits: Callable[[Any], np.ndarray],
) -> evaluation.Outcome:
  """The outcome of a classifier that the run itself has trained.

  Args:
    config: The whole config.
    ingredients: What it was trained on.
    name: Of the protocol.
    logits: Of images, as a `data.Dataset` has them.
  """
  k = config.data.labels_per_class
  if config.data.labels_total is not None:
    # Of each class on average, if not equally.
    splits = ingredients.splits
    labels = splits.train.labels[splits.labelled]
    counts = data.label_counts(labels, ingredients.num_classes)
    average = float(counts.mean())
    k = int(average) if average.is_integer() else average
  return evaluation.Outcome(name, k, 0, *ingredients.judged(logits))


def results(
  config: Any,
  ingredients: Ingredients,
  job: Job,
  measured: Measured,
  *,
  command: str,
  started: float,
) -> dict[str, Any]:
  """What results.json holds.

  Args:
    config: The whole config.
    ingredients: Its objects.
    job: What was done.
    measured: What came of it.
    command: The command line.
    started: `time.monotonic()` at its start.
  """
  all_rows = label_efficiency.summarize(
    measured.outcomes, ingredients.reported.labels
  )
  primary = metrics.scoring_of(ingredients.reported.labels).primary
  rows = [row for row in all_rows if row['metric'] == primary]
  thresholds = two_classes.thresholds(measured.outcomes)
  said = [*notes(ingredients), *measured.notes]
  if thresholds and config.report_split == 'validation':
    said.append(
      'The validation images have chosen the thresholds that are reported on '
      'them, so metrics at these are a little too good.'
    )
  return {
    'experiment': config.experiment,
    'method': job.method,
    'dataset': _dataset(config),
    'seed': config.seed,
    'split': config.report_split,
    'rows': rows,
    'tables': {
      'metrics': [row for row in all_rows if row['metric'] != primary],
      'differences': label_efficiency.differences(rows, baseline=BASELINE),
      'thresholds': thresholds,
      'majority': majority(ingredients),
      **measured.tables,
    },
    'notes': said,
    'run': {
      'command': command,
      'seconds': round(time.monotonic() - started, 1),
      'date': datetime.date.today().isoformat(),
      'counts': ingredients.splits.counts(),
      'channel_mean': ingredients.mean,
      'channel_std': ingredients.std,
      **workdir_lib.environment(),
    },
  }


def majority(ingredients: Ingredients) -> list[dict[str, Any]]:
  """The accuracy of one answer for all images, as a table of one row.

  Returns:
    `class`, the most frequent one of the labelled images; `top1`, its share of
    the `n` reported images. No row where images have several labels.
  """
  splits, reported = ingredients.splits, ingredients.reported
  if reported.multi_label:
    return []
  labels = splits.train.labels[splits.labelled]
  most = int(np.bincount(labels).argmax())
  share = float(np.mean(reported.labels == most))
  name = reported.class_names[most]
  return [{'class': name, 'top1': share, 'n': len(reported)}]


def _dataset(config: Any) -> str:
  """`digits`, or `tfds:mnist to tfds:emnist/letters` of a transfer."""
  sections = [config.source] if 'source' in config else []
  return ' to '.join(
    str(section.name)
    + (f' {", ".join(map(str, section.classes))}' if section.classes else '')
    + (f' ({section.targets})' if section.get('targets') else '')
    for section in (*sections, config.data)
  )


def notes(ingredients: Ingredients) -> Sequence[str]:
  """What a reader has to know of the data."""
  overlap = ingredients.splits.overlap
  among = 'No labelled image is among the unlabelled ones.'
  if overlap:
    among = (
      f'The {overlap:,} labelled images are among the unlabelled ones; their '
      'labels are not used there.'
    )
  return [*ingredients.notes, among, *_on_labels(ingredients)]


def _on_labels(ingredients: Ingredients) -> Sequence[str]:
  """What numbers mean where an image has several labels."""
  part = ingredients.reported
  if not part.multi_label:
    return []
  said = [
    f'An image has any number of these {part.num_classes} labels, and metrics '
    'are means over the labels (macro averages). k labels a class are k images '
    'that are drawn for each label, and k that have none, with all their '
    'labels; so what is rare is less rare among them.'
  ]
  without = data.undecided(part.labels)
  if without.any():
    names = ', '.join(np.array(part.class_names)[without])
    said.append(
      'All or none of the reported images have these labels, so nothing can '
      f'be measured of them, and means leave them out: {names}.'
    )
  return said
