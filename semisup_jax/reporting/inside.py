"""What there is to say of a network that was looked into, in sentences."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from semisup_jax.reporting import wording


class Judged(NamedTuple):
  """How many images a classifier got right.

  Attributes:
    right: How many.
    images: Of how many whose class is known.
    low: Lower end of the 95 % interval of the share that is right.
    high: Its upper end.
  """

  right: int
  images: int
  low: float
  high: float


class Said(NamedTuple):
  """What a classifier says of one image.

  Attributes:
    name: Of the image.
    truth: Its class, or its labels; None where nobody knows.
    classes: Names, the most probable first.
    probabilities: Of each, in [0, 1].
  """

  name: str
  truth: str | None
  classes: Sequence[str]
  probabilities: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Inside:
  """A network, and images that it was looked into with.

  Attributes:
    source: Where it is from: the workdir of a run, or a file of weights.
    method: What it was learned by, as `simclr`.
    model: The network's name, as `convnet`.
    classifier: A sentence on its classifier; empty where there is none.
    images: What they are, in a sentence.
    count: How many.
    caveat: Why the numbers on them may be too good, a sentence; or empty.
    judged: How many it got right; None where that was not asked, or nobody
      knows their classes.
    said: Of the images that are shown; empty where it was not asked.
    left_out: A sentence for each section that was asked for and has nothing to
      show.
    notes: Sentences on how the images were read.
    skipped: One line for each file or row that was passed over.
  """

  source: str
  method: str
  model: str
  classifier: str
  images: str
  count: int
  caveat: str
  judged: Judged | None
  said: Sequence[Said]
  left_out: Sequence[str]
  notes: Sequence[str]
  skipped: Sequence[str]


def headline(inside: Inside) -> str:
  """How many of the images are given a wrong class, or how many there are."""
  if inside.judged is None:
    return f'{_images(inside.count)}: {inside.images}.'
  return accuracy(inside.judged)


def accuracy(judged: Judged) -> str:
  """How many images are given a wrong class, and how sure that is."""
  wrong = judged.images - judged.right
  share = wording.number(judged.right / judged.images, 'top1')
  ends = wording.interval(judged.low, judged.high, 'top1')
  return (
    f'{f"{wrong:,}" if wrong else "None"} of {judged.images:,} images '
    f'{"is" if wrong == 1 else "are"} given a wrong class: accuracy {share} % '
    f'(95 % interval {ends} %).'
  )


def learned_classifier(protocol: str, labels: int, calibrated: int) -> str:
  """A sentence on the classifier of a run.

  Args:
    protocol: What it was learned by.
    labels: From how many.
    calibrated: The images of validation that its probabilities were calibrated
      on; 0 for none.
  """
  return (
    f'The classifier is {wording.protocol_in_sentence(protocol)}, learned from '
    f'{labels:,} labels; its probabilities are '
    + (
      f'calibrated on {_images(calibrated)} of validation.'
      if calibrated
      else 'not calibrated.'
    )
  )


def sentences(inside: Inside) -> list[str]:
  """What was looked at, by what, and what makes the numbers uncertain."""
  found = [inside.classifier] if inside.classifier else []
  found.append(f'It looks at {inside.images}: {_images(inside.count)}.')
  if inside.judged is not None:
    unknown = inside.count - inside.judged.images
    if unknown:
      found.append(f'The class of {unknown:,} of these is not known.')
    if inside.caveat:
      found.append(inside.caveat)
  return found


def _images(count: int) -> str:
  return f'{count:,} {"image" if count == 1 else "images"}'
