"""What every objective has to pass: the rows come from `conftest.py`.

What holds for one objective alone is tested in the file named after its module.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

# Most of the time here is LLVM's, on code that runs once.
COMPILE_FAST = {'xla_backend_optimization_level': 0}
# What is done to the first two arrays, by name: `Row.accepts` has such names.
SPOILT = {
  'batch': lambda x, y: (x, y[:-1]),
  'width': lambda x, y: (x, y[:, :-1]),
  'rank': lambda x, y: (x, y[:, 0]),
  'vectors': lambda x, y: (x[0], y[0]),
  'three axes': lambda x, y: (x[None], y[None]),
  'no rows': lambda x, y: (x[:0], y[:0]),
  'no columns': lambda x, y: (x[:, :0], y[:, :0]),
}


def one_row_zero(x):
  return np.concatenate([np.zeros_like(x[:1]), x[1:]])


def cast(arrays, dtype):
  """Casts the arrays that are not labels."""
  return [
    jnp.asarray(array, dtype) if array.dtype.kind == 'f' else array
    for array in arrays
  ]


def digits_of(value):
  """Half a unit of the last digit printed, as upstream tests round."""
  return 0.5 * 10.0 ** -len(str(value).partition('.')[2])


@functools.cache
def compiled(row):
  """One compilation a row and shape, however many tests share them."""
  fast = functools.partial(jax.jit, compiler_options=COMPILE_FAST)
  return fast(row.loss), fast(jax.value_and_grad(row.loss, row.argnums))


def value(row, arrays):
  return compiled(row)[0](*arrays)


def gradients(row, arrays):
  return compiled(row)[1](*arrays)


def test_gives_the_reference_values(row):
  for arrays, expected in row.references:
    with jax.enable_x64(True):
      exact = value(row, arrays)
    np.testing.assert_allclose(exact, expected, atol=digits_of(expected))
    np.testing.assert_allclose(value(row, arrays), exact, rtol=1e-5)


def test_equals_a_slow_version(row):
  for shape in row.shapes:
    arrays = row.draw(np.random.default_rng(sum(shape)), *shape)
    with jax.enable_x64(True):
      exact = value(row, arrays)
      assert exact.dtype == jnp.float64
    slow, at_shape = row.slow(*arrays), f'at shape {shape}'
    np.testing.assert_allclose(
      exact, slow, rtol=1e-11, atol=1e-12, err_msg=at_shape
    )
    np.testing.assert_allclose(
      value(row, arrays), slow, rtol=1e-5, atol=1e-5, err_msg=at_shape
    )


def test_gradients_equal_finite_differences_of_the_slow_version(row):
  generator = np.random.default_rng(0)
  arrays = row.draw(generator, 5, *row.sample)
  with jax.enable_x64(True):
    _, grads = gradients(row, arrays)
  step = 1e-5
  for argnum, grad in zip(row.argnums, grads, strict=True):
    entries = generator.permutation(list(np.ndindex(grad.shape)))
    for index in map(tuple, entries[:40]):
      ends = []
      for sign in (1, -1):
        moved = [array.copy() for array in arrays]
        moved[argnum][index] += sign * step
        ends.append(row.slow(*moved))
      slope = (ends[0] - ends[1]) / (2 * step)
      np.testing.assert_allclose(grad[index], slope, rtol=1e-6, atol=1e-8)


def test_the_order_of_the_rows_does_not_matter(row):
  generator = np.random.default_rng(1)
  arrays = row.draw(generator, 5, *row.sample)
  order = generator.permutation(5)
  np.testing.assert_allclose(
    value(row, [array[order] for array in arrays]),
    value(row, arrays),
    rtol=1e-5,
  )


def test_symmetry_is_as_stated(row):
  first, second, *rest = row.draw(np.random.default_rng(2), 5, *row.sample)
  swapped = value(row, (second, first, *rest))
  same = np.allclose(swapped, value(row, (first, second, *rest)), rtol=1e-5)
  assert same == row.symmetric


def test_scale_invariance_is_as_stated(row, scale):
  first, second, *rest = row.draw(np.random.default_rng(3), 5, *row.sample)
  scaled = value(row, (scale * first, second, *rest))
  same = np.allclose(scaled, value(row, (first, second, *rest)), rtol=1e-5)
  assert same == (scale in row.unchanged_by)


@pytest.mark.parametrize(
  'collapse',
  [
    pytest.param(np.zeros_like, id='zeros'),
    pytest.param(np.ones_like, id='ones'),
    pytest.param(lambda x: 0 * x + x[:1], id='all rows equal'),
    pytest.param(one_row_zero, id='one zero'),
    pytest.param(lambda x: 1e-20 * x, id='tiny'),
    pytest.param(lambda x: 1e6 * x, id='huge'),
  ],
)
def test_value_and_gradients_are_finite_at_collapsed_inputs(row, collapse):
  arrays = list(row.draw(np.random.default_rng(4), 5, *row.sample))
  for argnum in row.argnums:
    arrays[argnum] = collapse(arrays[argnum])
  for leaf in jax.tree.leaves(gradients(row, arrays)):
    assert np.all(np.isfinite(leaf))


def test_jit_equals_eager(row):
  arrays = row.draw(np.random.default_rng(5), 5, *row.sample)
  np.testing.assert_allclose(
    value(row, arrays), row.loss(*arrays), rtol=1e-6, atol=1e-6
  )


def test_bfloat16_is_computed_in_float32(row):
  arrays = row.draw(np.random.default_rng(6), 5, *row.sample)
  narrow = cast(arrays, jnp.bfloat16)
  loss = value(row, narrow)
  assert loss.dtype == jnp.float32
  wide = value(row, cast(narrow, jnp.float32))
  np.testing.assert_allclose(loss, wide, rtol=1e-6)


@pytest.mark.parametrize('devices', [2, 4, 8])
def test_several_devices_give_the_gradients_of_one(row, devices):
  arrays = row.draw(np.random.default_rng(7), 16, *row.sample)
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


@pytest.mark.parametrize('name', SPOILT)
def test_wrong_shapes_are_refused_by_name(row, name):
  first, second, *rest = row.draw(np.random.default_rng(8), 4, *row.sample)
  first, second = SPOILT[name](first, second)
  if name in row.accepts:
    assert np.isfinite(row.loss(first, second, *rest))
    return
  shapes = f'{first.shape} and {second.shape}'
  with pytest.raises(ValueError, match=re.escape(shapes)):
    row.loss(first, second, *rest)


def test_too_small_a_batch_is_refused(row):
  least = row.smallest_batch
  arrays = row.draw(np.random.default_rng(9), least, *row.sample)
  assert np.isfinite(value(row, arrays))
  with pytest.raises(ValueError, match=f'batch >= {least}'):
    row.loss(*(array[: least - 1] for array in arrays))
