"""Learning from labels alone: the baseline, and how one fine-tunes."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.models import DTYPES, ClassificationHead, EncoderWithHead
from semisup_jax.objectives import soft_cross_entropy
from semisup_jax.types import InputError, Method

FIELDS = ('label_smoothing',)


def supervised(
  encoder: nn.Module,
  classifier: nn.Module,
  transform: Transform,
  *,
  num_classes: int,
  label_smoothing: float,
  dtype: Any,
) -> Method:
  """Cross-entropy on one augmented view of each labelled image.

  BatchNorm sees the labelled images of the batch. The raw weights are
  evaluated.

  Args:
    encoder: Images to embeddings.
    classifier: Embeddings to logits.
    transform: `(key, image) -> view`.
    num_classes: K.
    label_smoothing: Share of a target's weight that is spread over all classes.
    dtype: Of the views, float32 or wider.
  """
  model = EncoderWithHead(encoder, classifier)

  def init(key, batch):
    image = batch['labelled']['image'][:1]
    x = image.astype(jnp.promote_types(dtype, jnp.float32))
    return dict(model.init(key, x, train=False)), None

  def loss(params, state, batch, key):
    x = views(transform, key, batch['labelled']['image'], count=1, dtype=dtype)
    (logits, _), updates = model.apply(
      {'params': params, 'batch_stats': state.batch_stats},
      x[:, 0],
      train=True,
      mutable=['batch_stats'],
    )
    labels = batch['labelled']['label']
    targets = jax.nn.one_hot(labels, num_classes, dtype=logits.dtype)
    targets = (1 - label_smoothing) * targets + label_smoothing / num_classes
    value = soft_cross_entropy(logits, targets)
    accuracy = jnp.mean(jnp.argmax(logits, axis=-1) == labels)
    metrics = {'accuracy': accuracy}
    return value, (metrics, updates['batch_stats'], state.method_state)

  return Method(
    streams=('labelled',),
    model=model,
    classifies=True,
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
    config: The whole config, or any mapping with its sections `model`, `method`
      (`label_smoothing`) and `data` (`augment`, the string of ops).
    encoder: The encoder of `config.model`.
    transform_of: Makes a string of ops a function.
    num_classes: K.

  Raises:
    InputError: If a field's value is out of its range.
  """
  smoothing = config['method']['label_smoothing']
  if not 0 <= smoothing < 1:
    raise InputError(
      f'method.label_smoothing must be in [0, 1), got {smoothing}'
    )
  dtype = DTYPES[config['model']['dtype']]
  return supervised(
    encoder,
    ClassificationHead(num_classes, dtype=dtype),
    transform_of(config['data']['augment']),
    num_classes=num_classes,
    label_smoothing=smoothing,
    dtype=jnp.promote_types(dtype, jnp.float32),
  )
