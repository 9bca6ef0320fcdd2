"""Snow, frost and fog against slow forms of the generator's."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from semisup_jax.augment import color
from semisup_jax.augment.corruptions import (
  frost_texture,
  matrices,
  motion,
  plasma,
  weather,
)

_SNOW = [
  (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
  (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
  (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
  (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
  (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
]
_FROST = [(1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)]
_FOG = [(0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)]
_BY_SEVERITY = [1, 2, 3, 4, 5]


def _jitted(corruption):
  return jax.jit(corruption, static_argnums=2)


@pytest.mark.parametrize('size', [8, 15, 32, 33])
@pytest.mark.parametrize('factor', [1.0, 1.01, 1.25, 1.75, 2.25])
def test_clipped_zoom_is_scipys(size, factor):
  side = np.random.default_rng(0).random(size)
  kept = int(np.ceil(size / factor))
  top = (size - kept) // 2
  zoomed = scipy.ndimage.zoom(side[top : top + kept], factor, order=1)
  trim = (len(zoomed) - size) // 2
  expected = zoomed[trim : trim + size]
  ours = matrices.clipped_zoom(size, factor) @ side
  np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_a_zoomed_pixel_mixes_at_most_two():
  matrix = matrices.clipped_zoom(8, 2.25)
  np.testing.assert_allclose(matrix.sum(1), 1)
  assert np.all(np.count_nonzero(matrix, axis=1) <= 2)


@pytest.mark.parametrize(('severity', 'constants'), [*enumerate(_SNOW, 1)])
def test_flakes_are_noise_that_is_zoomed_cut_and_smeared(severity, constants):
  mean, std, zoom, threshold, radius, sigma, _ = constants
  rng = np.random.default_rng(severity)
  noise = rng.normal(mean, std, (26, 21, 1)).astype(np.float32)
  make = functools.partial(
    weather.snowflakes,
    zoom=zoom,
    threshold=threshold,
    radius=radius,
    sigma=sigma,
  )
  ours = jax.jit(make)(jnp.asarray(noise), -73.0)
  rows, columns = (matrices.clipped_zoom(n, zoom) for n in (26, 21))
  layer = rows @ noise[..., 0].astype(np.float64) @ columns.T
  layer[layer < threshold] = 0
  flakes = (255 * np.clip(layer, 0, 1)).astype(np.uint8)[..., None] / 255
  smear = functools.partial(motion.smear, radius=radius, sigma=sigma)
  smeared = jax.jit(smear)(jnp.asarray(flakes, jnp.float32), -73.0)
  expected = np.floor(255 * np.asarray(smeared, np.float64) + 1e-3)
  assert np.any(expected)
  difference = np.abs(255 * np.asarray(ours, np.float64) - expected)
  assert difference.max() < 1.01
  assert np.mean(difference > 1e-3) < 0.01


@pytest.mark.parametrize('channels', [1, 3])
def test_snow_whitens_and_falls_from_both_sides(make_levels, channels):
  image = make_levels(9, 12, channels)
  flakes = np.random.default_rng(0).random((9, 12, 1)) ** 4
  ours = weather.add_snow(jnp.asarray(image), jnp.asarray(flakes), 0.85)
  expected = np.zeros(image.shape)
  for y, x in np.ndindex(9, 12):
    pixel = image[y, x].astype(np.float64)
    grey = pixel @ [0.299, 0.587, 0.114] if channels == 3 else pixel[0]
    white = 0.85 * pixel + 0.15 * np.maximum(pixel, 1.5 * grey + 0.5)
    expected[y, x] = white + flakes[y, x] + flakes[8 - y, 11 - x]
  np.testing.assert_allclose(ours, np.clip(expected, 0, 1), atol=1e-6)


@pytest.mark.parametrize('severity', _BY_SEVERITY)
def test_snow_draws_as_much_as_its_severity_says(draw, severity):
  mean, std, zoom, threshold, radius, sigma, share = _SNOW[severity - 1]
  snowed = draw(16, weather.snow, jnp.full((40, 40, 1), 0.2), severity)
  fallen = snowed - share * 0.2 - (1 - share) * 0.8
  noise = np.random.default_rng(0).normal(mean, std, (16, 40, 40, 1))

  def flakes(noise):
    return weather.snowflakes(
      noise, -90.0, zoom=zoom, threshold=threshold, radius=radius, sigma=sigma
    )

  made = jax.lax.map(flakes, jnp.asarray(noise, jnp.float32))
  expected = 2 * np.mean(made)
  assert fallen.min() > -1e-6
  assert abs(fallen.mean() / expected - 1) < 0.15


def test_snow_falls_within_45_degrees_of_straight_down(draw, monkeypatch):
  # In place of smeared flakes the angle at which they would be, as a level.
  def smear(image, angle, **kwargs):
    return jnp.broadcast_to(-(angle + 45) / 255, image.shape)

  monkeypatch.setattr(motion, 'smear', smear)
  snowed = draw(400, weather.snow, jnp.zeros((8, 8, 1)), 1)
  whole = np.round(255 * (snowed[:, 0, 0, 0] - 0.025) / 2)
  uniform = scipy.stats.uniform(0, 90)
  assert 0 <= whole.min() <= 1
  assert 88 <= whole.max() < 90
  assert scipy.stats.kstest(whole + 0.5, uniform.cdf).pvalue > 1e-3


def test_the_texture_is_bright_bluish_and_always_the_same():
  texture = frost_texture.texture()
  assert texture.shape == (256, 256, 3)
  assert abs(texture.mean() - 0.65) < 0.02
  assert 0.15 < texture.mean(-1).std() < 0.25
  red, green, blue = texture.mean((0, 1))
  assert red < green < blue
  assert 0 <= texture.min() < texture.max() <= 1
  frost_texture.texture.cache_clear()
  np.testing.assert_array_equal(frost_texture.texture(), texture)


def test_the_texture_has_no_seam():
  texture = frost_texture.texture()
  for axis in (0, 1):
    steps = np.abs(texture - np.roll(texture, 1, axis)).mean()
    seam = np.abs(np.take(texture, 0, axis) - np.take(texture, -1, axis)).mean()
    assert seam < 1.5 * steps


def _windows(texture, size):
  """All windows of a periodic texture, a view [S, S, C, *size]."""
  wrapped = np.pad(texture, ((0, size[0]), (0, size[1]), (0, 0)), mode='wrap')
  return np.lib.stride_tricks.sliding_window_view(wrapped, size, (0, 1))


@pytest.mark.parametrize('severity', _BY_SEVERITY)
def test_frost_is_a_window_of_the_texture_at_a_random_place(
  make_levels, severity
):
  of_image, of_frost = _FROST[severity - 1]
  image = make_levels(8, 10, 3) / 4  # Dark, so that nothing is clipped.
  windows = _windows(frost_texture.texture().astype(np.float32), (8, 10))
  corners = []
  for seed in range(6):
    key = jax.random.key(seed)
    result = np.asarray(_jitted(weather.frost)(key, image, severity))
    frost = ((result - of_image * image) / of_frost).transpose(2, 0, 1)
    near = np.abs(windows[:256, :256, :, 0, 0] - frost[:, 0, 0]).max(-1) < 1e-4
    (found,) = [
      corner
      for corner in np.argwhere(near)
      if np.abs(windows[tuple(corner)] - frost).max() < 1e-4
    ]
    corners.append(found)
  rows, columns = np.transpose(corners)
  assert len(set(rows)) > 3
  assert len(set(columns)) > 3


def test_frost_on_grey_images_is_grey_and_clipped():
  image = jnp.zeros((8, 10, 1))
  key, covered = jax.random.key(0), _jitted(weather.frost)
  frost = covered(key, image, 2) / 0.3
  colored = covered(key, jnp.zeros((8, 10, 3)), 2) / 0.3
  np.testing.assert_allclose(
    frost, color.grayscale(colored)[..., :1], atol=1e-6
  )
  assert np.max(covered(key, jnp.ones((8, 10, 3)), 2)) == 1


def _slow_plasma(noise, decay):
  """Diamond-square point by point, as the generator's strides do it."""
  side = 2 ** len(noise)
  grid = np.zeros((side, side))
  wibble, step = 100.0, side
  at = lambda y, x: grid[y % side, x % side]  # noqa: E731
  for middle, right, below in noise:
    half = step // 2
    for i, j in np.ndindex(side // step, side // step):
      y, x = i * step, j * step
      corners = at(y, x) + at(y + step, x) + at(y, x + step)
      corners += at(y + step, x + step)
      grid[y + half, x + half] = corners / 4 + wibble**2 * middle[i, j]
    for i, j in np.ndindex(side // step, side // step):
      y, x = i * step, j * step
      ends = at(y, x) + at(y, x + step)
      ends += at(y + half, x + half) + at(y - half, x + half)
      grid[y, x + half] = ends / 4 + wibble**2 * right[i, j]
      ends = at(y, x) + at(y + step, x)
      ends += at(y + half, x + half) + at(y + half, x - half)
      grid[y + half, x] = ends / 4 + wibble**2 * below[i, j]
    step, wibble = half, wibble / decay
  grid -= grid.min()
  return grid / grid.max()


@pytest.mark.parametrize('decay', [3.0, 1.75])
@pytest.mark.parametrize('steps', [1, 3, 5])
def test_plasma_is_diamond_square(decay, steps):
  rng = np.random.default_rng(steps)
  noise = [rng.uniform(-1, 1, (3, 2**k, 2**k)) for k in range(steps)]
  make = jax.jit(plasma.plasma, static_argnums=1)
  ours = make([jnp.asarray(n, jnp.float32) for n in noise], decay)
  np.testing.assert_allclose(ours, _slow_plasma(noise, decay), atol=1e-5)


@pytest.mark.parametrize(('size', 'side'), [(8, 8), (9, 16), (32, 32)])
def test_clouds_have_a_side_of_a_power_of_two(size, side):
  clouds = plasma.random_plasma(jax.random.key(0), size, 2.0, jnp.float32)
  assert clouds.shape == (side, side)
  assert (clouds.min(), clouds.max()) == (0, 1)


@pytest.mark.parametrize('severity', _BY_SEVERITY)
def test_fog_adds_clouds_and_darkens(make_levels, severity):
  amount, decay = _FOG[severity - 1]
  image = 0.8 * make_levels(12, 14, 3)
  key = jax.random.key(severity)
  clouds = plasma.random_plasma(key, 14, decay, jnp.float32)[:12, :14]
  brightest = float(image.max())
  expected = (image + amount * np.asarray(clouds)[..., None]) * brightest
  expected = np.clip(expected / (brightest + amount), 0, 1)
  ours = _jitted(weather.fog)(key, jnp.asarray(image), severity)
  np.testing.assert_allclose(ours, expected, atol=1e-5)
  assert not np.any(_jitted(weather.fog)(key, jnp.zeros((12, 14, 3)), severity))
