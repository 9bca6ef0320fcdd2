"""How the study calls its arms."""

from semisup_jax.studies.few_labels.measured import (
  EPOCHS,
  RANDOM,
  SAME,
  SIMCLR,
  Arm,
)

_NAMES = {
  'plain': 'no mixing',
  'mixup': 'MixUp',
  'collage': 'collage',
  'cutmix': 'CutMix',
  'random': 'a random extractor',
  'simclr': 'SimCLR without labels',
}


_SHORT = {
  SAME: 'Target itself',
  EPOCHS: 'Equal epochs',
  RANDOM: 'Random extractor',
  SIMCLR: 'SimCLR',
}
# What has a colour of its own, whichever other arms are there.
_LOOKS = ('plain', 'mixup', 'collage', 'cutmix')


def name(arm: Arm) -> str:
  """Within a sentence: `MixUp`, `no mixing, the target itself`."""
  text = _NAMES.get(arm.arm, arm.arm)
  if arm.source == 'same':
    text += ', the target itself'
  return text + (', equal epochs' if arm.equal == 'epochs' else '')


def title(arm: Arm) -> str:
  """In a table."""
  text = name(arm)
  return text[0].upper() + text[1:]


def short(arm: Arm) -> str:
  """In a legend, which has little room."""
  return _SHORT.get(arm) or title(arm)


def look(arm: Arm) -> int:
  """The number of its colour in every figure."""
  if arm in _SHORT:
    return len(_LOOKS) + list(_SHORT).index(arm)
  return _LOOKS.index(arm.arm)


def look_of_pair(number: int) -> int:
  """Of the difference of two ways of mixing: a control's, which no figure
  shows beside it."""
  return len(_LOOKS) + number
