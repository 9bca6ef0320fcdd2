"""How the study calls its arms."""

from semisup_jax.studies.few_labels.measured import Arm

_NAMES = {
  'plain': 'no mixing',
  'mixup': 'MixUp',
  'collage': 'collage',
  'cutmix': 'CutMix',
  'random': 'a random extractor',
  'simclr': 'SimCLR without labels',
}


def name(arm: Arm) -> str:
  """Within a sentence: `MixUp`, `no mixing, the target itself`."""
  text = _NAMES.get(arm.arm, arm.arm)
  if arm.source == 'same':
    text += ', the target itself'
  return text + (', equal epochs' if arm.equal == 'epochs' else '')


def title(arm: Arm) -> str:
  """In a table or a legend."""
  text = name(arm)
  return text[0].upper() + text[1:]
