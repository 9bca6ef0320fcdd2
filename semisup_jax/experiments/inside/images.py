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
from semisup_jax.experiments.inside.network import Network, Seen
from semisup_jax.types import InputError, lookup

# Images that are read and seen in one go.
CHUNK = 512

_OF_VALIDATION = (
  'Validation images have chosen the classifier as well, so the accuracy is '
  'likely a little too good.'
)
_OF_A_FOLDER = (
  'Where some of these are images that it has learned from, the accuracy is '
  'too good.'
)

See = Callable[[np.ndarray], Seen]  # Of a `Network`.


@dataclasses.dataclass(frozen=True)
class Images:
  """Images, and what a network makes of them.

  Attributes:
    names: N of them: files, or places in a part.
    truths: Of each its class, or its labels; None where nobody knows.
    labels: Their classes, int [N]; below 0 where nobody knows, where the
      classifier does not know it, or where an image has any number of labels.
    seen: What it makes of them.
    pixels: Rows, int [M], to images, uint8 [M, H, W, C].
  """

  names: Sequence[str]
  truths: Sequence[str | None]
  labels: np.ndarray
  seen: Seen
  pixels: Callable[[np.ndarray], np.ndarray]

  @property
  def embeddings(self) -> np.ndarray:
    """float32 [N, D]."""
    return self.seen.embeddings

  @property
  def probabilities(self) -> np.ndarray | None:
    """float32 [N, K]; None without a classifier."""
    return self.seen.probabilities


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

  def __init__(self, config: Any, network: Network):
    """Reads them, as the run has.

    Args:
      config: The whole config; `data.path` is None.
      network: Of the run.

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
    if here != (network.image_shape, network.class_names):
      raise InputError(
        f'{self._source} has other images now than those that {config.run} has '
        f'learned from, {list(here[0])} of {len(here[1])} classes and not '
        f'{list(network.image_shape)} of {len(network.class_names)}, or '
        'classes of other names; give others, as --config.data.path=FOLDER'
      )

  def look(self, see: See, console: Console) -> LookedAt:
    """Shows them to the network.

    Args:
      see: Of the network.
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
      images = _of_part(part, everything, self._split, see, bar)
      others = _of_part(self._splits.train, rows, 'train', see, bar)
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

  def __init__(self, config: Any, network: Network):
    """Finds the files.

    Args:
      config: The whole config; `data.path` is the folder.
      network: What will see them.

    Raises:
      InputError: If there is none, or the table is not one.
    """
    if config.report_split is not None:
      raise InputError(
        f'report_split={config.report_split} is a part of the images of a run; '
        f'leave it out, or data.path={config.data.path}'
      )
    classes = network.class_names if network.multi_label else None
    self._found = data.FoundImages(
      config.data, classes, shorter_side=network.shorter_side
    )
    self._name = f'the folder {config.data.path}'
    self._network = network

  def look(self, see: See, console: Console) -> LookedAt:
    """Decodes them, and shows them to the network.

    Args:
      see: Of the network.
      console: Where a person reads how it goes.

    Raises:
      InputError: If one cannot be read, and is not to be passed over.
    """
    found, shape = self._found, self._network.image_shape
    entries, seen = [], []
    with training.progress_bar(console, 'images', len(found.entries)) as bar:
      for chunk, pixels in found.chunks(shape):
        entries += chunk
        seen.append(see(pixels))
        bar.advance(len(chunk))
    if not entries:
      raise InputError(f'none of the images can be read: {found.skipped[0]}')
    truths, notes = self._truths(entries)
    number = {name: i for i, name in enumerate(self._network.class_names)}
    images = Images(
      names=list(map(found.name, entries)),
      truths=truths,
      labels=np.array([number.get(name, UNKNOWN) for name in truths]),
      seen=Seen.joined(seen),
      pixels=lambda rows: found.pixels([entries[row] for row in rows], shape),
    )
    return LookedAt(
      name=self._name,
      images=images,
      others=None,
      caveat=_OF_A_FOLDER,
      notes=[*self._network.notes, *notes, *found.notes(shape[-1])],
      skipped=found.skipped,
    )

  def _truths(
    self, entries: Sequence[Entry]
  ) -> tuple[list[str | None], list[str]]:
    """What is known of each file, and sentences on how."""
    names = self._network.class_names
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
  part: Dataset, rows: np.ndarray, split: str, see: See, bar: Any
) -> Images:
  """Some images of a part, seen."""
  seen = []
  for start in range(0, len(rows), CHUNK):
    some = rows[start : start + CHUNK]
    seen.append(see(part.images[some]))
    bar.advance(len(some))
  labels = part.labels[rows]
  files = part.files
  return Images(
    names=[files[row] if files else f'{split} {row}' for row in rows],
    truths=data.in_words(labels, part.class_names),
    labels=np.full(len(rows), UNKNOWN) if part.multi_label else labels,
    seen=Seen.joined(seen),
    pixels=lambda places: part.images[rows[places]],
  )
