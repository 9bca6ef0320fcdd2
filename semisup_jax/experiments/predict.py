"""What a finished run says of images: a table, embeddings and one page."""

import csv
import io
import itertools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import data, metrics, training
from semisup_jax.data.sources.layouts import Entry
from semisup_jax.experiments import learned, origin, shown
from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.experiments.figure_files import FigureFiles
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.reporting import predictions, predictions_page, results
from semisup_jax.reporting.predictions import (
  HeldOut,
  HeldOutLabels,
  Predicted,
)
from semisup_jax.training import hosts
from semisup_jax.types import InputError

TABLE, EMBEDDINGS = 'predictions.csv', 'embeddings.npz'
TOP = 3  # Classes that the table names for each image.
# Of the page's sheet: images on each side, classes, and pixels of an image.
EACH, CLASSES, SIDE = 4, 24, 96


def predict(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
) -> None:
  """Writes predictions.csv, embeddings.npz and report.html.

  Args:
    config: The whole config; `run` is the workdir of the run, `data.path` the
      folder of the images.
    workdir: Where they go.
    console: Where a person reads how good they are likely to be.
    command: The command line, for the page.

  Raises:
    InputError: If there is no such run, if it has no classifier, or if an image
      cannot be read; then nothing is written.
  """
  hosts.together(lambda: workdir_lib.is_begun(workdir, config.to_dict()))
  saved, tested, found = hosts.together(lambda: _asked(config))
  entries, embeddings = _embedded(saved, found, console)
  predicted = Predicted(
    name=config.data.path,
    run=config.run,
    method=saved.method,
    protocol=saved.head.protocol,
    labels=saved.head.labels,
    validation_images=saved.head.validation_images,
    tested=tested,
    class_names=saved.class_names,
    multi_label=saved.head.multi_label,
    files=tuple(map(found.name, entries)),
    known=tuple(entry.label for entry in entries),
    probabilities=saved.head.probabilities(embeddings),
    skipped=found.skipped,
    notes=found.notes(saved.image_shape[-1]),
  )

  def write(path):
    results.write_whole(workdir / TABLE, as_csv(predicted))
    _save(workdir / EMBEDDINGS, predicted.files, embeddings)
    figures = FigureFiles(workdir / 'figures', console)
    _draw(predicted, entries, figures)
    predictions_page.write_page(path, predicted, figures.made, command)

  sentences = (
    predictions.headline(predicted),
    *predictions.sentences(predicted),
    *predicted.notes,
    str(workdir / TABLE),
  )
  shown.show(config, workdir, write, sentences, console)


def _asked(
  config: Any,
) -> tuple[SavedModel, HeldOut | HeldOutLabels | None, data.FoundImages]:
  """The model, how good it was, and the images that it is asked about."""
  saved = origin.model(config)
  if saved.head is None:
    raise InputError(
      f'the run in {config.run} has fitted no classifier to its embeddings; '
      'run its recipe with linear_probe among --config.evaluation.protocols'
    )
  classes = saved.class_names if saved.head.multi_label else None
  found = data.FoundImages(config.data, classes)
  return saved, _tested(config.run, saved), found


def _tested(run: str, saved: SavedModel) -> HeldOut | HeldOutLabels | None:
  """How good a run has found its classifier to be, of the first draw."""
  path = pathlib.Path(run).expanduser() / 'results.json'
  try:
    found = json.loads(path.read_text('utf-8'))
    split = found['split']
    images = found['run']['counts'][split]
    rows = [row for row in found['rows'] if _is_of(row, saved)]
    if not rows:
      return None
    first = rows[0]['values'][0]
    if saved.head.multi_label:
      by_label = {
        row['class']: row['roc_auc']
        for row in found['tables']['per_label']
        if _is_of(row, saved)
      }
      ends = None, None
      if rows[0]['n'] == 1:  # Over draws it is no interval over images.
        ends = rows[0]['low'], rows[0]['high']
      return HeldOutLabels(split, images, first, *ends, by_label)
    right = round(first * images)
  except (KeyError, IndexError, OSError, TypeError, ValueError) as error:
    raise InputError(f'{path} is damaged: {error}') from error
  return HeldOut(split, images, right, *metrics.wilson_interval(right, images))


def _is_of(row: Mapping[str, Any], saved: SavedModel) -> bool:
  """Whether a row of the results is of the classifier that was saved."""
  head = saved.head
  place = row['protocol'], row['labels_per_class']
  return place == (head.protocol, head.labels_per_class)


def _embedded(
  saved: SavedModel, found: data.FoundImages, console: Console
) -> tuple[list[Entry], np.ndarray]:
  """The files that could be read, and their embeddings, float32 [N, D]."""
  embed = learned.of(saved).embed
  entries, embeddings = [], []
  with training.progress_bar(console, 'images', len(found.entries)) as bar:
    for chunk, images in found.chunks(saved.image_shape):
      entries += chunk
      embeddings.append(embed(images))
      bar.advance(len(chunk))
  if not entries:
    raise InputError(f'none of the images can be read: {found.skipped[0]}')
  return entries, np.concatenate(embeddings)


def as_csv(predicted: Predicted) -> str:
  """A line for each file: the most probable classes, and the label it has.

  Of several labels an image the probability of each.
  """
  if predicted.multi_label:
    return _labels_as_csv(predicted)
  names = predicted.class_names
  order = np.argsort(-predicted.probabilities, axis=1, kind='stable')
  top = min(TOP, len(names))
  head = ['file', 'class', 'probability']
  for rank in range(2, top + 1):
    head += [f'class_{rank}', f'probability_{rank}']
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  writer.writerow([*head, 'label'])
  for row, (file, label) in enumerate(
    zip(predicted.files, predicted.known, strict=True)
  ):
    said = [
      cell
      for i in order[row, :top]
      for cell in (names[i], f'{predicted.probabilities[row, i]:.4f}')
    ]
    writer.writerow([file, *said, label or ''])
  return text.getvalue()


def _labels_as_csv(predicted: Predicted) -> str:
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  writer.writerow(['file', *predicted.class_names, 'label'])
  for file, said, known in zip(
    predicted.files, predicted.probabilities, predicted.known, strict=True
  ):
    label = '' if known is None else ';'.join(known) or 'none'
    writer.writerow([file, *(f'{p:.4f}' for p in said), label])
  return text.getvalue()


def _save(path: pathlib.Path, files: tuple[str, ...], of: np.ndarray) -> None:
  temporary = path.with_suffix('.tmp')
  with temporary.open('wb') as file:
    np.savez(file, files=np.array(files), embeddings=of)
  temporary.replace(path)


def _draw(
  predicted: Predicted, entries: list[Entry], figures: FigureFiles
) -> None:
  if not predicted.multi_label:
    figures.add(
      'Confidence',
      'Probability of the predicted class, calibrated on validation, of the '
      'images without a label.',
      'confidence',
      lambda draw, theme: draw.confidence_histogram(
        predicted.confidence[predicted.asked],
        len(predicted.class_names),
        theme,
      ),
    )
  found = predictions_page.extremes(predicted, EACH)
  if not found:
    return  # Of several labels none may be likely anywhere.
  rows = []
  for name, index, *sides in found[:CLASSES]:
    said = predicted.probabilities[:, index]
    shown = [(_pictures(entries, side), said[side]) for side in sides]
    rows.append((name, *itertools.chain(*shown)))
  figures.add(
    'The surest and the least sure',
    f'Of the images without a label, {EACH} that were given each class or '
    f'label with the highest probability, and {EACH} with the lowest'
    + (f'; {CLASSES} of them.' if len(found) > CLASSES else '.'),
    'certainty',
    lambda draw, theme: draw.certainty_sheet(
      [draw.CertaintyRow(*row) for row in rows], EACH, theme
    ),
  )


def _pictures(entries: list[Entry], rows: list[int]) -> np.ndarray:
  """Files as a person looks at them, not as small as the network does."""
  images = [data.picture(entries[row].file, SIDE) for row in rows]
  return np.stack(images) if images else np.zeros((0, SIDE, SIDE, 3), np.uint8)
