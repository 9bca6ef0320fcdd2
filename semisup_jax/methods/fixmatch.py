"""FixMatch, https://arxiv.org/abs/2001.07685, and FlexMatch's thresholds."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.augment import Transform
from semisup_jax.methods import fields, passes
from semisup_jax.models import DTYPES, ClassificationHead, EncoderWithHead
from semisup_jax.objectives import pseudo_label_terms, soft_cross_entropy
from semisup_jax.types import Method, Task

FIELDS = (
  'threshold',
  'lowest_threshold',
  'unlabelled_ratio',
  'unlabelled_weight',
  'ema_decay',
  'batch_norm_images',
)
NOT_YET = -1  # An image that has had no confident prediction.


def class_thresholds(
  chosen: jax.Array,
  *,
  lowest: float,
  highest: float,
  num_classes: int,
  num_unlabelled: int,
) -> jax.Array:
  """FlexMatch's thresholds: lower for classes that are learned more slowly.

  Zhang et al. 2021, https://arxiv.org/abs/2110.08263, Eq. 6 to 12, with their
  warm-up and the convex mapping x / (2 - x): a class's learning effect is the
  number of images last predicted confidently to be of it, over that of the
  class that has most, or over the images not yet used, if they are more.

  As published, they start from 0. A network that starts at equal odds then
  learns from all images the one class that it names first, and may never leave
  it; `lowest` is ours, and keeps it from that.

  Args:
    chosen: The class of each image's last confident prediction, int [T];
      `NOT_YET` where there was none.
    lowest: The least that a class can have, 0 in the paper.
    highest: The most that a class can have.
    num_classes: K.
    num_unlabelled: Of the T images, those that are predicted at all.

  Returns:
    Thresholds, float32 [K], from `lowest` to `highest`.
  """
  counts = jnp.bincount(
    jnp.where(chosen == NOT_YET, num_classes, chosen), length=num_classes + 1
  )[:num_classes].astype(jnp.float32)
  unused = num_unlabelled - counts.sum()
  effect = counts / jnp.maximum(jnp.maximum(counts.max(), unused), 1)
  return jnp.maximum(highest * effect / (2 - effect), lowest)


def remember(
  chosen: jax.Array, index: jax.Array, labels: jax.Array, sure: jax.Array
) -> jax.Array:
  """Notes the classes of confident predictions, FlexMatch's counters.

  Args:
    chosen: See `class_thresholds`.
    index: The rows that were predicted, int [N]; one may be there twice.
    labels: Their classes, int [N].
    sure: Which of them count, bool [N].
  """
  # Rows out of range are dropped. Of an image that is there twice the larger
  # class is kept: a rule, where the order of writing is none on a GPU.
  rows = jnp.where(sure, index, len(chosen))
  chosen = chosen.at[rows].set(NOT_YET, mode='drop')
  return chosen.at[rows].max(labels.astype(chosen.dtype), mode='drop')


def fixmatch(
  encoder: nn.Module,
  classifier: nn.Module,
  weak: Transform,
  strong: Transform,
  *,
  task: Task,
  threshold: float,
  lowest_threshold: float | None,
  unlabelled_ratio: int,
  unlabelled_weight: float,
  ema_decay: float,
  batch_norm_images: str,
  dtype: Any,
) -> Method:
  """What a weak view is surely predicted to be, a strong view has to be too.

  The loss is the cross-entropy of the weakly augmented labelled images and, of
  the unlabelled ones, that of the strong view against the weak one's class,
  where the weak one is confident; the mean is over all of them. BatchNorm sees
  the images that `batch_norm_images` names (see
  `passes.semi_supervised_pass`); the published code has all of them.
  The moving average of the weights, and of the statistics, is evaluated.

  Args:
    encoder: Images to embeddings.
    classifier: Embeddings to logits.
    weak: `(key, image) -> view`, of labelled images too.
    strong: `(key, image) -> view`.
    task: What is learned from.
    threshold: The least confidence of a pseudo-label, in [0, 1].
    lowest_threshold: None for one threshold; a number for one a class, from it
      to `threshold`: FlexMatch.
    unlabelled_ratio: Unlabelled images for each labelled one, the paper's mu.
    unlabelled_weight: Of the second term, the paper's lambda_u.
    ema_decay: See `Method`.
    batch_norm_images: 'all', 'labelled' or 'unlabelled'.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, classifier)
  dtype = passes.wide(dtype)
  flexible = lowest_threshold is not None

  def init(key, batch):
    chosen = None
    if flexible:
      chosen = jnp.full(task.num_images, NOT_YET, jnp.int32)
    return passes.initialize(model, key, batch, dtype), chosen

  def loss(params, state, batch, key):
    keys = jax.random.split(key, 3)
    labelled, unlabelled = batch['labelled'], batch['unlabelled']
    x = passes.one_view(weak, keys[0], labelled['image'], dtype)
    pair = [
      passes.one_view(transform, key, unlabelled['image'], dtype)
      for transform, key in ((weak, keys[1]), (strong, keys[2]))
    ]
    logits, others, batch_stats = passes.semi_supervised_pass(
      model,
      {'params': params, 'batch_stats': state.batch_stats},
      x,
      jnp.stack(pair, axis=1),
      key,
      batch_norm_images=batch_norm_images,
    )
    limit, chosen = threshold, state.method_state
    if flexible:
      limit, chosen = _flexible(others[:, 0], unlabelled['index'], chosen)
    terms = pseudo_label_terms(others[:, 0], others[:, 1], threshold=limit)
    targets = jax.nn.one_hot(labelled['label'], task.num_classes)
    supervised = soft_cross_entropy(logits, targets)
    consistency = jnp.mean(terms.loss_per_row)
    metrics = {
      'accuracy': jnp.mean(jnp.argmax(logits, -1) == labelled['label']),
      'labelled_loss': supervised,
      'unlabelled_loss': consistency,
      'pseudo_labels': jnp.mean(terms.kept.astype(jnp.float32)),
    }
    value = supervised + unlabelled_weight * consistency
    return value, (metrics, batch_stats, chosen)

  def _flexible(weak_logits, index, chosen):
    probabilities = jax.lax.stop_gradient(jax.nn.softmax(weak_logits))
    label = jnp.argmax(probabilities, axis=-1)
    limits = class_thresholds(
      chosen,
      lowest=lowest_threshold,
      highest=threshold,
      num_classes=task.num_classes,
      num_unlabelled=task.num_unlabelled,
    )
    sure = probabilities.max(axis=-1) >= threshold
    return limits[label], remember(chosen, index, label, sure)

  return Method(
    streams={'labelled': 1, 'unlabelled': unlabelled_ratio},
    model=model,
    classifies=True,
    init=init,
    loss=loss,
    predict_variables=lambda state: state.ema,
    ema_decay=ema_decay,
  )


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config; `method` has `threshold`, `lowest_threshold`
      (None, or where FlexMatch's thresholds begin), `unlabelled_ratio`,
      `unlabelled_weight`, `ema_decay` and `batch_norm_images`; `data.augment`
      is the string of weak ops, `data.views` that of strong ones.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  section = config['method']
  threshold = fields.check(section, 'threshold', 0, 1)
  lowest = section['lowest_threshold']
  if lowest is not None:
    fields.check(section, 'lowest_threshold', 0, threshold)
  dtype = DTYPES[config['model']['dtype']]
  return fixmatch(
    encoder,
    ClassificationHead(task.num_classes, dtype=dtype),
    task.transform(config['data']['augment']),
    task.transform(config['data']['views']),
    task=task,
    threshold=threshold,
    lowest_threshold=lowest,
    unlabelled_ratio=fields.whole_number(section, 'unlabelled_ratio', 1),
    unlabelled_weight=fields.check(section, 'unlabelled_weight', 0),
    ema_decay=fields.check(section, 'ema_decay', 0, 1, open_high=True),
    batch_norm_images=fields.batch_norm_images(section),
    dtype=dtype,
  )
