"""Every parameter belongs to one stage, and statistics can be held by stage."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from semisup_jax import models

FIELDS = {
  'width': 2,
  'strides': (1, 2),
  'stem': 'cifar',
  'dropout': 0.0,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}


def classifier(name, fixed=(), **changes):
  encoder = models.make_encoder({'name': name, **FIELDS, **changes})
  return models.EncoderWithHead(
    models.with_fixed_statistics(encoder, fixed),
    models.ClassificationHead(num_classes=3, dtype=jnp.float32),
  )


def images(size=8):
  return jnp.asarray(np.random.default_rng(0).random((4, size, size, 3)))


@pytest.mark.parametrize('remat', [False, True])
@pytest.mark.parametrize('name', models.MODELS)
def test_every_leaf_belongs_to_exactly_one_stage(name, remat):
  model = classifier(name, remat=remat)
  variables = jax.eval_shape(
    lambda x: model.init(jax.random.key(0), x, train=False), images()
  )
  stages = models.stages_of(model)
  assert stages[-1] == 'head'
  assert len(set(stages)) == len(stages)
  for tree in variables.values():
    # It fails unless the labels are a prefix, one for each part.
    found = jax.tree.map(
      lambda stage, part: [stage] * len(jax.tree.leaves(part)),
      models.stage_labels(tree),
      tree,
    )
    counted = jax.tree.leaves(found)
    assert len(counted) == len(jax.tree.leaves(tree))
    assert set(counted) <= set(stages)
  assert set(jax.tree.leaves(models.stage_labels(variables['params']))) == set(
    stages
  )


@pytest.mark.parametrize(
  'name', [n for n, f in models.FIELDS.items() if 'batch_norm_momentum' in f]
)
def test_batch_norm_of_fixed_stages_alone_is_in_eval_mode(name):
  stages = models.stages_of(classifier(name))
  fixed = stages[:2]
  model = classifier(name, fixed)
  seen = {}

  def record(call, arguments, keywords, context):
    if isinstance(context.module, models.BatchNorm):
      stage = context.module.path[1].split('_')[0]
      seen.setdefault(stage, set()).add(context.module.use_running_average)
    return call(*arguments, **keywords)

  def apply(x):
    variables = model.init(jax.random.key(0), x, train=False)
    seen.clear()
    rngs = {'dropout': jax.random.key(1)}
    return model.apply(
      variables, x, train=True, mutable=['batch_stats'], rngs=rngs
    )

  with nn.intercept_methods(record):
    jax.eval_shape(apply, images())
  assert seen == {stage: {stage in fixed} for stage in stages[:-1]}


def test_a_head_is_taken_out_and_put_in_again():
  variables = jax.eval_shape(
    lambda x: classifier('pixels').init(jax.random.key(0), x, train=False),
    images(),
  )
  again = models.head_params(*models.linear_head(variables))
  assert again == variables['params']['head']
