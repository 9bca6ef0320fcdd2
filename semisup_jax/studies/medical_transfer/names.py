"""How the study calls its encoders."""

from semisup_jax.reporting import wording

_ARMS = {
  'labels': 'labels of the source',
  'autoencoder': 'the autoencoder',
  'autoencoder_ssim': 'the autoencoder by SSIM',
  'random': 'the random encoder',
}
_ORDER = (*_ARMS, 'simclr', 'barlow_twins')


def arm(name: str) -> str:
  """Within a sentence."""
  return _ARMS.get(name, wording.method(name))


def title(name: str) -> str:
  """In a table or a legend."""
  text = arm(name).removeprefix('the ')
  return f'{text[0].upper()}{text[1:]}'


def look(name: str) -> int:
  """The number of its colour in every figure."""
  return 1 + _ORDER.index(name)
