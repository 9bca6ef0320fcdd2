"""Mean Teacher, https://arxiv.org/abs/1703.01780."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.methods import fields, passes
from semisup_jax.models import DTYPES, ClassificationHead, EncoderWithHead
from semisup_jax.objectives import mean_squared_error, soft_cross_entropy
from semisup_jax.types import Method, Task

FIELDS = (
  'consistency_weight',
  'ramp_up',
  'unlabelled_ratio',
  'ema_decay',
  'batch_norm_images',
)


def mean_teacher(
  encoder: nn.Module,
  classifier: nn.Module,
  transform: Transform,
  *,
  num_classes: int,
  consistency_weight: float,
  ramp_up_steps: int,
  unlabelled_ratio: int,
  ema_decay: float,
  batch_norm_images: str,
  dtype: Any,
) -> Method:
  """A network agrees with the average of what it was, on another view.

  The loss is the cross-entropy of the labelled images and, of the unlabelled
  ones, the squared distance between the student's and the teacher's
  probabilities, each of a view of its own; its weight rises over the first
  steps. The student's BatchNorm sees the images that `batch_norm_images` names
  (see `passes.semi_supervised_pass`); the teacher, whose weights and statistics
  are moving averages of the student's, normalizes each batch by itself while it
  teaches. The teacher is evaluated.

  Args:
    encoder: Images to embeddings.
    classifier: Embeddings to logits.
    transform: `(key, image) -> view`, of all images.
    num_classes: K.
    consistency_weight: Of the second term; the squared distance is a mean over
      classes as well.
    ramp_up_steps: Steps until that weight is reached.
    unlabelled_ratio: Unlabelled images for each labelled one.
    ema_decay: See `Method`.
    batch_norm_images: 'all', 'labelled' or 'unlabelled'.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, classifier)
  dtype = passes.wide(dtype)

  def loss(params, state, batch, key):
    keys = jax.random.split(key)
    labelled, unlabelled = batch['labelled'], batch['unlabelled']
    x = passes.one_view(transform, keys[0], labelled['image'], dtype)
    pair = views(transform, keys[1], unlabelled['image'], 2, dtype)
    logits, others, batch_stats = passes.semi_supervised_pass(
      model,
      {'params': params, 'batch_stats': state.batch_stats},
      x,
      pair[:, :1],
      key,
      batch_norm_images=batch_norm_images,
    )
    taught, _, _ = passes.train_pass(
      model,
      state.ema['params'],
      state.ema['batch_stats'],
      pair[:, 1],
      keys[1],
    )
    supervised = soft_cross_entropy(
      logits, jax.nn.one_hot(labelled['label'], num_classes)
    )
    consistency = mean_squared_error(
      jax.nn.softmax(others[:, 0]),
      jax.lax.stop_gradient(jax.nn.softmax(taught)),
    )
    metrics = {
      'accuracy': jnp.mean(jnp.argmax(logits, -1) == labelled['label']),
      'labelled_loss': supervised,
      'unlabelled_loss': consistency,
    }
    # The authors' sigmoid ramp-up, from exp(-5) to 1.
    done = jnp.minimum(state.step / max(ramp_up_steps, 1), 1.0)
    weight = consistency_weight * jnp.exp(-5 * jnp.square(1 - done))
    return supervised + weight.astype(dtype) * consistency, (
      metrics,
      batch_stats,
      state.method_state,
    )

  return Method(
    streams={'labelled': 1, 'unlabelled': unlabelled_ratio},
    model=model,
    classifies=True,
    ops='augment',
    init=passes.plain_init(model, dtype),
    loss=loss,
    predict_variables=lambda state: state.ema,
    ema_decay=ema_decay,
  )


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config; `method` has `consistency_weight`, `ramp_up` (the
      share of the training until that weight is reached), `unlabelled_ratio`,
      `ema_decay` and `batch_norm_images`; `data.augment` is the string of ops.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  section = config['method']
  ratio = fields.whole_number(section, 'unlabelled_ratio', 1)
  steps = task.steps({'labelled': 1, 'unlabelled': ratio})
  dtype = DTYPES[config['model']['dtype']]
  return mean_teacher(
    encoder,
    ClassificationHead(task.num_classes, dtype=dtype),
    task.transform(config['data']['augment']),
    num_classes=task.num_classes,
    consistency_weight=fields.check(section, 'consistency_weight', 0),
    ramp_up_steps=round(fields.check(section, 'ramp_up', 0, 1) * steps),
    unlabelled_ratio=ratio,
    ema_decay=fields.check(section, 'ema_decay', 0, 1, open_high=True),
    batch_norm_images=fields.batch_norm_images(section),
    dtype=dtype,
  )
