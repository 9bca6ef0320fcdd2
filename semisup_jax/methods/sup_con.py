"""Supervised contrastive learning, https://arxiv.org/abs/2004.11362."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.methods import fields
from semisup_jax.methods.joint_embedding import joint_embedding
from semisup_jax.models import DTYPES
from semisup_jax.objectives import sup_con
from semisup_jax.types import Method, Task

FIELDS = ('temperature', *fields.PROJECTOR)


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Images of one class attract; those of other classes repel.

  It learns from the labelled images alone, `data.labels_per_class` of them, and
  what comes of it is an encoder: a classifier is fitted afterwards. BatchNorm
  sees both views of the labelled batch at once. The raw weights are evaluated.

  Args:
    config: The whole config; `method` has `temperature` and the projector's
      fields; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  temperature = fields.check(config['method'], 'temperature', 0, open_low=True)

  def objective(z_a, z_b, stream):
    return sup_con(z_a, z_b, stream['label'], temperature=temperature), {}

  return joint_embedding(
    encoder,
    fields.projector(config),
    task.transform(config['data']['views']),
    objective,
    stream='labelled',
    views_together=True,
    dtype=DTYPES[config['model']['dtype']],
  )
