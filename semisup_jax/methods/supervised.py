"""Learning from labels alone: the baseline, and how one fine-tunes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from semisup_jax.augment import MIXING, Transform
from semisup_jax.methods import fields, passes
from semisup_jax.models import DTYPES, ClassificationHead, EncoderWithHead
from semisup_jax.objectives import target_of
from semisup_jax.types import InputError, Method, Task, lookup

FIELDS = (
  *('label_smoothing', 'mixing', 'mixing_alpha', 'mixing_per'),
  *('class_weights', 'focal_gamma', 'head_init'),
)
HEADS = {
  'zeros': nn.initializers.zeros,
  # Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html.
  'xavier': nn.initializers.xavier_uniform(),
}

# `(key, images, targets) -> (images, targets)`, of a whole batch.
Mix = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


def supervised(
  encoder: nn.Module,
  classifier: nn.Module,
  transform: Transform,
  mix: Mix,
  *,
  num_classes: int,
  label_smoothing: float,
  balanced: bool,
  focal_gamma: float,
  dtype: Any,
) -> Method:
  """Cross-entropy on one augmented view of each labelled image.

  Where images have several labels it is the sigmoid cross-entropy. BatchNorm
  sees the labelled images of the batch, mixed as the network is given them. The
  raw weights are evaluated. The metric `accuracy` goes by the class that has
  most of the target, `binary_accuracy` by which half of it a label has.

  Balanced weights are those of the labels that a training learns from; they are
  its `method_state`, so that one compilation serves any of them.

  Args:
    encoder: Images to embeddings.
    classifier: Embeddings to logits.
    transform: `(key, image) -> view`.
    mix: Mixes a batch's views and targets.
    num_classes: K.
    label_smoothing: Share of a target's weight that is spread over all classes,
      or of a label's over yes and no.
    balanced: Whether classes are weighted by how rare they are
      (`objectives.Target.balanced_weights`).
    focal_gamma: Of the focal loss; 0 is the cross-entropy.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, classifier)
  dtype = passes.wide(dtype)

  def loss(params, state, batch, key):
    labels = batch['labelled']['label']
    x = passes.one_view(transform, key, batch['labelled']['image'], dtype)
    target = target_of(labels)
    targets = target.encode(labels, num_classes, dtype)
    x, targets = mix(jax.random.fold_in(key, len(x)), x, targets)
    targets = target.smooth(targets, label_smoothing)
    logits, _, batch_stats = passes.train_pass(
      model, params, state.batch_stats, x, key
    )
    metrics = {target.right_name: target.right(logits, targets)}
    value = target.loss(
      logits, targets, weights=state.method_state, focal_gamma=focal_gamma
    )
    return value, (metrics, batch_stats, state.method_state)

  def weights(labels):
    return target_of(labels).balanced_weights(labels, num_classes)

  return Method(
    streams={'labelled': 1},
    model=model,
    classifies=True,
    ops='augment',
    init=passes.plain_init(model, dtype),
    loss=loss,
    state_of_labels=weights if balanced else None,
  )


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config, or any mapping with its sections `model`, `method`
      (`label_smoothing`; `mixing`: 'none', 'mixup', 'cutmix' or 'collage', with
      `mixing_alpha` and `mixing_per`, 'batch' or 'image'; `class_weights`,
      'none' or 'balanced'; `focal_gamma`; `head_init`, of the new classifier,
      'zeros' or 'xavier') and `data` (`augment`, the string of
      ops).
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  section = config['method']
  dtype = DTYPES[config['model']['dtype']]
  # Of a run from before there were these fields, all are None.
  head_init = lookup(HEADS, section['head_init'] or 'zeros', 'method.head_init')
  weights, gamma = section['class_weights'] or 'none', section['focal_gamma']
  if weights not in ('none', 'balanced'):
    raise InputError(
      f"method.class_weights must be 'none' or 'balanced', got {weights!r}"
    )
  if gamma is not None:
    fields.check(section, 'focal_gamma', 0)
  return supervised(
    encoder,
    ClassificationHead(task.num_classes, dtype=dtype, kernel_init=head_init),
    task.transform(config['data']['augment']),
    _mix(section),
    num_classes=task.num_classes,
    label_smoothing=fields.check(
      section, 'label_smoothing', 0, 1, open_high=True
    ),
    balanced=weights == 'balanced',
    focal_gamma=gamma or 0.0,
    dtype=dtype,
  )


def _mix(section: Mapping[str, Any]) -> Mix:
  mixing = lookup(MIXING, section['mixing'], 'method.mixing')
  alpha = fields.check(section, 'mixing_alpha', 0, open_low=True)
  if section['mixing_per'] not in ('batch', 'image'):
    raise InputError(
      f"method.mixing_per must be 'batch' or 'image', got "
      f'{section["mixing_per"]!r}'
    )
  return partial(mixing, alpha=alpha, per=section['mixing_per'])
