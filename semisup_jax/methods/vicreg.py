"""VICReg, https://arxiv.org/abs/2105.04906."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.methods import fields
from semisup_jax.methods.joint_embedding import joint_embedding
from semisup_jax.models import DTYPES
from semisup_jax.objectives import vicreg_terms
from semisup_jax.types import Method, Task

WEIGHTS = ('invariance_weight', 'variance_weight', 'covariance_weight')
FIELDS = (*WEIGHTS, *fields.PROJECTOR)


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Views agree, each feature varies, and no two features vary together.

  BatchNorm sees each view of the batch apart, as in the authors' code. The raw
  weights are evaluated.

  Args:
    config: The whole config; `method` has `invariance_weight`,
      `variance_weight`, `covariance_weight` and the projector's fields;
      `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  weights = [fields.check(config['method'], field, 0) for field in WEIGHTS]

  def objective(z_a, z_b, stream):
    del stream  # No labels are looked at.
    terms = vicreg_terms(z_a, z_b)
    value = sum(w * term for w, term in zip(weights, terms, strict=True))
    return value, terms._asdict()

  return joint_embedding(
    encoder,
    fields.projector(config),
    task.transform(config['data']['views']),
    objective,
    stream='unlabelled',
    views_together=False,
    dtype=DTYPES[config['model']['dtype']],
  )
