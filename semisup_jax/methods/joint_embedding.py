"""Two views of each image, one network, and an objective on its projections."""

from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn

from semisup_jax.augment import Transform, views
from semisup_jax.methods import passes
from semisup_jax.models import EncoderWithHead
from semisup_jax.types import Method, Metrics

# Projections of both views, float [N, D] each, and the stream they are of.
Objective = Callable[
  [jax.Array, jax.Array, dict[str, jax.Array]], tuple[jax.Array, Metrics]
]


def joint_embedding(
  encoder: nn.Module,
  projector: nn.Module,
  transform: Transform,
  objective: Objective,
  *,
  stream: str,
  views_together: bool,
  dtype: Any,
) -> Method:
  """What SimCLR, SupCon, Barlow Twins and VICReg have in common.

  The raw weights are evaluated.

  Args:
    encoder: Images to embeddings.
    projector: Embeddings to projections; thrown away after training.
    transform: `(key, image) -> view`.
    objective: `(z_a, z_b, stream) -> (loss, metrics)`.
    stream: Of the batch: which images are learned from.
    views_together: Whether BatchNorm sees both views of the whole batch at once
      (2N images, one pass) or each view apart.
    dtype: Of the network; the views are float32 or wider.
  """
  model = EncoderWithHead(encoder, projector)
  dtype = passes.wide(dtype)

  def loss(params, state, batch, key):
    # [N, 2, ...] to [2N, ...] keeps an image's views on the image's device,
    # where stacking the two batches would send half of them around.
    x = views(transform, key, batch[stream]['image'], count=2, dtype=dtype)
    if views_together:
      z, _, batch_stats = passes.train_pass(
        model, params, state.batch_stats, x.reshape(-1, *x.shape[2:]), key
      )
      z = z.reshape(-1, 2, z.shape[-1])
      z_a, z_b = z[:, 0], z[:, 1]
    else:
      variables = {'params': params, 'batch_stats': state.batch_stats}
      (z_a, z_b), _, batch_stats = passes.two_passes(model, variables, x, key)
    value, metrics = objective(z_a, z_b, batch[stream])
    return value, (metrics, batch_stats, state.method_state)

  return Method(
    streams={stream: 1},
    model=model,
    classifies=False,
    init=passes.plain_init(model, dtype),
    loss=loss,
  )
