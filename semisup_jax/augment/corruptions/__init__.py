"""Common corruptions: how well does a classifier do on images gone bad?

The 15 corruptions of Hendrycks and Dietterich 2019,
https://arxiv.org/abs/1903.12261, and the 4 extra ones that are for validation,
each at five severities. They and their constants are those of the generator of
CIFAR-10-C (`make_cifar_c.py` of its authors), whose results are uint8,
truncated. The constants are for 32x32 pixels and are not scaled to other sizes,
but for those of `elastic_transform`, which are fractions of the side.

Grey images, of one channel, count as red, green and blue alike: paint and frost
take their grey value. Only `saturate` refuses them.

What differs from the generator: the frost, whose photographs are replaced by a
texture (`frost_texture`); the stream of random numbers; `elastic_transform`,
which does not round positions to 1 / 32 pixels; and values a hair below a
level, which count as on it (`levels.SLACK`).
"""

from semisup_jax.augment.corruptions.batches import corrupt, corrupt_all
from semisup_jax.augment.corruptions.severities import SEVERITIES
from semisup_jax.augment.corruptions.table import COMMON, CORRUPTIONS, EXTRA

__all__ = [
  'COMMON',
  'CORRUPTIONS',
  'EXTRA',
  'SEVERITIES',
  'corrupt',
  'corrupt_all',
]
