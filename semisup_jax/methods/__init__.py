"""Ways of learning; `METHODS` are those that a config can name.

Each is one file with a function of `(config, encoder, table, num_classes)`.
"""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.augment import Op
from semisup_jax.methods import simclr, supervised
from semisup_jax.types import Method, lookup

METHODS = {'simclr': simclr.from_config, 'supervised': supervised.from_config}


def make_method(
  config: Mapping[str, Any],
  encoder: nn.Module,
  table: Mapping[str, Op],
  num_classes: int,
) -> Method:
  """Builds the method that `config.method.name` names.

  Args:
    config: The whole config.
    encoder: Its encoder.
    table: The ops that its strings of ops may name.
    num_classes: Of the data set.

  Raises:
    InputError: If the name, or a field's value, is not one that exists.
  """
  build = lookup(METHODS, config['method']['name'], 'method.name')
  return build(config, encoder, table, num_classes)
