"""The gradients are those of JAX's own convolution."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from semisup_jax import training
from semisup_jax.models import convolution

NHWC = {'dimension_numbers': ('NHWC', 'HWIO', 'NHWC')}


def arrays(rows=24, size=8, kernel=3, channels=(16, 8)):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(rows, size, size, channels[0]))
  w = rng.normal(size=(kernel, kernel, *channels))
  return jnp.asarray(x), jnp.asarray(w)


def gradients(convolve, x, w, strides, padding):
  def loss(x, w):
    # The images are made of something, as those of a network.
    y = convolve(jax.nn.relu(x), w, strides, padding, **NHWC)
    return jnp.sum(jnp.sin(y))

  return jax.jit(jax.value_and_grad(loss, (0, 1)))(x, w)


def assert_close(found, expected, tolerance):
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-9),
    found,
    expected,
  )


@pytest.fixture(params=['cpu', 'gpu'])
def backend(request, monkeypatch):
  """Whose way is taken; it is computed on a CPU all the same."""
  monkeypatch.setattr(jax, 'default_backend', lambda: request.param)


@pytest.fixture(params=[1, 2**12, 2**30])
def part_bytes(request, monkeypatch):
  monkeypatch.setattr(convolution, 'PART_BYTES', request.param)


@pytest.mark.usefixtures('part_bytes', 'backend')
@pytest.mark.parametrize(
  ('kernel', 'strides', 'padding'),
  [
    (3, (1, 1), [(1, 1), (1, 1)]),
    (3, (2, 2), [(1, 1), (1, 1)]),
    (1, (2, 2), 'VALID'),
    (1, (1, 2), 'SAME'),
    (1, (1, 1), [(0, 0), (0, 0)]),
    (1, (2, 2), [(1, 0), (0, 2)]),
    (3, (2, 1), 'SAME'),
    (5, (1, 1), [(2, 2), (0, 3)]),
  ],
)
@pytest.mark.parametrize('size', [2, 5, 8])
def test_values_and_gradients_are_those_of_jax(kernel, strides, padding, size):
  with jax.enable_x64(True):
    x, w = arrays(kernel=kernel, size=size)
    found, expected = (
      gradients(f, x, w, strides, padding)
      for f in (convolution.convolve, lax.conv_general_dilated)
    )
    assert_close(found, expected, 1e-10)


@pytest.mark.usefixtures('backend')
@pytest.mark.parametrize(
  'more',
  [
    {'dimension_numbers': ('NCHW', 'OIHW', 'NCHW')},
    {**NHWC, 'lhs_dilation': (2, 2)},
    {**NHWC, 'rhs_dilation': (2, 2)},
    {**NHWC, 'feature_group_count': 2},
  ],
)
def test_single_pixels_in_other_ways_too(more):
  with jax.enable_x64(True):
    x = arrays(channels=(4, 4))[0][..., :4]
    kernel = (1, 1, 4 // more.get('feature_group_count', 1), 4)
    if more['dimension_numbers'][0] == 'NCHW':
      x, kernel = jnp.moveaxis(x, 3, 1), (4, 4, 1, 1)
    w = jnp.asarray(np.random.default_rng(1).normal(size=kernel))

    def of(convolve):
      def loss(x, w):
        y = convolve(x, w, (2, 1), [(0, 0), (0, 0)], **more)
        return jnp.sum(jnp.sin(y))

      return jax.value_and_grad(loss, (0, 1))(x, w)

    found, expected = map(of, (convolution.convolve, lax.conv_general_dilated))
    assert_close(found, expected, 1e-10)


@pytest.mark.parametrize(
  ('kernel', 'strides', 'convolutions'), [(1, 2, 0), (1, 1, 3), (3, 2, 3)]
)
def test_an_accelerator_multiplies_single_pixels_in_strides(
  kernel, strides, convolutions, monkeypatch
):
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  of = functools.partial(
    gradients, convolution.convolve, strides=(strides,) * 2, padding='SAME'
  )
  program = str(jax.make_jaxpr(of)(*arrays(kernel=kernel)))
  assert program.count('conv_general_dilated[') == convolutions


@pytest.mark.parametrize('rows', [8, 12, 7])
@pytest.mark.parametrize('devices', [1, 4])
@pytest.mark.parametrize(('kernel', 'size'), [(1, 8), (3, 8), (3, 4)])
def test_on_several_devices_they_are_the_same(
  kernel, size, devices, rows, monkeypatch
):
  monkeypatch.setattr(convolution, 'PART_BYTES', 2**12)
  mesh = training.make_mesh(devices, jax.devices()[:devices])
  with jax.enable_x64(True):
    x, w = arrays(rows, size, kernel)
    arguments = (x, w, (1, 1), 'SAME')
    expected = gradients(lax.conv_general_dilated, *arguments)
    with jax.set_mesh(mesh):
      found = gradients(convolution.convolve, *arguments)
    assert_close(found, expected, 1e-10)


@pytest.mark.parametrize(('kernel', 'size'), [(1, 8), (3, 8), (3, 4)])
def test_devices_add_up_once_what_they_have_summed(kernel, size, monkeypatch):
  monkeypatch.setattr(convolution, 'PART_BYTES', 2**12)
  mesh = training.make_mesh(4, jax.devices()[:4])
  divided, whole = training.divided(mesh), training.replicated(mesh)
  x, w = arrays(size=size, kernel=kernel)

  def loss(x, w):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      return jnp.sum(convolution.convolve(x, w, (1, 1), 'SAME', **NHWC) ** 2)

  compiled = jax.jit(
    jax.grad(loss, 1), in_shardings=(divided, whole), out_shardings=whole
  ).lower(x, w)
  text = compiled.compile().as_text()
  assert text.count(' all-reduce(') == 1
  assert ' all-gather(' not in text
  assert ' all-to-all(' not in text


@pytest.mark.parametrize('kernel', [1, 3])
def test_each_member_of_a_batch_of_networks_has_its_own_gradient(kernel):
  of = functools.partial(gradients, strides=(1, 1), padding='SAME')
  with jax.enable_x64(True):
    x, w = arrays(6, kernel=kernel)
    kernels = jnp.stack([w, 2 * w])
    found = jax.vmap(lambda w: of(convolution.convolve, x, w))(kernels)
    for i, kernel in enumerate(kernels):
      expected = of(lax.conv_general_dilated, x, kernel)
      assert_close(jax.tree.map(lambda a, i=i: a[i], found), expected, 1e-10)


@pytest.mark.parametrize(
  ('images', 'kernel', 'expected'),
  [
    ((256, 8, 8, 64), (3, 3, 64, 64), 8),  # 4 MB by halves of a MB.
    ((64, 8, 8, 256), (3, 3, 256, 256), 2),  # Kernels of 2.4 MB are summed.
    ((64, 4, 4, 512), (3, 3, 512, 512), 1),
    ((7, 64, 64, 16), (3, 3, 16, 16), 1),  # 1.8 MB; no half of 7.
    ((1, 8, 8, 8), (3, 3, 8, 8), 1),
  ],
)
def test_the_number_of_parts(images, kernel, expected):
  shapes = [jax.ShapeDtypeStruct(s, jnp.float32) for s in (images, kernel)]
  parts = jax.eval_shape(
    lambda x, w: jnp.zeros(len(convolution._parts(x, w))), *shapes
  )
  assert parts.shape == (expected,)
