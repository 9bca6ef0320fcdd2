"""Ways of learning; `METHODS` are those that a config can name.

Each is one file with a function `from_config(config, encoder, task)`, and
`FIELDS`, what it needs in the section `method`. docs/adding_a_method.md shows
how one is added.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flax import linen as nn

from semisup_jax.methods import (
  autoencoder,
  barlow_twins,
  byol,
  fixmatch,
  mean_teacher,
  online_probe,
  simclr,
  simsiam,
  sup_con,
  supervised,
  vicreg,
)
from semisup_jax.types import InputError, Method, Task, lookup, require

METHODS = MappingProxyType(
  {
    'autoencoder': autoencoder,
    'barlow_twins': barlow_twins,
    'byol': byol,
    'fixmatch': fixmatch,
    'mean_teacher': mean_teacher,
    'simclr': simclr,
    'simsiam': simsiam,
    'sup_con': sup_con,
    'supervised': supervised,
    'vicreg': vicreg,
  }
)

# What needs one class an image: a pseudo-label, or whether two are alike.
ONE_CLASS = frozenset({'fixmatch', 'mean_teacher', 'sup_con'})

probe_logits = online_probe.probe_logits
with_online_probe = online_probe.with_online_probe


def make_method(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method that `config.method.name` names.

  Args:
    config: The whole config.
    encoder: Its encoder.
    task: What is learned from.

  Raises:
    InputError: If the name, or a field's value, is not one that exists, or if
      the method cannot learn from several labels an image.
  """
  name = config['method']['name']
  method = lookup(METHODS, name, 'method.name')
  if task.multi_label and name in ONE_CLASS:
    raise InputError(
      f'method.name={name} needs one class an image, and images of these data '
      'have several labels; supervised, and every method that learns without '
      'labels, can learn from them'
    )
  require(config['method'], method.FIELDS, f'method.name={name}', 'method')
  return method.from_config(config, encoder, task)
