"""What every objective has to pass. A new objective joins by one row.

The rows are in `OBJECTIVES` at the end of the first half; what holds for one
objective alone is tested in the file named after its module.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from semisup_jax import objectives

K = np.arange(32, dtype=np.float64).reshape(8, 4)
Z_1 = np.sin(1 + K)
Z_2 = 0.8 * np.sin(1 + K) + 0.6 * np.cos(2 + 3 * K)
TARGETS = np.eye(4)[np.arange(8) % 4]


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
  """One objective with its hyperparameters bound.

  Attributes:
    loss: The objective, a function of arrays whose first axis is the batch.
    slow: The same in NumPy, float64, loops, written from the formula.
    draw: `(generator, batch, width) -> arrays`, random inputs.
    references: `(arrays, value)`, from public code or computed by hand.
    argnums: The arrays through which gradients flow.
    symmetric: Swapping the first two arrays leaves the value as it is.
    scale_invariant: So does multiplying any one array by a positive number.
    smallest_batch: The fewest rows that are allowed.
  """

  loss: Callable[..., jax.Array]
  slow: Callable[..., float]
  draw: Callable[..., tuple[np.ndarray, ...]]
  references: tuple[tuple[tuple[np.ndarray, ...], float], ...]
  argnums: tuple[int, ...]
  symmetric: bool
  scale_invariant: bool
  smallest_batch: int


def two_views(generator, batch, width):
  z = generator.normal(size=(2, batch, width))
  return z[0], z[0] + z[1]


def logits_and_targets(generator, batch, width):
  logits = 2 * generator.normal(size=(batch, width))
  return logits, generator.dirichlet(np.ones(width), size=batch)


def slow_contrastive(z_a, z_b, *, temperature, with_positive):
  rows = [z / np.linalg.norm(z) for z in np.concatenate([z_a, z_b])]
  total = 0.0
  for i, row in enumerate(rows):
    partner = (i + len(z_a)) % len(rows)
    denominator = 0.0
    for k, other in enumerate(rows):
      if k != i and (with_positive or k != partner):
        denominator += math.exp(row @ other / temperature)
    total += math.log(denominator) - row @ rows[partner] / temperature
  return total / len(rows)


def slow_soft_cross_entropy(logits, targets):
  total = 0.0
  for row, weights in zip(logits, targets, strict=True):
    log_total = math.log(sum(math.exp(score) for score in row))
    for score, weight in zip(row, weights, strict=True):
      total -= weight * (score - log_total)
  return total / len(logits)


def contrastive(loss, temperature, references):
  return Row(
    loss=functools.partial(loss, temperature=temperature),
    slow=functools.partial(
      slow_contrastive,
      temperature=temperature,
      with_positive=loss is objectives.nt_xent,
    ),
    draw=two_views,
    references=references,
    argnums=(0, 1),
    symmetric=True,
    scale_invariant=True,
    smallest_batch=2,
  )


# KerasCV's simclr_loss_test, which reports twice the mean over the views.
KERAS_CV = (
  np.array([[1.0, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]]),
  np.array([[6.0, 5, 4, 3], [5, 4, 3, 2], [4, 3, 2, 1]]),
)
# MONAI's test_contrastive_loss; one row is zero.
MONAI = (
  np.array([[1.0, 2, 3, 4], [1, 1, 0, 0]]),
  np.array([[0.0, 0, 0, 0], [1, 1, 0, 0]]),
)

OBJECTIVES = {
  'nt_xent, temperature 0.1': contrastive(
    objectives.nt_xent,
    0.1,
    (((Z_1, Z_2), 0.9321510336141249), (KERAS_CV, 2.86305)),
  ),
  'nt_xent, temperature 0.5': contrastive(
    objectives.nt_xent,
    0.5,
    (
      ((Z_1, Z_2), 1.5614774036835677),
      (KERAS_CV, 1.7833448),
      (MONAI, 0.8719),
    ),
  ),
  'dcl, temperature 0.1': contrastive(
    objectives.dcl, 0.1, (((Z_1, Z_2), 0.05265727139444759),)
  ),
  'dcl, temperature 0.5': contrastive(
    objectives.dcl, 0.5, (((Z_1, Z_2), 1.3178905946626038),)
  ),
  'soft_cross_entropy': Row(
    loss=objectives.soft_cross_entropy,
    slow=slow_soft_cross_entropy,
    draw=logits_and_targets,
    references=(
      ((Z_1, 0.3 * TARGETS + 0.7 * TARGETS[::-1]), 1.6001780037528943),
    ),
    argnums=(0,),
    symmetric=False,
    scale_invariant=False,
    smallest_batch=1,
  ),
}

every_objective = pytest.mark.parametrize(
  'row', OBJECTIVES.values(), ids=OBJECTIVES
)


def digits_of(value):
  """Half a unit of the last digit printed, as upstream tests round."""
  return 0.5 * 10.0 ** -len(str(value).partition('.')[2])


@functools.cache
def compiled(row):
  """One compilation a row and shape, however many tests share them."""
  return jax.jit(row.loss), jax.jit(jax.value_and_grad(row.loss, row.argnums))


def value(row, arrays):
  return compiled(row)[0](*arrays)


def gradients(row, arrays):
  return compiled(row)[1](*arrays)


@every_objective
def test_gives_the_reference_values(row):
  for arrays, expected in row.references:
    with jax.enable_x64(True):
      exact = value(row, arrays)
    np.testing.assert_allclose(exact, expected, atol=digits_of(expected))
    np.testing.assert_allclose(value(row, arrays), exact, rtol=1e-5)


@every_objective
@pytest.mark.parametrize('shape', [(2, 3), (5, 4), (7, 1), (4, 33)], ids=str)
def test_equals_a_slow_version(row, shape):
  arrays = row.draw(np.random.default_rng(sum(shape)), *shape)
  with jax.enable_x64(True):
    loss = value(row, arrays)
    assert loss.dtype == jnp.float64
  np.testing.assert_allclose(loss, row.slow(*arrays), rtol=1e-11, atol=1e-12)
  np.testing.assert_allclose(
    value(row, arrays), row.slow(*arrays), rtol=1e-5, atol=1e-5
  )


@every_objective
def test_gradients_equal_finite_differences_of_the_slow_version(row):
  arrays = row.draw(np.random.default_rng(0), 5, 4)
  with jax.enable_x64(True):
    _, grads = gradients(row, arrays)
  step = 1e-5
  for argnum, grad in zip(row.argnums, grads, strict=True):
    for index in np.ndindex(arrays[argnum].shape):
      ends = []
      for sign in (1, -1):
        moved = [array.copy() for array in arrays]
        moved[argnum][index] += sign * step
        ends.append(row.slow(*moved))
      slope = (ends[0] - ends[1]) / (2 * step)
      np.testing.assert_allclose(grad[index], slope, rtol=1e-6, atol=1e-8)


@every_objective
def test_the_order_of_the_rows_does_not_matter(row):
  generator = np.random.default_rng(1)
  arrays = row.draw(generator, 5, 4)
  order = generator.permutation(5)
  np.testing.assert_allclose(
    value(row, [array[order] for array in arrays]),
    value(row, arrays),
    rtol=1e-5,
  )


@every_objective
def test_symmetry_is_as_stated(row):
  first, second, *rest = row.draw(np.random.default_rng(2), 5, 4)
  swapped = value(row, (second, first, *rest))
  same = np.allclose(swapped, value(row, (first, second, *rest)), rtol=1e-5)
  assert same == row.symmetric


@every_objective
@pytest.mark.parametrize('scale', [1e-3, 7.0, 1e4])
def test_scale_invariance_is_as_stated(row, scale):
  first, second, *rest = row.draw(np.random.default_rng(3), 5, 4)
  scaled = value(row, (scale * first, second, *rest))
  same = np.allclose(scaled, value(row, (first, second, *rest)), rtol=1e-5)
  assert same == row.scale_invariant


@every_objective
@pytest.mark.parametrize(
  'collapse',
  [
    pytest.param(np.zeros_like, id='zeros'),
    pytest.param(np.ones_like, id='ones'),
    pytest.param(lambda x: 0 * x + x[:1], id='all rows equal'),
    pytest.param(lambda x: x * (np.arange(len(x)) > 0)[:, None], id='one zero'),
    pytest.param(lambda x: 1e-20 * x, id='tiny'),
    pytest.param(lambda x: 1e6 * x, id='huge'),
  ],
)
def test_value_and_gradients_are_finite_at_collapsed_inputs(row, collapse):
  arrays = list(row.draw(np.random.default_rng(4), 5, 4))
  for argnum in row.argnums:
    arrays[argnum] = collapse(arrays[argnum])
  for leaf in jax.tree.leaves(gradients(row, arrays)):
    assert np.all(np.isfinite(leaf))


@every_objective
def test_jit_equals_eager(row):
  arrays = row.draw(np.random.default_rng(5), 5, 4)
  np.testing.assert_allclose(
    value(row, arrays), row.loss(*arrays), rtol=1e-6, atol=1e-6
  )


@every_objective
def test_bfloat16_is_computed_in_float32(row):
  arrays = row.draw(np.random.default_rng(6), 5, 4)
  narrow = [jnp.asarray(array, jnp.bfloat16) for array in arrays]
  loss = value(row, narrow)
  assert loss.dtype == jnp.float32
  wide = [array.astype(jnp.float32) for array in narrow]
  np.testing.assert_allclose(loss, value(row, wide), rtol=1e-6)


@every_objective
@pytest.mark.parametrize('devices', [2, 4, 8])
def test_several_devices_give_the_gradients_of_one(row, devices):
  arrays = [
    array.astype(np.float32)
    for array in row.draw(np.random.default_rng(7), 16, 5)
  ]
  mesh = jax.make_mesh(
    (devices,),
    ('data',),
    axis_types=(AxisType.Auto,),
    devices=jax.devices()[:devices],
  )
  sharded = jax.device_put(arrays, NamedSharding(mesh, PartitionSpec('data')))
  assert all(len(array.sharding.device_set) == devices for array in sharded)
  several, one = gradients(row, sharded), gradients(row, arrays)
  np.testing.assert_allclose(several[0], one[0], rtol=1e-5)
  for grad, expected in zip(several[1], one[1], strict=True):
    error = np.linalg.norm(np.asarray(grad) - np.asarray(expected))
    assert error <= 1e-5 * np.linalg.norm(expected)


@every_objective
@pytest.mark.parametrize(
  'spoil',
  [
    pytest.param(lambda x, y: (x, y[:-1]), id='batch'),
    pytest.param(lambda x, y: (x, y[:, :-1]), id='width'),
    pytest.param(lambda x, y: (x, y[:, 0]), id='rank'),
    pytest.param(lambda x, y: (x[0], y[0]), id='vectors'),
    pytest.param(lambda x, y: (x[None], y[None]), id='three axes'),
    pytest.param(lambda x, y: (x[:0], y[:0]), id='no rows'),
    pytest.param(lambda x, y: (x[:, :0], y[:, :0]), id='no columns'),
  ],
)
def test_wrong_shapes_are_refused_by_name(row, spoil):
  first, second, *rest = row.draw(np.random.default_rng(8), 4, 3)
  first, second = spoil(first, second)
  shapes = f'{first.shape} and {second.shape}'
  with pytest.raises(ValueError, match=re.escape(shapes)):
    row.loss(first, second, *rest)


@every_objective
def test_too_small_a_batch_is_refused(row):
  least = row.smallest_batch
  arrays = row.draw(np.random.default_rng(9), least, 3)
  assert np.isfinite(value(row, arrays))
  with pytest.raises(ValueError, match=f'batch >= {least}'):
    row.loss(*(array[: least - 1] for array in arrays))
