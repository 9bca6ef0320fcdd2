"""The stages of a network, by which parts of it are trained or left alone.

An encoder names its own in the property `stages`, from the input on, and calls
each of its submodules after the stage that it belongs to: `stage1`, or with
more after a `_`, as `stem_conv` and `stage1_block2`.
"""

from typing import Any

from flax import linen as nn

from semisup_jax.models.heads import EncoderWithHead
from semisup_jax.types import Params

HEAD = 'head'


def stages_of(model: EncoderWithHead) -> tuple[str, ...]:
  """The stages of a classifier, from the input to the head."""
  return *model.encoder.stages, HEAD


def stage_labels(params: Params) -> dict[str, Any]:
  """Names the stage of every parameter of an `EncoderWithHead`.

  Args:
    params: Its `params`, or its `batch_stats`.

  Returns:
    A prefix of the tree whose leaves are names of stages.
  """
  encoder = {name: name.split('_')[0] for name in params.get('encoder', {})}
  labels = {'encoder': encoder, HEAD: HEAD}
  return {name: labels[name] for name in params}


def with_fixed_statistics(
  encoder: nn.Module, fixed: tuple[str, ...]
) -> nn.Module:
  """The encoder, in whose stages `fixed` BatchNorm stays in eval mode."""
  return encoder.clone(fixed_statistics=fixed) if fixed else encoder
