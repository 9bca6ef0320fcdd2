"""BatchNorm on a test set that is not like the training set.

`Adapter` gives a classifier's logits with statistics of several kinds: those of
training, those of the test batch, mixtures, statistics measured anew, and with
scale and bias that follow the entropy. What it is given never changes.
"""

from semisup_jax.evaluation.batch_norm.adapter import ROWS, Adapter
from semisup_jax.evaluation.batch_norm.modes import MODES, Mode, make_modes
from semisup_jax.evaluation.batch_norm.scale import UNNORMALISED, Scale

__all__ = [
  'MODES',
  'ROWS',
  'UNNORMALISED',
  'Adapter',
  'Mode',
  'Scale',
  'make_modes',
]
