"""SimCLR, https://arxiv.org/abs/2002.05709."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.methods import fields
from semisup_jax.methods.joint_embedding import joint_embedding
from semisup_jax.models import DTYPES
from semisup_jax.objectives import dcl, nt_xent
from semisup_jax.types import Method, Task, lookup

OBJECTIVES = {'dcl': dcl, 'nt_xent': nt_xent}
FIELDS = ('objective', 'temperature', 'block_size', *fields.PROJECTOR)


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Two views of each image attract; all other images of the batch repel.

  BatchNorm sees both views of the whole batch at once (2N images, one pass),
  as in the authors' code. The raw weights are evaluated. In a batch in which
  two epochs meet, an image that is in it twice is its own negative.

  Args:
    config: The whole config; `method` has `objective` ('nt_xent', or 'dcl' of
      https://arxiv.org/abs/2110.06848), `temperature`, `block_size` (None, or
      the rows of a block, where the matrix of similarities would not fit) and
      the projector's fields; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  section = config['method']
  contrast = lookup(OBJECTIVES, section['objective'], 'method.objective')
  temperature = fields.check(section, 'temperature', 0, open_low=True)
  block_size = section['block_size']
  if block_size is not None:
    fields.whole_number(section, 'block_size', 1)

  def objective(z_a, z_b, stream):
    del stream  # No labels are looked at.
    loss = contrast(z_a, z_b, temperature=temperature, block_size=block_size)
    return loss, {}

  return joint_embedding(
    encoder,
    fields.projector(config),
    task.transform(config['data']['views']),
    objective,
    stream='unlabelled',
    views_together=True,
    dtype=DTYPES[config['model']['dtype']],
  )
