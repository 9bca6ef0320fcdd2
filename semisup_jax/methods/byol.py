"""BYOL, https://arxiv.org/abs/2006.07733."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.methods import fields, passes
from semisup_jax.models import DTYPES, EncoderWithHead
from semisup_jax.objectives import byol as byol_loss
from semisup_jax.types import Method, Task

FIELDS = ('target_decay', 'predictor_hidden', *fields.PROJECTOR)
# Far from what views fold in: the target network's own dropout.
TARGET = 2**31 + 2


def byol(
  encoder: nn.Module,
  projector: nn.Module,
  predictor: nn.Module,
  transform: Transform,
  *,
  target_decay: float,
  steps: int,
  dtype: Any,
) -> Method:
  """From one view, predicts what a slowly following network says of the other.

  The target network is a moving average of the encoder's and the projector's
  params; its decay rises from `target_decay` to 1 by half a cosine. Its
  BatchNorm has statistics of its own. BatchNorm, in both networks, sees each
  view of the batch apart, as in the authors' code. The raw weights of the
  online network are evaluated.

  Args:
    encoder: Images to embeddings.
    projector: Embeddings to projections; thrown away after training.
    predictor: Projections to predictions; thrown away after training.
    transform: `(key, image) -> view`.
    target_decay: What the target keeps of itself at the first step, in [0, 1].
    steps: The step at which its decay has become 1.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, projector, predictor)
  target_model = EncoderWithHead(encoder, projector)
  dtype = passes.wide(dtype)

  def init(key, batch):
    variables = passes.initialize(model, key, batch, dtype)
    return variables, _target(variables)

  def loss(params, state, batch, key):
    x = views(
      transform, key, batch['unlabelled']['image'], count=2, dtype=dtype
    )
    online = {'params': params, 'batch_stats': state.batch_stats}
    _, features, batch_stats = passes.two_passes(model, online, x, key)
    (target_a, target_b), _, target_stats = passes.two_passes(
      target_model, state.method_state, x, jax.random.fold_in(key, TARGET)
    )
    value = byol_loss(features[0]['prediction'], target_b)
    value += byol_loss(features[1]['prediction'], target_a)
    target = {**state.method_state, 'batch_stats': target_stats}
    return value, ({}, batch_stats, target)

  def after_update(state):
    # `state.step` counts this step already, the paper's k does not.
    k = jnp.minimum(state.step - 1, steps)
    decay = 1 - (1 - target_decay) * (jnp.cos(jnp.pi * k / steps) + 1) / 2
    moved = optax.incremental_update(
      _without_predictor(state.params), state.method_state['params'], 1 - decay
    )
    return state.replace(method_state={**state.method_state, 'params': moved})

  return Method(
    streams={'unlabelled': 1},
    model=model,
    classifies=False,
    init=init,
    loss=loss,
    after_update=after_update,
    after_initial=lambda variables, _: _target(variables),
  )


def _target(variables):
  """The target network, which begins as the online one."""
  return {
    name: _without_predictor(variables.get(name, {}))
    for name in ('params', 'batch_stats')
  }


def _without_predictor(tree):
  return {name: tree[name] for name in ('encoder', 'head') if name in tree}


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config; `method` has `target_decay`, `predictor_hidden`
      and the projector's fields; `data.views` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  return byol(
    encoder,
    fields.projector(config),
    fields.predictor(config),
    task.transform(config['data']['views']),
    target_decay=fields.check(config['method'], 'target_decay', 0, 1),
    steps=task.steps({'unlabelled': 1}),
    dtype=DTYPES[config['model']['dtype']],
  )
