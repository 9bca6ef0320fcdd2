import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.metrics import masked_mean, masked_sum_and_count

fast_sum_and_count = jax.jit(masked_sum_and_count)
fast_mean = jax.jit(masked_mean)


def test_batches_add_up_to_the_mean_over_the_data_set():
  values = np.random.default_rng(0).normal(size=21)
  padded = np.append(values, np.full(3, np.nan)).reshape(3, 8)
  mask = (np.arange(24) < 21).reshape(3, 8)
  totals = [
    fast_sum_and_count(*batch) for batch in zip(padded, mask, strict=True)
  ]
  total, count = np.sum(totals, axis=0)
  assert count == 21
  np.testing.assert_allclose(total / count, values.mean(), rtol=1e-5)


@pytest.mark.parametrize('dtype', [bool, int, float])
def test_the_mask_may_be_of_any_type(dtype):
  mask = np.array([1, 0, 1], dtype)
  total, count = fast_sum_and_count(np.array([1.0, 5.0, 2.0]), mask)
  assert (total, count) == (3, 2)
  assert count.dtype == jnp.int32
  assert fast_mean(np.array([1.0, 5.0, 2.0]), mask) == 1.5


@pytest.mark.parametrize('dtype', [bool, jnp.int32, jnp.bfloat16, jnp.float32])
def test_sums_are_float32(dtype):
  values = jnp.ones(1000, dtype)
  total, count = fast_sum_and_count(values, jnp.ones(1000, bool))
  assert total.dtype == jnp.float32
  assert (total, count) == (1000, 1000)


def test_float64_stays_float64():
  with jax.enable_x64(True):
    assert masked_mean(np.array([1.0]), np.array([True])).dtype == jnp.float64


def test_a_mask_that_keeps_nothing_gives_zero_and_no_gradient():
  value, grad = jax.value_and_grad(masked_mean)(jnp.ones(3), jnp.zeros(3, bool))
  assert value == 0
  np.testing.assert_array_equal(grad, np.zeros(3))


def test_gradients_ignore_what_is_left_out():
  values, mask = jnp.array([1.0, jnp.nan]), jnp.array([True, False])
  np.testing.assert_array_equal(jax.grad(masked_mean)(values, mask), [1, 0])


def test_wrong_shapes_are_refused():
  with pytest.raises(ValueError, match=r'got \(3,\) and \(2,\)'):
    masked_sum_and_count(jnp.ones(3), jnp.ones(2))
