"""Blurs against scipy, and glass against the loop it stands for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from semisup_jax.augment.corruptions import blur, matrices

_SIZES = [(32, 32, 3), (11, 17, 1)]


def _blurred(corruption, image, severity, seed=0):
  jitted = jax.jit(corruption, static_argnums=2)
  return np.asarray(jitted(jax.random.key(seed), jnp.asarray(image), severity))


def _scipy_blur(image, sigma):
  """As scikit-image's `gaussian` with its defaults."""
  return scipy.ndimage.gaussian_filter(
    image.astype(np.float64), sigma, mode='nearest', truncate=4, axes=(0, 1)
  )


@pytest.mark.parametrize('size', _SIZES)
@pytest.mark.parametrize(
  ('severity', 'sigma'), [*enumerate([0.4, 0.6, 0.7, 0.8, 1.0], 1)]
)
def test_gaussian_blur_is_scipys(make_levels, size, severity, sigma):
  image = make_levels(*size)
  ours = _blurred(blur.gaussian_blur, image, severity)
  np.testing.assert_allclose(ours, _scipy_blur(image, sigma), atol=1e-6)


@pytest.mark.parametrize('size', [8, 32])
@pytest.mark.parametrize('sigma', [0.0, 0.05, 1.0, 6.4])
@pytest.mark.parametrize(
  ('mode', 'scipys'), [('edge', 'nearest'), ('symmetric', 'reflect')]
)
def test_the_gaussian_matrix_is_scipys_filter(size, sigma, mode, scipys):
  ours = matrices.gaussian(size, sigma, truncate=3, mode=mode)
  expected = scipy.ndimage.gaussian_filter(
    np.eye(size), (sigma, 0), mode=scipys, truncate=3
  )
  np.testing.assert_allclose(ours, expected, atol=1e-12)


def _swap_in_place(pixels, offsets):
  """The loop of the generator, where "swapped" rows are views of one array."""
  pixels = pixels.copy()
  height, width = pixels.shape[:2]
  for h in range(height - 1, 1, -1):
    for w in range(width - 1, 1, -1):
      up, left = (int(of) for of in offsets[h, w])
      a, b = (h, w), (h - up, w - left)
      pixels[a], pixels[b] = pixels[b], pixels[a]
  return pixels


@pytest.mark.parametrize('size', [(32, 32, 3), (9, 14, 3)])
def test_displacing_is_the_loop_over_views(make_pixels, size):
  pixels = make_pixels(*size)
  offsets = np.random.default_rng(1).random((*size[:2], 2)) < 0.5
  ours = blur.displace(jnp.asarray(pixels), jnp.asarray(offsets))
  expected = _swap_in_place(pixels, offsets)
  np.testing.assert_array_equal(ours, expected)
  assert np.any(expected != pixels)


@pytest.mark.parametrize(
  ('sigma', 'times'), [(0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)]
)
def test_glass_blurs_displaces_and_blurs(make_pixels, sigma, times):
  pixels = make_pixels(20, 17, 3)
  offsets = np.random.default_rng(2).random((times, 20, 17, 2)) < 0.5
  ours = blur.glass(
    jnp.asarray(pixels, jnp.float32) / 255, jnp.asarray(offsets), sigma
  )
  moved = (255 * _scipy_blur(pixels / 255, sigma) + 1e-9).astype(np.uint8)
  for once in offsets:
    moved = _swap_in_place(moved, once)
  expected = _scipy_blur(moved / 255, sigma)
  # Where the first blur is next to a level, it may be truncated to either.
  difference = np.abs(255 * ours - 255 * expected)
  assert np.mean(difference > 1e-3) < 0.03
  assert difference.max() < 1.01


def test_glass_blur_takes_all_four_pixels_alike(make_levels):
  # At severity 1 its blur is none, so that what moved can be seen.
  image = np.arange(24 * 24, dtype=np.float32).reshape(24, 24, 1) % 250 / 255
  counts = np.zeros((2, 2))
  for seed in range(10):
    result = _blurred(blur.glass_blur, image, 1, seed)
    for up, left in np.ndindex(2, 2):
      moved = np.roll(image, (up, left), (0, 1))
      counts[up, left] += np.sum(np.abs(result - moved)[2:, 2:] < 1e-4)
  assert counts.sum() == 10 * 22 * 22
  spread = np.sqrt(counts.sum() * 3 / 16)
  np.testing.assert_allclose(counts, counts.sum() / 4, atol=4 * spread)


@pytest.mark.parametrize('size', _SIZES)
@pytest.mark.parametrize(
  ('severity', 'radius', 'sigma'),
  [(1, 0.3, 0.4), (2, 0.4, 0.5), (3, 0.5, 0.6), (4, 1, 0.2), (5, 1.5, 0.1)],
)
def test_defocus_blur_is_a_smoothed_disk(
  make_levels, size, severity, radius, sigma
):
  disk = np.zeros((17, 17))
  for i, j in np.ndindex(17, 17):
    disk[i, j] = (i - 8) ** 2 + (j - 8) ** 2 <= radius**2
  tap = np.exp(-1 / (2 * sigma**2))
  three = np.array([tap, 1, tap]) / (1 + 2 * tap)
  kernel = scipy.ndimage.correlate(disk / disk.sum(), np.outer(three, three))
  image = make_levels(*size)
  expected = scipy.ndimage.correlate(
    image.astype(np.float64), kernel[..., None], mode='mirror'
  )
  ours = _blurred(blur.defocus_blur, image, severity)
  np.testing.assert_allclose(ours, expected, atol=1e-6)


def _scipy_clipped_zoom(image, factor):
  """The generator's, for two sides of different lengths."""
  starts, kept = [], []
  for side in image.shape[:2]:
    kept.append(int(np.ceil(side / factor)))
    starts.append((side - kept[-1]) // 2)
  (top, left), (high, wide) = starts, kept
  crop = image[top : top + high, left : left + wide]
  zoomed = scipy.ndimage.zoom(crop, (factor, factor, 1), order=1)
  top, left = (
    (zoomed.shape[axis] - image.shape[axis]) // 2 for axis in range(2)
  )
  return zoomed[top:, left:][: image.shape[0], : image.shape[1]]


@pytest.mark.parametrize('size', _SIZES)
@pytest.mark.parametrize(
  ('severity', 'end', 'count'),
  [(1, 1.06, 7), (2, 1.11, 12), (3, 1.16, 16), (4, 1.21, 21), (5, 1.26, 26)],
)
def test_zoom_blur_is_the_mean_of_scipys_zooms(
  make_levels, size, severity, end, count
):
  image = make_levels(*size)
  zooms = [
    _scipy_clipped_zoom(image.astype(np.float64), factor)
    for factor in np.arange(1, end, 0.01)
  ]
  # Adding hundredths up to 1.06 and to 1.11 goes beyond, and to 1.16 does not.
  assert len(zooms) == count
  expected = np.mean([image, *zooms], axis=0)
  ours = _blurred(blur.zoom_blur, image, severity)
  np.testing.assert_allclose(ours, expected, atol=2e-6)
