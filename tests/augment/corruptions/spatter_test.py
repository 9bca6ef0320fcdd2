"""Water and mud, against numbers of OpenCV 4.10 and against slow loops."""

import heapq

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from semisup_jax.augment.corruptions import edges, spatter

# What cv2.Canny(levels, 50, 150) makes of `_ridges`.
_EDGES = """\
....####...###
..##..........
..#..........#
.##..#.......#
##...#........
#....#........
.#.#.#.#.....#
#.#...##..###.
#..##.........
......########
"""
# Pixels of `_two_drops` times what cv2 makes of the distance to their edges.
_SHINE = """
0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
0 0 0 7800 8000 11275 0 0 0 0 0 0 0 0 0 0
0 0 7600 13065 13400 8200 20370 0 0 0 0 0 0 0 0 0
0 0 7600 13065 13400 5535 17430 0 0 0 0 0 0 0 0 0
0 0 7980 16185 22400 17015 23520 0 0 0 0 0 0 0 0 0
0 0 0 27690 34000 31775 0 0 0 0 0 8600 0 0 0 0
0 0 0 0 0 0 0 0 0 0 26814 21146 9156 0 0 0
0 0 0 0 0 0 0 0 0 27183 39338 30498 12155 0 0 0
0 0 0 0 0 0 0 0 8960 21728 30912 21952 9408 6048 8960 0
0 0 0 0 0 0 0 0 0 9534 12485 9534 9080 18614 0 0
0 0 0 0 0 0 0 0 0 0 0 0 9200 0 0 0
0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""


_SPATTER = [
  (0.62, 0.1, 0.7, 0.7, 0.5),
  (0.65, 0.1, 0.8, 0.7, 0.5),
  (0.65, 0.3, 1.0, 0.69, 0.5),
  (0.65, 0.1, 0.7, 0.69, 0.6),
  (0.65, 0.1, 0.5, 0.68, 0.6),
]
_shine = jax.jit(spatter.shine)


def _ridges():
  y, x = np.mgrid[:10, :14]
  return (y * y + 2 * x * x + 3 * x * y) % 71


def _two_drops():
  y, x = np.mgrid[:12, :16]
  disk = (y - 3) ** 2 + (x - 4) ** 2 < 7
  diamond = np.abs(x - 11) + np.abs(y - 8) < 4
  return np.where(disk, 180 + 5 * x, 0) + np.where(diamond, 200 + 3 * y, 0)


def _as_layer(levels):
  """Float [H, W, 1] that is truncated to these levels."""
  return jnp.asarray((levels + 0.5 * (levels > 0)) / 255, jnp.float32)[
    ..., None
  ]


def _canny(levels, low, high):
  levels = jnp.asarray(levels, jnp.int32)[..., None]
  return np.asarray(jax.jit(edges.canny)(levels, low, high))[..., 0]


def test_canny_is_opencvs():
  expected = [[c == '#' for c in line] for line in _EDGES.split()]
  np.testing.assert_array_equal(_canny(_ridges(), 50, 150), expected)
  # Weak edges are kept only where they touch strong ones.
  strong, weak = _canny(_ridges(), 150, 150), _canny(_ridges(), 50, 51)
  assert strong.sum() < np.sum(expected) < weak.sum()


def test_a_long_weak_edge_is_followed_from_one_strong_pixel():
  levels = np.zeros((9, 40), int)
  levels[5:] = 20  # Four times 20 is between the thresholds.
  assert not _canny(levels, 50, 150).any()
  levels[5:, :3] = 60
  found = _canny(levels, 50, 150)
  assert np.all(found.any(axis=0)[5:])


def _dijkstra(is_edge, most):
  """Least sums of steps from the edges, by a queue."""
  height, width = is_edge.shape
  steps = {}
  for i, j in np.ndindex(5, 5):
    kind = tuple(sorted((abs(i - 2), abs(j - 2))))
    cost = {(0, 1): 65536, (1, 1): 91750, (1, 2): 143976}.get(kind)
    if cost:
      steps[i - 2, j - 2] = cost
  far = np.full(is_edge.shape, most * 65536)
  queue = [(0, *place) for place in np.argwhere(is_edge).tolist()]
  while queue:
    distance, y, x = heapq.heappop(queue)
    if distance >= far[y, x]:
      continue
    far[y, x] = distance
    for (i, j), cost in steps.items():
      if 0 <= y + i < height and 0 <= x + j < width:
        heapq.heappush(queue, (distance + cost, y + i, x + j))
  return far


@pytest.mark.parametrize('most', [20, 5])
@pytest.mark.parametrize('count', [0, 1, 3, 40])
def test_distance_is_the_shortest_path(count, most):
  rng = np.random.default_rng(count)
  is_edge = np.zeros((30, 41), bool)
  is_edge[rng.integers(0, 30, count), rng.integers(0, 41, count)] = True
  ours = edges.distance(jnp.asarray(is_edge)[..., None], most)
  np.testing.assert_array_equal(ours[..., 0], _dijkstra(is_edge, most))


def test_shine_is_opencvs():
  product = np.array(_SHINE.split(), float).reshape(12, 16)
  ours = _shine(_as_layer(_two_drops()), 0.5)[..., 0]
  np.testing.assert_allclose(ours, 0.5 * product / product.max(), rtol=1e-6)


def test_layers_above_1_wrap_around_as_numpys_do():
  layer = _as_layer(_two_drops())
  wrapped = jnp.where(layer > 0, layer + 256 / 255, 0)
  np.testing.assert_allclose(_shine(wrapped, 0.5), _shine(layer, 0.5))


def test_a_dry_lens_does_not_shine():
  assert not np.any(_shine(jnp.zeros((12, 16, 1)), 0.5))


def test_drops_are_the_peaks_of_blurred_noise():
  noise = np.random.default_rng(0).normal(0.65, 0.1, (14, 18, 1))
  expected = scipy.ndimage.gaussian_filter(
    noise, 0.8, mode='nearest', truncate=4, axes=(0, 1)
  )
  expected[expected < 0.7] = 0
  ours = spatter.drops(jnp.asarray(noise, jnp.float32), 0.8, 0.7)
  assert 0 < np.count_nonzero(expected) < expected.size / 2
  np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_mud_is_blurred_spots_without_their_rims():
  layer = np.where(np.random.default_rng(1).random((15, 15)) < 0.6, 0.7, 0)
  spots = scipy.ndimage.gaussian_filter(
    (layer > 0.69).astype(float), 0.6, mode='nearest', truncate=4
  )
  expected = np.where(spots < 0.8, 0, spots)
  ours = spatter.cake(jnp.asarray(layer, jnp.float32)[..., None], 0.69, 0.6)
  assert 0 < np.count_nonzero(expected) < expected.size / 2
  np.testing.assert_allclose(ours[..., 0], expected, atol=1e-6)


@pytest.mark.parametrize('channels', [1, 3])
def test_water_is_added_and_mud_covers(make_levels, channels):
  image = make_levels(8, 9, channels)
  mask = np.random.default_rng(0).random((8, 9, 1)).astype(np.float32)
  water, mud = np.array([175, 238, 238]) / 255, np.array([63, 42, 20]) / 255
  if channels == 1:
    water, mud = ([color @ [0.299, 0.587, 0.114]] for color in (water, mud))
  np.testing.assert_allclose(
    spatter.add_water(jnp.asarray(image), jnp.asarray(mask)),
    np.clip(image + mask * water, 0, 1),
    atol=1e-6,
  )
  np.testing.assert_allclose(
    spatter.add_mud(jnp.asarray(image), jnp.asarray(mask)),
    image * (1 - mask) + mask * mud,
    atol=1e-6,
  )


@pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])
def test_as_much_is_wet_as_the_severity_says(draw, severity):
  mean, std, sigma, threshold, amount = _SPATTER[severity - 1]
  image = jnp.full((40, 40, 3), 0.25)
  change = draw(8, spatter.spatter, image, severity) - 0.25
  noise = np.random.default_rng(0).normal(mean, std, (8, 40, 40, 1))

  def mask(noise):
    layer = spatter.drops(noise, sigma, threshold)
    if severity > 3:
      return spatter.cake(layer, threshold, amount)
    return spatter.shine(layer, amount)

  masks = jax.lax.map(mask, jnp.asarray(noise, jnp.float32))
  expected = np.mean(np.asarray(masks) > 1e-2)
  wet = np.mean(np.abs(change[..., 2]) > 1e-2 * 0.17)
  assert abs(wet / expected - 1) < 0.15
  if severity < 4:
    assert change.min() > -1e-6
    brightest = change[..., 1].max((1, 2))
    np.testing.assert_allclose(brightest, amount * 238 / 255, rtol=1e-5)
  else:
    assert change.max() < 1e-6
    assert change[..., 1].min() == pytest.approx(42 / 255 - 0.25, rel=0.01)
