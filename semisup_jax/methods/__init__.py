"""Ways of learning; `METHODS` are those that a config can name.

Each is one file with a function `from_config` of `(config, encoder,
transform_of, num_classes)`, and the fields that it needs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.augment import Transform
from semisup_jax.methods import simclr, supervised
from semisup_jax.types import Method, lookup, require

METHODS = {'simclr': simclr.from_config, 'supervised': supervised.from_config}
FIELDS = {'simclr': simclr.FIELDS, 'supervised': supervised.FIELDS}


def make_method(
  config: Mapping[str, Any],
  encoder: nn.Module,
  transform_of: Callable[[str], Transform],
  num_classes: int,
) -> Method:
  """Builds the method that `config.method.name` names.

  Args:
    config: The whole config.
    encoder: Its encoder.
    transform_of: Makes a string of ops a function.
    num_classes: Of the data set.

  Raises:
    InputError: If the name, or a field's value, is not one that exists.
  """
  name = config['method']['name']
  build = lookup(METHODS, name, 'method.name')
  require(config['method'], FIELDS[name], f'method.name={name}', 'method')
  return build(config, encoder, transform_of, num_classes)
