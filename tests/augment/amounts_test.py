"""The checks of static amounts, and the dtype of what is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.augment import amounts
from semisup_jax.types import InputError


@pytest.mark.parametrize('value', [0, 1, 0.5, np.float32(0.25)])
def test_numbers_within_the_bounds_pass(value):
  amounts.check_number('amount', value, 0, 1)


@pytest.mark.parametrize(
  'value', [-0.1, 1.1, '0.5', None, True, (0.5,), float('nan'), 1j]
)
def test_other_values_are_refused_by_name(value):
  with pytest.raises(InputError) as caught:
    amounts.check_number('amount', value, 0, 1)
  assert str(caught.value) == (
    f'amount must be a number in [0, 1], got {value!r}'
  )


def test_a_number_without_upper_bound_is_finite():
  with pytest.raises(InputError, match='number at least 0, got inf'):
    amounts.check_number('amount', float('inf'), 0)


@pytest.mark.parametrize('value', [0, -1, float('nan'), '1', True])
def test_positive_numbers_are_above_0(value):
  amounts.check_positive('amount', 1e-9)
  with pytest.raises(InputError, match='amount must be a number'):
    amounts.check_positive('amount', value)


@pytest.mark.parametrize('value', [0, 9, 2.0, '2', True, None])
def test_whole_numbers_are_ints_within_the_bounds(value):
  amounts.check_whole('amount', 1, 1, 8)
  amounts.check_whole('amount', 8, 1, 8)
  with pytest.raises(InputError, match=r'amount must be a (whole )?number'):
    amounts.check_whole('amount', value, 1, 8)


@pytest.mark.parametrize(
  ('interval', 'message'),
  [
    (0.5, 'must be a pair'),
    ((0.1, 0.2, 0.3), 'must be a pair'),
    ((0.5, 0.2), '0 < least <= most'),
    ((0, 0.2), '0 < least <= most'),
    (('a', 'b'), 'must be a number'),
    ((0.5, 2.0), 'must be a number in'),
  ],
)
def test_intervals_are_ordered_and_open_below(interval, message):
  with pytest.raises(InputError, match=message):
    amounts.check_interval('range', interval, 0, 1)


def test_a_point_is_an_interval():
  amounts.check_interval('range', [0.5, 0.5], 0, 1)


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_amounts_have_the_images_dtype(dtype):
  with jax.enable_x64(dtype == 'float64'):
    image = jnp.zeros((2, 2, 1), dtype)
    drawn = amounts.uniform(jax.random.key(0), image, 2, 3, (5,))
    assert drawn.dtype == dtype
    assert drawn.shape == (5,)
    assert jnp.all((drawn >= 2) & (drawn <= 3))
