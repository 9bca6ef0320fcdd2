"""Blocks that are computed again: the same variables, and less is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax import models
from semisup_jax.types import InputError

SHARED = {
  'width': 4,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 2,
}
CONFIGS = {
  'convnet': {**SHARED, 'name': 'convnet', 'strides': (2,)},
  'resnet18': {**SHARED, 'name': 'resnet18', 'stem': 'cifar'},
  'resnet50': {**SHARED, 'name': 'resnet50', 'stem': 'cifar'},
  'resnet9': {**SHARED, 'name': 'resnet9', 'dropout': 0.0},
  'squeezenet1_1': {**SHARED, 'name': 'squeezenet1_1'},
}


def encoder(name, remat):
  return models.make_encoder({**CONFIGS[name], 'remat': remat})


def test_variables_are_named_and_start_the_same():
  x = jnp.zeros((1, 8, 8, 1))
  kept, again = (
    encoder('convnet', remat).init(jax.random.key(1), x, train=False)
    for remat in (False, True)
  )
  assert jax.tree.structure(kept) == jax.tree.structure(again)
  jax.tree.map(np.testing.assert_array_equal, kept, again)


def bytes_between_the_passes(model):
  """Of what the backward pass is left by the forward one."""
  x = jnp.zeros((64, 24, 24, 1))
  variables = jax.eval_shape(
    lambda: model.init(jax.random.key(1), x, train=False)
  )

  def output(params, batch_stats):
    variables = {'params': params, 'batch_stats': batch_stats}
    (y, _), _ = model.apply(variables, x, train=True, mutable='batch_stats')
    return y

  def backward(variables):
    _, pull = jax.vjp(
      output, variables['params'], variables.get('batch_stats', {})
    )
    return pull  # A pytree: the arrays that it holds.

  left = jax.tree.leaves(jax.eval_shape(backward, variables))
  return sum(array.size * array.dtype.itemsize for array in left)


@pytest.mark.parametrize('name', CONFIGS)
def test_less_is_kept_for_the_backward_pass(name):
  kept, again = (
    bytes_between_the_passes(encoder(name, remat)) for remat in (False, True)
  )
  assert 0 < again < 0.75 * kept


def test_remat_is_true_or_false():
  with pytest.raises(InputError, match='True or False, got 2'):
    encoder('convnet', 2)
