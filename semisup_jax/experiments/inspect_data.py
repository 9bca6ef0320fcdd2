"""A look at data before anything is learned from it: one page."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import data
from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.experiments import ingredients, shown, views
from semisup_jax.experiments.figure_files import FigureFiles
from semisup_jax.reporting import data_findings, data_page
from semisup_jax.reporting.data_findings import Seen, SeveralLabels
from semisup_jax.training import hosts
from semisup_jax.types import InputError

SAMPLES = 3  # Images of each class, as many as the sheet shows.
CLASSES = 24  # Of which the sheet shows samples.
CHUNK = 256  # Images that are looked at in one go.


def inspect_data(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
) -> None:
  """Writes report.html about the data that `config.data` names.

  Nothing is learned; what a run would end with is said on the page instead.

  Args:
    config: The whole config.
    workdir: Where the page goes.
    console: Where a person reads what was found.
    command: The command line, for the page.

  Raises:
    InputError: If there are no such data; then nothing is written.
  """
  parts = hosts.together(lambda: data.read(config.data))
  images = parts['train'].images[: views.IMAGES]
  views_of = views.of_images(images, config.data.views, config.seed)
  seen = look(config, parts)

  def write(path):
    figures = FigureFiles(workdir / 'figures', console)
    _draw(parts, seen, views_of, config.data.views, figures)
    data_page.write_page(path, seen, figures.made, command)

  sentences = (
    data_findings.headline(seen),
    *data_findings.wrong(seen),
    *seen.notes,
  )
  shown.show(config, workdir, write, sentences, console)


def look(config: Any, parts: Parts) -> Seen:
  """Everything that there is to say of a data set.

  Args:
    config: The whole config; by its section `data` a run would divide it.
    parts: Of the data set, from `data.read`.
  """
  train, error, splits = parts['train'], None, None
  try:
    data.check_labels(parts, config.data.name)
    splits = ingredients.divide(config, parts)
  except InputError as problem:
    error = str(problem)
  of = {split: data.digests(part.images) for split, part in parts.items()}
  same, contradictions = _repeated(parts, of)
  images = [part.images for part in parts.values()]
  mean, std = data.channel_statistics(
    train.images, splits.known if splits else None
  )
  labels = _labels(parts, splits)
  return Seen(
    name=str(config.data.path or config.data.name),
    counts=_counts(labels, train.class_names),
    unlabelled=int((~data.known(train.labels)).sum()),
    shape=train.images.shape[1:],
    sizes=train.reading.sizes,
    kinds=train.reading.kinds,
    mean=mean,
    std=std,
    blank=sum(map(_blank, images)),
    same=same,
    contradictions=contradictions,
    leaks=data.leaks(splits) if splits else (),
    notes=train.reading.notes,
    skipped=train.reading.skipped,
    error=error,
    several=_several(labels, train.class_names) if train.multi_label else None,
  )


def _labels(parts: Parts, splits: data.Splits | None) -> dict[str, np.ndarray]:
  """Labels by part, as a run would divide them; no unknown ones."""
  labels = {split: part.labels for split, part in parts.items()}
  if splits is not None:
    labels = {
      'learned from': splits.train.labels[splits.labelled],
      'validation': splits.validation.labels,
      'test': splits.test.labels,
    }
  return {split: of[data.known(of)] for split, of in labels.items()}


def _counts(
  labels: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[str, dict[str, int]]:
  """Images of each class by part; nothing, where no image has a label."""
  if not sum(map(len, labels.values())):
    return {}
  return {
    split: dict(
      zip(names, data.label_counts(of, len(names)).tolist(), strict=True)
    )
    for split, of in labels.items()
  }


def _several(
  labels: Mapping[str, np.ndarray], names: Sequence[str]
) -> SeveralLabels:
  """How labels go together in images."""
  together = sum(of.T @ of for of in labels.values())
  pairs = {
    (names[i], names[j]): int(together[i, j])
    for i, j in itertools.combinations(range(len(names)), 2)
    if together[i, j]
  }
  return SeveralLabels(
    images={split: len(of) for split, of in labels.items()},
    without={
      split: int((~of.any(axis=1)).sum()) for split, of in labels.items()
    },
    together=dict(sorted(pairs.items(), key=lambda item: -item[1])),
  )


def _repeated(
  parts: Parts, of: Mapping[str, np.ndarray]
) -> tuple[list[list[str]], list[list[str]]]:
  """Images that are there twice, and those whose labels differ then."""
  places = [
    (part, i, _name(part, split, i))
    for split, part in parts.items()
    for i in range(len(part))
  ]
  same, contradictions = [], []
  for rows in data.repeated(np.concatenate(list(of.values()))):
    found = [places[row] for row in rows]
    same.append([name for _, _, name in found])
    said = [
      (*data.in_words(part.labels[i : i + 1], part.class_names), name)
      for part, i, name in found
    ]
    known = [(label, name) for label, name in said if label is not None]
    if len({label for label, _ in known}) > 1:
      contradictions.append([f'{name} ({label})' for label, name in known])
  return same, contradictions


def _name(part: Dataset, split: str, row: int) -> str:
  return part.files[row] if part.files else f'{split} {row}'


def _blank(images: np.ndarray | data.StoredImages) -> int:
  """How many images are of one colour all over."""
  count = 0
  for start in range(0, len(images), CHUNK):
    some = images[start : start + CHUNK]
    count += int((some == some[:, :1, :1]).all(axis=(1, 2, 3)).sum())
  return count


def _draw(
  parts: Parts,
  seen: Seen,
  views_of: np.ndarray,
  ops: str,
  figures: FigureFiles,
) -> None:
  if seen.counts:
    figures.add(
      'Class balance',
      'Labelled images of each class, by part.',
      'class_balance',
      lambda draw, theme: draw.class_balance(seen.counts, theme),
    )
  names, sheet = samples(parts)
  figures.add(
    'Samples',
    f'{SAMPLES} images of each class, of {CLASSES} classes at most, drawn at '
    'random, as they are learned from.',
    'samples',
    lambda draw, theme: draw.contact_sheet(names, sheet, theme),
  )
  figures.add(
    'Views',
    f'Images, and what becomes of them by data.views: {ops}',
    'views_grid',
    lambda draw, theme: draw.views_grid(views_of, theme),
  )
  if len(seen.sizes) > 1:
    figures.add(
      'Sizes of the files',
      'A dot is as large as there are files of its size; the line is where '
      'they are square.',
      'image_sizes',
      lambda draw, theme: draw.image_sizes(
        seen.sizes, max(seen.shape[:2]), theme
      ),
    )


def samples(parts: Parts) -> tuple[list[str], np.ndarray]:
  """A few images of each class, and of those without a label.

  Args:
    parts: Of the data set.

  Returns:
    Names, and uint8 [names, SAMPLES, H, W, C], of a class with fewer images
    some of them twice.
  """
  train = parts['train']
  random = np.random.default_rng(0)
  of = data.members(train.labels, min(train.num_classes, CLASSES))
  names = [*train.class_names, *['none of them'] * train.multi_label]
  found = [
    *zip(names[:CLASSES], map(np.flatnonzero, of.T), strict=False),
    ('unlabelled', np.flatnonzero(~data.known(train.labels))),
  ]
  drawn = [
    (name, np.resize(random.permutation(rows), SAMPLES))
    for name, rows in found
    if len(rows)
  ]
  images = np.stack([train.images[rows] for _, rows in drawn])
  return [name for name, _ in drawn], images
