"""Barlow Twins, https://arxiv.org/abs/2103.03230."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.methods import fields
from semisup_jax.methods.joint_embedding import joint_embedding
from semisup_jax.models import DTYPES
from semisup_jax.objectives import barlow_twins_terms
from semisup_jax.types import Method, Task

FIELDS = ('redundancy_weight', *fields.PROJECTOR)


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Each feature agrees with itself across views, and with no other one.

  BatchNorm sees each view of the batch apart, as in the authors' code. The raw
  weights are evaluated.

  Args:
    config: The whole config; `method` has `redundancy_weight` (the paper's
      lambda) and the projector's fields; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  weight = fields.check(config['method'], 'redundancy_weight', 0)

  def objective(z_a, z_b, stream):
    del stream  # No labels are looked at.
    terms = barlow_twins_terms(z_a, z_b)
    return terms.invariance + weight * terms.redundancy, terms._asdict()

  return joint_embedding(
    encoder,
    fields.projector(config),
    task.transform(config['data']['views']),
    objective,
    stream='unlabelled',
    views_together=False,
    dtype=DTYPES[config['model']['dtype']],
  )
