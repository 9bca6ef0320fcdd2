"""How the study calls what it has judged."""

from semisup_jax.reporting import wording
from semisup_jax.studies.cartoon_transfer.measured import SCRATCH, Judged

_ENCODERS = {
  'scratch': 'labels alone',
  'simclr': 'SimCLR',
  'barlow_twins': 'Barlow Twins',
  'weights': 'published weights',
}


def name(judged: Judged) -> str:
  """Within a sentence: `SimCLR, fine-tune`, `labels alone, cosine`."""
  parts = [_ENCODERS[judged.encoder]]
  if judged.protocol != SCRATCH.protocol:
    mode = wording.protocol(judged.protocol).replace(', then', ' and')
    parts.append(f'{mode[0].lower()}{mode[1:]}')
  return ', '.join(filter(None, [*parts, judged.change]))


def title(judged: Judged) -> str:
  """In a table or a figure."""
  text = name(judged)
  return f'{text[0].upper()}{text[1:]}'
