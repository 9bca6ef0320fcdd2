"""First filters: which they are, and where each stands in the grid."""

import functools

import jax
import numpy as np
import pytest

from semisup_jax import models, visualize

SHARED = {
  'width': 4,
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
}


@pytest.mark.parametrize(
  ('count', 'shape'),
  [
    (96, (8, 12)),
    (64, (8, 8)),
    (32, (4, 8)),
    (16, (4, 4)),
    (1, (1, 1)),
    (2, (1, 2)),
    (7, (3, 3)),
    (97, (10, 10)),
  ],
)
def test_as_many_rows_and_columns_as_there_are_filters(count, shape):
  assert visualize.grid_shape(count) == shape


def test_no_grid_of_nothing():
  with pytest.raises(ValueError, match='at least 1, got 0'):
    visualize.grid_shape(0)


@pytest.mark.parametrize('channels', [1, 3])
def test_each_filter_stands_in_its_place_on_one_scale(channels):
  kernel = np.random.default_rng(0).normal(size=(7, 7, channels, 96))
  grid = visualize.filter_grid(kernel)
  assert grid.shape == (8, 12, 7, 7, channels)
  assert grid.min() >= 0
  assert grid.max() <= 1
  largest = np.abs(kernel).max()
  for i in range(96):
    np.testing.assert_allclose(
      (2 * grid[i // 12, i % 12] - 1) * largest, kernel[..., i], atol=1e-6
    )


def test_where_there_is_no_filter_there_is_nothing():
  grid = visualize.filter_grid(np.zeros((3, 3, 1, 7)))
  assert np.isnan(grid.reshape(9, -1)[7:]).all()
  assert (grid.reshape(9, -1)[:7] == 0.5).all()


def test_a_kernel_that_is_no_picture_is_refused():
  with pytest.raises(ValueError, match=r'\(3, 3, 2, 5\)'):
    visualize.filter_grid(np.zeros((3, 3, 2, 5)))


@pytest.mark.parametrize(
  ('section', 'path'),
  [
    ({'name': 'convnet', 'strides': (1,)}, ('stem_conv',)),
    ({'name': 'resnet9', 'dropout': 0.0}, ('stage1', 'Conv_0')),
  ],
)
@pytest.mark.parametrize('remat', [False, True])
def test_the_first_kernel_is_that_of_the_first_convolution(
  section, path, remat
):
  model = models.make_encoder({**SHARED, **section, 'remat': remat})
  images = np.zeros((1, 8, 8, 3), np.float32)
  init = jax.jit(functools.partial(model.init, train=False))
  variables = init(jax.random.key(0), images)
  expected = variables['params']
  for name in path:
    expected = expected[name]
  found = visualize.first_kernel(model, variables, images)
  np.testing.assert_array_equal(found, expected['kernel'])


def test_raw_pixels_have_no_filter():
  model = models.make_encoder({'name': 'pixels', 'dtype': 'float32'})
  images = np.zeros((1, 8, 8, 3), np.float32)
  assert visualize.first_kernel(model, {}, images) is None
