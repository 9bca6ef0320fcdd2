"""What there is to say of data before anything is learned, in sentences."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Below so many labelled images of a class a draw of them decides much.
FEW = 10
# From so many times as many images on classes are called imbalanced.
IMBALANCED = 5
# From so many times as long as wide on an image loses much to a square.
LONG = 1.5


class SeveralLabels(NamedTuple):
  """What counts by label do not say where an image has any number of labels.

  Attributes:
    images: How many are labelled, by part.
    without: How many of them have none of the labels.
    together: How many labelled images have two labels, by their names; of those
      that are ever met, the most frequent first.
  """

  images: Mapping[str, int]
  without: Mapping[str, int]
  together: Mapping[tuple[str, str], int]


@dataclasses.dataclass(frozen=True)
class Seen:
  """What was seen of a data set.

  Attributes:
    name: Of it.
    counts: Images of each class by part, as a run divides them: learned from
      with their labels, `validation` and `test`; empty where nothing has a
      label.
    unlabelled: How many images have no label.
    shape: Of an image, as a run has it: (H, W, C).
    sizes: How many files are of a size, (width, height) in pixels.
    kinds: How many files are of a format and mode.
    mean: Of each channel, in [0, 1].
    std: Likewise.
    blank: How many images are of one colour.
    same: Names of images that are the same, pixel for pixel, in each.
    contradictions: Likewise, of images whose labels differ, with these.
    leaks: Sentences on images that are in two parts.
    notes: Sentences on how the files were read.
    skipped: One line for each file or row that cannot be used.
    error: What a run would end with; None if it would begin.
    several: Where an image has any number of labels, which then are the
      classes; else None.
  """

  name: str
  counts: Mapping[str, Mapping[str, int]]
  unlabelled: int
  shape: tuple[int, int, int]
  sizes: Mapping[tuple[int, int], int]
  kinds: Mapping[str, int]
  mean: Sequence[float]
  std: Sequence[float]
  blank: int
  same: Sequence[Sequence[str]]
  contradictions: Sequence[Sequence[str]]
  leaks: Sequence[str]
  notes: Sequence[str]
  skipped: Sequence[str]
  error: str | None
  several: SeveralLabels | None = None

  @property
  def images(self) -> Mapping[str, int]:
    """How many labelled images each part has."""
    if self.several is not None:
      return self.several.images
    return {part: sum(of.values()) for part, of in self.counts.items()}

  @property
  def labelled(self) -> int:
    """How many images have a label, or are known to have none."""
    return sum(self.images.values())


def headline(seen: Seen) -> str:
  """How many images, classes and labels, and whether something is wrong."""
  total = seen.labelled + seen.unlabelled
  text = f'{total:,} images of {seen.shape[1]} x {seen.shape[0]} pixels'
  if not seen.counts:
    text += ', none with a label.'
  else:
    classes = len(next(iter(seen.counts.values())))
    some = 'one' if seen.several is None else 'any number'
    text += f', {seen.labelled:,} with {some} of {classes} labels.'
  found = len(wrong(seen))
  if not found:
    return f'{text} Nothing is wrong with them.'
  return f'{text} {found} thing{"s" if found > 1 else ""} to look at.'


def wrong(seen: Seen) -> list[str]:
  """What is wrong, or makes results uncertain; the worst first."""
  return [
    *([f'A run would end at once: {seen.error}.'] if seen.error else []),
    *_passed_over(seen),
    *_contradictions(seen),
    *seen.leaks,
    *_few(seen),
    *_imbalance(seen),
    *_small_test(seen),
    *_repeated(seen),
    *_blank(seen),
    *_sizes(seen),
  ]


def _passed_over(seen: Seen) -> list[str]:
  count = len(seen.skipped)
  if not count:
    return []
  return [
    f'{count:,} file(s) or row(s) cannot be used, and are listed below; a run '
    'goes on without them with --config.data.skip_unreadable=True.'
  ]


def _contradictions(seen: Seen) -> list[str]:
  if not seen.contradictions:
    return []
  return [
    f'{len(seen.contradictions):,} image(s) are there with different labels, '
    f'as {" and ".join(seen.contradictions[0][:2])}.'
  ]


def _few(seen: Seen) -> list[str]:
  learned = next(iter(seen.counts.values()), {})
  few = sorted((n, name) for name, n in learned.items() if n < FEW)
  if not few:
    return []
  shown = ', '.join(f'{name} ({n})' for n, name in few[:5])
  more = f' and {len(few) - 5} more' if len(few) > 5 else ''
  return [
    f'{len(few)} of {len(learned)} classes have fewer than {FEW} labelled '
    f'images to learn from: {shown}{more}. Which ones these are decides much.'
  ]


def _imbalance(seen: Seen) -> list[str]:
  learned = next(iter(seen.counts.values()), {})
  if not learned or not min(learned.values()):
    return []
  order = sorted(learned, key=lambda name: learned[name])
  ratio = learned[order[-1]] / learned[order[0]]
  if ratio < IMBALANCED:
    return []
  look = (
    'accuracy alone would hide how the small ones fare; look at balanced '
    'accuracy and recall by class'
  )
  if seen.several is not None:
    look = 'of the rare ones average precision says more than ROC-AUC'
  return [
    f'The class {order[-1]} has {ratio:.3g} times as many labelled images as '
    f'{order[0]}: {look}.'
  ]


def _small_test(seen: Seen) -> list[str]:
  count = seen.images.get('test', 0)
  if not count or seen.several is not None:
    return []
  # Of the normal approximation, at its widest.
  half = 196 * math.sqrt(0.25 / count)
  if half < 5:
    return []
  return [
    f'The test part has {count} images: one accuracy on them is good to '
    f'{half:.0f} points, more or less (95 %, near one half).'
  ]


def _repeated(seen: Seen) -> list[str]:
  if not seen.same:
    return []
  return [
    f'{len(seen.same):,} image(s) are there more than once, pixel for pixel, '
    f'as {" and ".join(seen.same[0][:2])}.'
  ]


def _blank(seen: Seen) -> list[str]:
  if not seen.blank:
    return []
  return [f'{seen.blank:,} image(s) are of one colour all over.']


def _sizes(seen: Seen) -> list[str]:
  side = max(seen.shape[:2])
  small = sum(n for size, n in seen.sizes.items() if min(size) < side)
  long = sum(
    n for (w, h), n in seen.sizes.items() if max(w, h) > LONG * min(w, h)
  )
  found = []
  if small:
    found.append(
      f'{small:,} image(s) are smaller than {side} pixels and are enlarged; a '
      'smaller --config.data.image_size would lose nothing.'
    )
  if long:
    found.append(
      f'{long:,} image(s) are more than {LONG:g} times as long as wide; what '
      'sticks out of the square around their centre is cut off.'
    )
  return found
