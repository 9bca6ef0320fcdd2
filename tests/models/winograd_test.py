"""Values and gradients are those of JAX's own convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from semisup_jax import training
from semisup_jax.models import convolution, winograd

ONCE = ((1, 1), (1, 1))
NHWC = {'dimension_numbers': ('NHWC', 'HWIO', 'NHWC')}


@pytest.fixture
def of_few_channels(monkeypatch):
  monkeypatch.setattr(winograd, 'LEAST_CHANNELS', 1)


def arrays(shape, channels, dtype=float):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(6, *shape, channels[0])).astype(dtype)
  w = rng.normal(size=(3, 3, *channels)).astype(dtype)
  slopes = rng.normal(size=(6, *shape, channels[1])).astype(dtype)
  return x, w, slopes


def all_three(convolve, x, w, slopes):
  maps, back = jax.vjp(lambda x, w: convolve(x, w, (1, 1), ONCE, **NHWC), x, w)
  return maps, *back(slopes)


def assert_close(found, expected, tolerance):
  for a, b in zip(found, expected, strict=True):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * jnp.abs(b).max())


@pytest.mark.usefixtures('of_few_channels')
@pytest.mark.parametrize('channels', [(4, 4), (3, 5)])
@pytest.mark.parametrize(
  'shape', [(1, 1), (2, 2), (4, 4), (5, 5), (8, 7), (3, 16), (8, 12), (16, 16)]
)
def test_maps_and_gradients_are_those_of_the_sum(shape, channels):
  with jax.enable_x64(True):
    given = arrays(shape, channels)
    assert winograd.is_faster(*given[:2], (1, 1), ONCE)
    found = all_three(convolution.convolve, *given)
    assert_close(found, all_three(lax.conv_general_dilated, *given), 1e-12)


@pytest.mark.parametrize(('size', 'times'), [(6, 4), (8, 16)])
def test_in_float32_they_are_about_as_near_to_the_exact_ones(size, times):
  given = arrays((size, size), (128, 128), np.float32)
  found = all_three(convolution.convolve, *given)
  ordinary = all_three(lax.conv_general_dilated, *given)
  with jax.enable_x64(True):
    wide = [jnp.asarray(x, jnp.float64) for x in given]
    exact = [np.asarray(x) for x in all_three(lax.conv_general_dilated, *wide)]
  for ours, theirs, truth in zip(found, ordinary, exact, strict=True):
    allowed = times * np.sqrt(np.mean((theirs - truth) ** 2))
    assert np.sqrt(np.mean((ours - truth) ** 2)) < allowed


@pytest.mark.usefixtures('of_few_channels')
def test_several_devices_meet_once_and_find_the_same():
  mesh = training.make_mesh(2, jax.devices()[:2])
  divided, whole = training.divided(mesh), training.replicated(mesh)

  def gradients(x, w):
    def loss(x, w):
      with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
        maps = convolution.convolve(x, w, (1, 1), 'SAME', **NHWC)
      return jnp.sum(jnp.sin(maps))

    return jax.grad(loss, (0, 1))(x, w)

  def expected(x, w):
    return jax.grad(
      lambda x, w: jnp.sum(
        jnp.sin(lax.conv_general_dilated(x, w, (1, 1), ONCE, **NHWC))
      ),
      (0, 1),
    )(x, w)

  with jax.enable_x64(True):
    x, w, _ = arrays((8, 8), (4, 6))
    compiled = (
      jax.jit(
        gradients,
        in_shardings=(divided, whole),
        out_shardings=(divided, whole),
      )
      .lower(x, w)
      .compile()
    )
    text = compiled.as_text()
    assert text.count(' all-reduce(') == 1
    assert ' all-gather(' not in text
    assert ' all-to-all(' not in text
    placed = jax.device_put((x, w), (divided, whole))
    assert_close(compiled(*placed), expected(x, w), 1e-12)


@pytest.mark.usefixtures('of_few_channels')
def test_each_member_of_a_batch_of_networks_has_its_own():
  with jax.enable_x64(True):
    x, w, slopes = arrays((4, 4), (4, 6))
    kernels = jnp.stack([w, w[::-1]])
    found = jax.vmap(lambda w: all_three(convolution.convolve, x, w, slopes))(
      kernels
    )
    for i, kernel in enumerate(kernels):
      expected = all_three(lax.conv_general_dilated, x, kernel, slopes)
      assert_close([a[i] for a in found], expected, 1e-12)


@pytest.mark.parametrize(
  ('size', 'kernel', 'strides', 'padding', 'dtype'),
  [
    (8, (3, 3, 128, 127), (1, 1), ONCE, jnp.float32),
    (8, (1, 3, 128, 128), (1, 1), ONCE, jnp.float32),
    (8, (3, 3, 128, 128), (1, 2), ONCE, jnp.float32),
    (8, (3, 3, 128, 128), (1, 1), ((1, 1), (1, 0)), jnp.float32),
    (8, (3, 3, 128, 128), (1, 1), ONCE, jnp.bfloat16),
  ],
)
def test_what_it_is_not_for(size, kernel, strides, padding, dtype):
  images = jax.ShapeDtypeStruct((2, size, size, kernel[2]), dtype)
  kernel = jax.ShapeDtypeStruct(kernel, dtype)
  assert not winograd.is_faster(images, kernel, strides, padding)
