"""The images that a network is looked at with, and those next to them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import data, training
from semisup_jax.data.dataset import UNKNOWN, Dataset
from semisup_jax.data.sources.layouts import Entry
from semisup_jax.experiments import ingredients, origin
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.types import InputError, lookup

# Images that are read and embedded in one go.
CHUNK = 512

_OF_VALIDATION = (
  'Validation images have chosen the classifier as well, so the accuracy is '
  'likely a little too good.'
)
_OF_A_FOLDER = (
  'Where some of these are images that it has learned from, the accuracy is '
  'too good.'
)

# uint8 [N, H, W, C] to embeddings, float32 [N, D].
Embed = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Images:
  """Images, and what an encoder makes of them.

  Attributes:
    names: N of them: files, or places in a part.
    truths: Of each its class, or its labels; None where nobody knows.
    labels: Their classes, int [N]; below 0 where nobody knows, where the
      classifier does not know it, or where an image has any number of labels.
    embeddings: float32 [N, D].
    pixels: Rows, int [M], to images, uint8 [M, H, W, C].
  """

  names: Sequence[str]
  truths: Sequence[str | None]
  labels: np.ndarray
  embeddings: np.ndarray
  pixels: Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class LookedAt:
  """What there is to look at.

  Attributes:
    name: Of the images, in a sentence.
    images: They.
    others: Those that neighbours are looked for among; None for `images`.
    caveat: Why a classifier may look too good on them, a sentence; or empty.
    notes: Sentences on the images and how they were read.
    skipped: One line for each file or row that was passed over.
  """

  name: str
  images: Images
  others: Images | None
  caveat: str
  notes: Sequence[str]
  skipped: Sequence[str]


class OfTheRun:
  """The part that a run reports on, and the images it has learned from."""

  def __init__(self, config: Any, saved: SavedModel):
    """Reads them, as the run has.

    Args:
      config: The whole config; `data.path` is None.
      saved: The model of the run.

    Raises:
      InputError: If they are not there any more, or are others.
    """
    theirs = origin.config_of(config)
    self._splits = ingredients.divide(theirs, data.load(theirs.data))
    self._split = config.report_split or theirs.report_split
    parts = {'validation': self._splits.validation, 'test': self._splits.test}
    self._part: Dataset = lookup(parts, self._split, 'report_split')
    self._source = theirs.data.path or theirs.data.name
    self._seed = config.seed
    self._among = config.neighbours.among
    here = self._part.images.shape[1:], self._part.class_names
    if here != (saved.image_shape, saved.class_names):
      raise InputError(
        f'{self._source} has other images now than those that {config.run} has '
        f'learned from, {list(here[0])} of {len(here[1])} classes and not '
        f'{list(saved.image_shape)} of {len(saved.class_names)}, or classes of '
        'other names; give others, as --config.data.path=FOLDER'
      )

  def look(self, embed: Embed, console: Console) -> LookedAt:
    """Embeds them.

    Args:
      embed: Of the run's encoder.
      console: Where a person reads how it goes.
    """
    part, rows, notes = self._part, self._splits.known, []
    if len(rows) > self._among:
      drawn = np.random.default_rng(self._seed)
      rows = np.sort(drawn.choice(rows, self._among, replace=False))
      notes.append(
        f'Neighbours are looked for among {len(rows):,} images, drawn from the '
        f'{len(self._splits.known):,} that it has learned from.'
      )
    count = len(part) + len(rows)
    with training.progress_bar(console, 'images', count) as bar:
      everything = np.arange(len(part))
      images = _of_part(part, everything, self._split, embed, bar)
      others = _of_part(self._splits.train, rows, 'train', embed, bar)
    reading = self._splits.train.reading
    return LookedAt(
      name=f'the {self._split} part of {self._source}',
      images=images,
      others=others,
      caveat=_OF_VALIDATION if self._split == 'validation' else '',
      notes=[*notes, *reading.notes],
      skipped=reading.skipped,
    )


class OfAFolder:
  """Every image file of a folder; they are each other's neighbours."""

  def __init__(self, config: Any, saved: SavedModel):
    """Finds the files.

    Args:
      config: The whole config; `data.path` is the folder.
      saved: The model of the run.

    Raises:
      InputError: If there is none, or the table is not one.
    """
    if config.report_split is not None:
      raise InputError(
        f'report_split={config.report_split} is a part of the images of the '
        f'run; leave it out, or data.path={config.data.path}'
      )
    several = saved.head is not None and saved.head.multi_label
    classes = saved.class_names if several else None
    self._found = data.FoundImages(config.data, classes)
    self._name = f'the folder {config.data.path}'
    self._saved = saved

  def look(self, embed: Embed, console: Console) -> LookedAt:
    """Decodes and embeds them.

    Args:
      embed: Of the run's encoder.
      console: Where a person reads how it goes.

    Raises:
      InputError: If one cannot be read, and is not to be passed over.
    """
    found, shape = self._found, self._saved.image_shape
    entries, embeddings = [], []
    with training.progress_bar(console, 'images', len(found.entries)) as bar:
      for chunk, pixels in found.chunks(shape):
        entries += chunk
        embeddings.append(embed(pixels))
        bar.advance(len(chunk))
    if not entries:
      raise InputError(f'none of the images can be read: {found.skipped[0]}')
    truths, notes = self._truths(entries)
    number = {name: i for i, name in enumerate(self._saved.class_names)}
    images = Images(
      names=list(map(found.name, entries)),
      truths=truths,
      labels=np.array([number.get(name, UNKNOWN) for name in truths]),
      embeddings=np.concatenate(embeddings),
      pixels=lambda rows: found.pixels([entries[row] for row in rows], shape),
    )
    return LookedAt(
      name=self._name,
      images=images,
      others=None,
      caveat=_OF_A_FOLDER,
      notes=[*notes, *found.notes(shape[-1])],
      skipped=found.skipped,
    )

  def _truths(
    self, entries: Sequence[Entry]
  ) -> tuple[list[str | None], list[str]]:
    """What is known of each file, and sentences on how."""
    names = self._saved.class_names
    labels = [entry.label for entry in entries]
    if any(isinstance(label, tuple) for label in labels):
      return [
        None if label is None else ' and '.join(label) or 'none'
        for label in labels
      ], []
    notes = []
    if not any(labels):
      folders = [self._found.name(e).split('/')[0] for e in entries]
      labels = [folder if folder in names else None for folder in folders]
      if any(labels):
        notes.append(
          f'The class of {sum(map(bool, labels)):,} images is the name of the '
          'folder that they lie in.'
        )
    others = sorted({label for label in labels if label} - {*names})
    if others:
      notes.append(
        f'{len(others)} class(es), as {others[0]!r}, are none of the '
        "classifier's: their images count as of unknown class."
      )
    return labels, notes


def _of_part(
  part: Dataset, rows: np.ndarray, split: str, embed: Embed, bar: Any
) -> Images:
  """Some images of a part, embedded."""
  embeddings = []
  for start in range(0, len(rows), CHUNK):
    some = rows[start : start + CHUNK]
    embeddings.append(embed(part.images[some]))
    bar.advance(len(some))
  labels = part.labels[rows]
  files = part.files
  return Images(
    names=[files[row] if files else f'{split} {row}' for row in rows],
    truths=data.in_words(labels, part.class_names),
    labels=np.full(len(rows), UNKNOWN) if part.multi_label else labels,
    embeddings=np.concatenate(embeddings),
    pixels=lambda places: part.images[rows[places]],
  )
