"""What methods do to images before their objective: views, and a network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from semisup_jax import models
from semisup_jax.augment import Transform, views
from semisup_jax.types import Batch, Params, Variables

# A network's output, its features, and BatchNorm's statistics after it.
Pass = tuple[jax.Array, dict[str, jax.Array], Any]


# Far from what methods and views fold in: dropout's key.
_DROPOUT = 2**31 + 1


def wide(dtype: Any) -> Any:
  """The type of images for a network of this type: float32 or wider."""
  return jnp.promote_types(dtype, jnp.float32)


def initialize(
  model: nn.Module, key: jax.Array, batch: Batch, dtype: Any
) -> dict[str, Any]:
  """Fresh variables of a model for the images of a batch, of any stream."""
  stream = next(iter(batch.values()))
  x = stream['image'][:1].astype(dtype)
  variables = dict(models.fresh_variables(model, key, x))
  if 'batch_stats' in variables:
    # Flax starts them in float32; after a step they are of this type, and a
    # state that is restored gets the types that it starts with.
    variables['batch_stats'] = optax.tree.cast(variables['batch_stats'], dtype)
  return variables


def plain_init(model: nn.Module, dtype: Any) -> Callable:
  """The `init` of a method that keeps nothing besides its variables."""
  return lambda key, batch: (initialize(model, key, batch, dtype), None)


def one_view(
  transform: Transform, key: jax.Array, images: jax.Array, dtype: Any
) -> jax.Array:
  """A random view of each image: uint8 [N, H, W, C] to `dtype` of that."""
  return views(transform, key, images, count=1, dtype=dtype)[:, 0]


def train_pass(
  model: nn.Module,
  params: Params,
  batch_stats: Any,
  x: jax.Array,
  key: jax.Array,
) -> Pass:
  """Applies a network in train mode: BatchNorm normalizes x by x.

  Args:
    model: Returns `(output, features)`.
    params: Its own; others beside them are left alone.
    batch_stats: Likewise.
    x: Views, float [N, H, W, C].
    key: Of the step; dropout folds a number of its own into it. Two passes of
      one step need two keys.
  """
  (output, features), updates = model.apply(
    {'params': params, 'batch_stats': batch_stats},
    x,
    train=True,
    mutable=['batch_stats'],
    rngs={'dropout': jax.random.fold_in(key, _DROPOUT)},
  )
  return output, features, {**batch_stats, **updates.get('batch_stats', {})}


def two_passes(
  model: nn.Module, variables: Variables, x: jax.Array, key: jax.Array
) -> tuple[tuple[jax.Array, jax.Array], tuple[dict, dict], Any]:
  """Applies a network to two views in turn: BatchNorm sees each apart.

  Args:
    model: Returns `(output, features)`.
    variables: With `params` and `batch_stats`.
    x: Views, float [N, 2, H, W, C].
    key: See `train_pass`.

  Returns:
    Both outputs, both dicts of features, and the statistics after both.
  """
  params = variables['params']
  keys = jax.random.split(key)
  a, features_a, stats = train_pass(
    model, params, variables['batch_stats'], x[:, 0], keys[0]
  )
  b, features_b, stats = train_pass(model, params, stats, x[:, 1], keys[1])
  return (a, b), (features_a, features_b), stats


def _all_at_once(model, variables, labelled, unlabelled, key):
  size = len(labelled)
  # A labelled image and its share of the unlabelled ones lie side by side, so
  # that each stays on its device, where appending would send them around.
  x = jnp.concatenate(
    [labelled[:, None], unlabelled.reshape(size, -1, *labelled.shape[1:])],
    axis=1,
  )
  together = x.shape[1]
  logits, _, batch_stats = train_pass(
    model,
    variables['params'],
    variables['batch_stats'],
    x.reshape(-1, *labelled.shape[1:]),
    key,
  )
  logits = logits.reshape(size, together, -1)
  return logits[:, 0], logits[:, 1:], batch_stats


def _apart(model, variables, labelled, unlabelled, key):
  params, stats = variables['params'], variables['batch_stats']
  keys = jax.random.split(key)
  known, _, of_labelled = train_pass(model, params, stats, labelled, keys[0])
  others, _, of_unlabelled = train_pass(
    model, params, stats, unlabelled.reshape(-1, *labelled.shape[1:]), keys[1]
  )
  return known, others, {'labelled': of_labelled, 'unlabelled': of_unlabelled}


# Whose statistics BatchNorm's running ones follow, in semi-supervised training.
BATCH_NORM_IMAGES = ('all', 'labelled', 'unlabelled')


def semi_supervised_pass(
  model: nn.Module,
  variables: Variables,
  labelled: jax.Array,
  unlabelled: jax.Array,
  key: jax.Array,
  *,
  batch_norm_images: str,
) -> tuple[jax.Array, jax.Array, Any]:
  """Applies a classifier to labelled and unlabelled images of one batch.

  Args:
    model: Returns `(logits, features)`.
    variables: With `params` and `batch_stats`.
    labelled: Views, float [B, H, W, C].
    unlabelled: Views, float [M, V, H, W, C], V of each image; B divides M.
    key: See `train_pass`.
    batch_norm_images: 'all': one pass, in which BatchNorm normalizes all images
      by all, and its running statistics follow them. 'labelled' or
      'unlabelled': two passes, in each of which it normalizes the images by
      themselves; the running statistics, by which one evaluates, follow those
      that are named.

  Returns:
    Logits [B, K] and [M, V, K], and the statistics after the pass.
  """
  streams = labelled, unlabelled
  if batch_norm_images == 'all':
    known, others, stats = _all_at_once(model, variables, *streams, key)
  else:
    known, others, both = _apart(model, variables, *streams, key)
    stats = both[batch_norm_images]
  return known, others.reshape(*unlabelled.shape[:2], -1), stats
