"""SimCLR, https://arxiv.org/abs/2002.05709."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.models import DTYPES, EncoderWithHead, ProjectionHead
from semisup_jax.objectives import dcl, nt_xent
from semisup_jax.types import InputError, Method, lookup

OBJECTIVES = {'dcl': dcl, 'nt_xent': nt_xent}
FIELDS = (
  'objective',
  'temperature',
  'projector_hidden',
  'projector_output',
  'projector_hidden_layers',
)


def simclr(
  encoder: nn.Module,
  projector: nn.Module,
  transform: Transform,
  objective: Callable[[jax.Array, jax.Array], jax.Array],
  *,
  dtype: Any,
) -> Method:
  """Two views of each image attract; all other images of the batch repel.

  BatchNorm sees both views of the whole batch at once (2N images, one forward
  pass), as in the authors' code. The raw weights are evaluated. In a batch in
  which two epochs meet, an image that is in it twice is its own negative.

  Args:
    encoder: Images to embeddings.
    projector: Embeddings to projections; thrown away after training.
    transform: `(key, image) -> view`.
    objective: `(z_a, z_b) -> loss`, `nt_xent` or `dcl` with its temperature.
    dtype: Of the views, float32 or wider.
  """
  model = EncoderWithHead(encoder, projector)

  def pairs(images, key):
    # [N, 2, ...] to [2N, ...] keeps an image's views on the image's device,
    # where stacking the two batches would send half of them around.
    x = views(transform, key, images, count=2, dtype=dtype)
    return x.reshape(-1, *x.shape[2:])

  def init(key, batch):
    image = batch['unlabelled']['image'][:1]
    x = image.astype(jnp.promote_types(dtype, jnp.float32))
    return dict(model.init(key, x, train=False)), None

  def loss(params, state, batch, key):
    (z, _), updates = model.apply(
      {'params': params, 'batch_stats': state.batch_stats},
      pairs(batch['unlabelled']['image'], key),
      train=True,
      mutable=['batch_stats'],
    )
    z = z.reshape(-1, 2, z.shape[-1])
    value = objective(z[:, 0], z[:, 1])
    return value, ({}, updates['batch_stats'], state.method_state)

  return Method(
    streams=('unlabelled',),
    model=model,
    classifies=False,
    init=init,
    loss=loss,
    after_update=lambda state: state,
    predict_variables=lambda state: state.variables,
  )


def from_config(
  config: Mapping[str, Any],
  encoder: nn.Module,
  transform_of: Callable[[str], Transform],
  num_classes: int,
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config; `method` has `objective` ('nt_xent' or 'dcl'),
      `temperature`, `projector_hidden`, `projector_output` and
      `projector_hidden_layers`; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    transform_of: Makes a string of ops a function.
    num_classes: Not used: nothing is learned from labels.

  Raises:
    InputError: If a field's value is out of its range.
  """
  del num_classes
  section, model = config['method'], config['model']
  loss = lookup(OBJECTIVES, section['objective'], 'method.objective')
  if not section['temperature'] > 0:
    raise InputError(
      f'method.temperature must be positive, got {section["temperature"]}'
    )
  for field, least in (
    ('projector_hidden', 1),
    ('projector_output', 1),
    ('projector_hidden_layers', 0),
  ):
    if section[field] < least:
      raise InputError(
        f'method.{field} must be at least {least}, got {section[field]}'
      )
  dtype = DTYPES[model['dtype']]
  projector = ProjectionHead(
    hidden=section['projector_hidden'],
    output=section['projector_output'],
    hidden_layers=section['projector_hidden_layers'],
    dtype=dtype,
    batch_norm_momentum=model['batch_norm_momentum'],
  )
  return simclr(
    encoder,
    projector,
    transform_of(config['data']['views']),
    partial(loss, temperature=section['temperature']),
    dtype=jnp.promote_types(dtype, jnp.float32),
  )
