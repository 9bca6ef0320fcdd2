"""What there is to say of predictions, in sentences."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from semisup_jax.reporting import wording

# An interval wider than this, in shares of one, says little.
WIDE = 0.2
# Labels that the classifier would give otherwise, of which the page shows some.
SHOWN_DISPUTED = 20


@dataclasses.dataclass(frozen=True)
class HeldOut:
  """How good the classifier was on images that it had not learned from.

  Attributes:
    split: `test`, or `validation`, which has chosen it as well.
    images: How many.
    right: How many of them it got right.
    low: Lower end of the 95 % interval of the share that is right.
    high: Its upper end.
  """

  split: str
  images: int
  right: int
  low: float
  high: float

  @property
  def accuracy(self) -> float:
    """The share of the images that it got right."""
    return self.right / self.images


@dataclasses.dataclass(frozen=True)
class HeldOutLabels:
  """The same of a classifier that gives any number of labels.

  Attributes:
    split: See `HeldOut`.
    images: How many.
    mean: ROC-AUC, the mean over labels.
    low: Lower end of its 95 % interval over images; None where it is unknown.
    high: Its upper end.
    by_label: ROC-AUC of each label; NaN where it could not be measured.
  """

  split: str
  images: int
  mean: float
  low: float | None
  high: float | None
  by_label: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Predicted:
  """Images and what a classifier says of them.

  Attributes:
    name: Of the folder.
    run: Its workdir.
    method: What the encoder was learned by, as `simclr`.
    protocol: What the classifier was learned by, as `linear_probe`.
    labels: Of how many images it has seen the labels.
    validation_images: Which its confidence was calibrated on.
    tested: How good it was, or None where that was not measured.
    class_names: Of the K classes or labels.
    multi_label: Whether an image has any number of labels, and not one class.
    files: N paths.
    known: Of each what a table says: its class, or its labels; None where
      nobody knows.
    probabilities: Of the classes or labels, float [N, K].
    skipped: One line for each file or row that was passed over.
    notes: Sentences on how the files were read.
  """

  name: str
  run: str
  method: str
  protocol: str
  labels: int
  validation_images: int
  tested: HeldOut | HeldOutLabels | None
  class_names: tuple[str, ...]
  multi_label: bool
  files: tuple[str, ...]
  known: tuple[str | tuple[str, ...] | None, ...]
  probabilities: np.ndarray
  skipped: Sequence[str]
  notes: Sequence[str]

  @property
  def classes(self) -> np.ndarray:
    """The most probable class of each image, int [N]."""
    return self.probabilities.argmax(axis=1)

  @property
  def confidence(self) -> np.ndarray:
    """Its probability, float [N]."""
    return self.probabilities.max(axis=1)

  @property
  def asked(self) -> np.ndarray:
    """The rows without a label, int; all, where each has one."""
    without = [row for row, label in enumerate(self.known) if label is None]
    return np.array(without or range(len(self.files)), int)

  @property
  def disputed(self) -> list[int]:
    """Rows whose class it would give otherwise, the surest first.

    Of several labels it is said for each of them how sure it is, not here.
    """
    if self.multi_label:
      return []
    rows = [
      row
      for row, label in enumerate(self.known)
      if label is not None and self.class_names[self.classes[row]] != label
    ]
    return sorted(rows, key=lambda row: -self.confidence[row])


def headline(predicted: Predicted) -> str:
  """How many predictions there are, and how many of them are likely right."""
  count = f'{len(predicted.asked):,} predictions'
  tested = predicted.tested
  if tested is None:
    return f'{count}; how many of them are right was not measured.'
  if isinstance(tested, HeldOutLabels):
    return (
      f'{count}: ROC-AUC {_auc(tested)}, the mean over labels, measured on '
      f'{tested.images:,} labelled images of the run.'
    )
  return (
    f'{count}, of which {wording.number(tested.accuracy, "top1")} % are likely '
    f'right (95 % interval {wording.interval(tested.low, tested.high, "top1")} '
    f'%, measured on {tested.images:,} labelled images of the run).'
  )


def sentences(predicted: Predicted) -> list[str]:
  """How good the predictions are likely to be, and what makes it uncertain."""
  found = [*_tested(predicted), *_caveats(predicted)]
  if not predicted.multi_label:
    found += _confidence(predicted)
    found += _never(predicted)
    found += _disputed(predicted)
  return found


def _auc(tested: HeldOutLabels) -> str:
  """The mean, and its interval where there is one."""
  text = wording.number(tested.mean, 'roc_auc')
  if tested.low is None or tested.high is None:
    return text
  ends = wording.interval(tested.low, tested.high, 'roc_auc')
  return f'{text} (95 % interval {ends})'


def _tested(predicted: Predicted) -> list[str]:
  tested = predicted.tested
  how = (
    f'{wording.protocol_in_sentence(predicted.protocol)} with '
    f'{predicted.labels:,} labels'
  )
  if tested is None:
    return [
      f'The classifier, {how}, was not tested in {predicted.run}: how many of '
      'its predictions are right nobody knows.'
    ]
  if isinstance(tested, HeldOutLabels):
    return [
      f'The classifier, {how}, has a ROC-AUC of {_auc(tested)} on '
      f'{tested.images:,} {tested.split} images: of two images, one with a '
      'label and one without, that share gets the higher probability where it '
      'should, the mean over labels; of images that look otherwise, nobody '
      'knows.'
    ]
  return [
    f'The classifier, {how}, was right on {tested.right:,} of '
    f'{tested.images:,} {tested.split} images, '
    f'{wording.number(tested.accuracy, "top1")} %. Of images like these '
    f'{wording.interval(tested.low, tested.high, "top1")} % are likely right '
    "(Wilson's 95 % interval); of images that look otherwise, nobody knows."
  ]


def _caveats(predicted: Predicted) -> list[str]:
  tested, found = predicted.tested, []
  if tested is None:
    return []
  if tested.split == 'validation':
    found.append(
      'Validation images have chosen the classifier as well, so that is '
      'likely a little too good.'
    )
  if tested.high is not None and tested.high - tested.low > WIDE:
    found.append(
      f'That interval is wide, as {tested.images:,} images are few: with more '
      'labels, or a larger data.test_fraction in the run, it would be narrower.'
    )
  return found


def _confidence(predicted: Predicted) -> list[str]:
  mean = float(predicted.confidence[predicted.asked].mean())
  text = (
    f'Their mean confidence is {wording.number(mean, "top1")} %, calibrated on '
    f'{predicted.validation_images:,} validation images'
  )
  tested = predicted.tested
  if tested is not None and not tested.low <= mean <= tested.high:
    text += (
      '; that is outside of the interval, so they are probably not like the '
      'images with labels, or the calibration is off'
    )
  return [f'{text}.']


def _never(predicted: Predicted) -> list[str]:
  given = set(predicted.classes[predicted.asked].tolist())
  never = [n for i, n in enumerate(predicted.class_names) if i not in given]
  if not never:
    return []
  more = f' and {len(never) - 5} more' if len(never) > 5 else ''
  shown = ', '.join(never[:5]) + more
  return [f'No image was given to {len(never)} class(es): {shown}.']


def _disputed(predicted: Predicted) -> list[str]:
  labelled = sum(label is not None for label in predicted.known)
  if not labelled:
    return []
  return [
    f'Of {labelled:,} images that have a label, it would give '
    f'{len(predicted.disputed):,} another one; some of them it has learned '
    'from.'
  ]
