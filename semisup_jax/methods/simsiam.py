"""SimSiam, https://arxiv.org/abs/2011.10566."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.methods import fields, passes
from semisup_jax.models import DTYPES, EncoderWithHead
from semisup_jax.objectives import simsiam as simsiam_loss
from semisup_jax.types import Method, Task

FIELDS = ('predictor_hidden', *fields.PROJECTOR)


def simsiam(
  encoder: nn.Module,
  projector: nn.Module,
  predictor: nn.Module,
  transform: Transform,
  *,
  dtype: Any,
) -> Method:
  """From one view, predicts the projection of the other, held still.

  BatchNorm sees each view of the batch apart, as in the authors' code. The raw
  weights are evaluated.

  Args:
    encoder: Images to embeddings.
    projector: Embeddings to projections; thrown away after training.
    predictor: Projections to predictions; thrown away after training.
    transform: `(key, image) -> view`.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, projector, predictor)
  dtype = passes.wide(dtype)

  def loss(params, state, batch, key):
    images = batch['unlabelled']['image']
    x = views(transform, key, images, count=2, dtype=dtype)
    variables = {'params': params, 'batch_stats': state.batch_stats}
    z, features, batch_stats = passes.two_passes(model, variables, x, key)
    value = simsiam_loss(features[0]['prediction'], z[1]) / 2
    value += simsiam_loss(features[1]['prediction'], z[0]) / 2
    return value, ({}, batch_stats, state.method_state)

  return Method(
    streams={'unlabelled': 1},
    model=model,
    classifies=False,
    init=passes.plain_init(model, dtype),
    loss=loss,
  )


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe; the projector ends in BatchNorm.

  Args:
    config: The whole config; `method` has `predictor_hidden` and the
      projector's fields; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  return simsiam(
    encoder,
    fields.projector(config, batch_norm_output=True),
    fields.predictor(config),
    task.transform(config['data']['views']),
    dtype=DTYPES[config['model']['dtype']],
  )
