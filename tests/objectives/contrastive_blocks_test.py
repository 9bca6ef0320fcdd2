"""Block by block, the contrastive losses are what they are in one piece."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from semisup_jax.objectives import dcl, nt_xent
from semisup_jax.objectives.contrastive_blocks import logsumexp_of_others

both = pytest.mark.parametrize('loss', [nt_xent, dcl])


def two_views(seed, batch, dim=5):
  z = np.random.default_rng(seed).normal(size=(2, batch, dim))
  return z[0], z[0] + z[1]


@functools.cache
def value_and_grad(loss, block_size):
  """Compiled, of both views and of the temperature."""

  def value(z_a, z_b, temperature):
    return loss(z_a, z_b, temperature=temperature, block_size=block_size)

  return jax.jit(jax.value_and_grad(value, (0, 1, 2)))


def assert_close(ours, expected, tolerance):
  for a, b in zip(
    jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True
  ):
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype
    assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(b)


def mesh_of(devices):
  return jax.sharding.Mesh(np.array(jax.devices()[:devices]), ('data',))


def largest_array(compiled):
  """Numbers in the largest array of a compiled program."""
  shapes = re.findall(r'\b(?:f|s|u|pred)\d*\[([\d,]+)\]', compiled.as_text())
  return max(np.prod([int(n) for n in s.split(',')]) for s in shapes)


# Of 18 rows: 18 tiles, 9, 4 of which the last is filled up, 3, and one.
@pytest.mark.parametrize(
  ('loss', 'block_size'),
  [(nt_xent, 1), (dcl, 2), (nt_xent, 5), (dcl, 7), (nt_xent, 100)],
)
def test_value_and_gradients_are_those_of_the_whole_matrix(loss, block_size):
  z_a, z_b = two_views(0, 9)
  with jax.enable_x64(True):
    ours = value_and_grad(loss, block_size)(z_a, z_b, 0.3)
    assert_close(ours, value_and_grad(loss, None)(z_a, z_b, 0.3), 1e-12)


@pytest.mark.parametrize(
  ('temperature', 'tolerance'), [(0.5, 1e-5), (0.1, 1e-5), (1e-3, 1e-4)]
)
def test_in_float32_they_are_so_at_any_temperature(temperature, tolerance):
  z_a, z_b = two_views(1, 9)
  ours = value_and_grad(nt_xent, 5)(z_a, z_b, temperature)
  # In float32 the whole matrix has the larger error, of a temperature's slope.
  with jax.enable_x64(True):
    exact = value_and_grad(nt_xent, None)(z_a, z_b, temperature)
  assert_close(ours, jax.tree.map(np.float32, exact), tolerance)


def test_rows_may_weigh_differently_in_what_comes_after():
  x = np.random.default_rng(2).normal(size=(14, 3))
  weights = np.random.default_rng(3).normal(size=14)
  left_out = np.kron(np.eye(7), np.ones((2, 2))) > 0

  def whole(x):
    products = jnp.where(left_out, -jnp.inf, x @ x.T)
    return jax.nn.logsumexp(products, axis=1)

  def blocks(x):
    return logsumexp_of_others(x, group=2, block_size=4)

  with jax.enable_x64(True):
    (expected, back), (ours, our_back) = (
      jax.vjp(f, x) for f in (whole, blocks)
    )
    assert_close(ours, expected, 1e-12)
    assert_close(our_back(weights), back(weights), 1e-12)


@pytest.mark.parametrize('devices', [2, 4, 8])
@pytest.mark.parametrize(('loss', 'block_size'), [(nt_xent, 3), (dcl, 16)])
def test_devices_that_share_the_blocks_give_the_gradients_of_one(
  loss, block_size, devices
):
  z_a, z_b = two_views(4, 16)
  expected = value_and_grad(loss, None)(z_a, z_b, 0.2)
  mesh = mesh_of(devices)
  placed = jax.device_put(
    (z_a, z_b), NamedSharding(mesh, PartitionSpec('data'))
  )
  with jax.set_mesh(mesh):
    ours = value_and_grad(loss, block_size)(*placed, 0.2)
  assert_close(ours, expected, 1e-5)


def test_a_batch_that_devices_do_not_divide_is_filled_up():
  z_a, z_b = two_views(5, 9)
  with jax.enable_x64(True):
    expected = value_and_grad(nt_xent, None)(z_a, z_b, 0.2)
    with jax.set_mesh(mesh_of(8)):
      ours = value_and_grad(nt_xent, 2)(z_a, z_b, 0.2)
  assert_close(ours, expected, 1e-12)


def test_within_a_shard_map_a_batch_is_that_of_one_device():
  z_a, z_b = two_views(6, 8)
  mesh = mesh_of(2)

  def losses(block_size):
    part = PartitionSpec('data')
    return jax.jit(
      jax.shard_map(
        lambda a, b: nt_xent(a, b, temperature=0.2, block_size=block_size)[
          None
        ],
        mesh=mesh,
        in_specs=part,
        out_specs=part,
      )
    )(z_a, z_b)

  np.testing.assert_allclose(losses(3), losses(None), rtol=1e-5)


@pytest.mark.parametrize('devices', [1, 4])
def test_no_array_has_the_size_of_the_matrix(devices):
  batch, dim, block_size = 64, 4, 16
  mesh = mesh_of(devices)
  view = jax.ShapeDtypeStruct(
    (batch, dim),
    jnp.float32,
    sharding=NamedSharding(mesh, PartitionSpec('data')),
  )
  with jax.set_mesh(mesh):
    whole, blocks = (
      value_and_grad(nt_xent, size).lower(view, view, 0.5).compile()
      for size in (None, block_size)
    )
  assert largest_array(whole) >= (2 * batch) ** 2 / devices
  assert largest_array(blocks) <= 2 * batch * max(dim, block_size) / 2
  # Every device does its share, and no more.
  assert ('all-gather' in blocks.as_text()) == (devices > 1)
  assert ('reduce-scatter' in blocks.as_text()) == (devices > 1)


@pytest.mark.parametrize('block_size', [0, -1, 2.0, True, '4'])
@both
def test_a_block_size_that_is_none_is_refused(loss, block_size):
  z_a, z_b = two_views(7, 4)
  with pytest.raises(
    ValueError, match=re.escape(f'at least 1; got {block_size!r}')
  ):
    loss(z_a, z_b, temperature=0.5, block_size=block_size)


@both
def test_a_temperature_that_is_not_positive_is_refused(loss):
  z_a, z_b = two_views(8, 4)
  with pytest.raises(ValueError, match='temperature must be positive, got 0'):
    loss(z_a, z_b, temperature=0, block_size=2)
