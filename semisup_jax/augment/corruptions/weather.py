"""Snow, frost and fog between the camera and what it sees.

Images are float [H, W, C] in [0, 1] with one channel or three (red, green,
blue), and stay in [0, 1].
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts, color
from semisup_jax.augment.corruptions import (
  draws,
  frost_texture,
  levels,
  matrices,
  motion,
  plasma,
  severities,
)

# Mean and std of the noise, zoom, threshold, radius and sigma of the motion,
# and how much of the image is not whitened.
_SNOW = (
  (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
  (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
  (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
  (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
  (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
)
# How much of the image, and of the frost.
_FROST = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))
# How much fog, and how smooth.
_FOG = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))


def snowflakes(
  noise: jax.Array,
  angle: jax.Array,
  *,
  zoom: float,
  threshold: float,
  radius: float,
  sigma: float,
) -> jax.Array:
  """Makes falling snow out of noise.

  Args:
    noise: Float [H, W, 1].
    angle: Where the flakes fall to, degrees, a scalar; see `motion.smear`.
    zoom: Magnifies the noise, >= 1, static.
    threshold: Magnified noise below it is no flake.
    radius: Of the motion, static.
    sigma: Of the motion, static.

  Returns:
    Float [H, W, 1] of values k / 255, truncated as in the generator, which
    passes the flakes to ImageMagick as an 8-bit image.
  """
  rows, columns = (matrices.clipped_zoom(n, zoom) for n in noise.shape[:2])
  zoomed = matrices.apply(rows, noise, columns)
  flakes = levels.truncate(jnp.where(zoomed < threshold, 0, zoomed))
  flakes = levels.to_image(flakes, noise.dtype)
  fallen = motion.smear(flakes, angle, radius=radius, sigma=sigma)
  return levels.to_image(levels.truncate(fallen), noise.dtype)


def add_snow(image: jax.Array, flakes: jax.Array, share: float) -> jax.Array:
  """Whitens an image and lets it snow from both sides.

  Args:
    image: Float [H, W, C] in [0, 1].
    flakes: Float [H, W, 1]; added as they are, and turned by 180 degrees.
    share: How much of the image is not whitened, in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  white = jnp.maximum(image, 1.5 * color.grayscale(image) + 0.5)
  whitened = share * image + (1 - share) * white
  return jnp.clip(whitened + flakes + flakes[::-1, ::-1], 0, 1)


def snow(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Lets it snow, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  constants = severities.pick(_SNOW, severity)
  mean, std, zoom, threshold, radius, sigma, share = constants
  key_noise, key_angle = jax.random.split(key)
  shape = (*image.shape[:2], 1)
  flakes = snowflakes(
    mean + std * draws.normal(key_noise, shape, image.dtype),
    amounts.uniform(key_angle, image, -135, -45),
    zoom=zoom,
    threshold=threshold,
    radius=radius,
    sigma=sigma,
  )
  return add_snow(image, flakes, share)


def add_frost(
  image: jax.Array, window: jax.Array, of_image: float, of_frost: float
) -> jax.Array:
  """Adds a picture of frost, float [H, W, C], to an image; clips to [0, 1]."""
  return jnp.clip(of_image * image + of_frost * window, 0, 1)


def frost(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Covers with frost, float [H, W, C] in [0, 1]; see `CORRUPTIONS`.

  The generator takes its frost from photographs. Here it is a texture that
  `frost_texture` computes, so accuracies under frost cannot be compared with
  those on CIFAR-10-C. Each image has a window of it at a random place.
  """
  height, width, channels = image.shape
  texture = jnp.asarray(frost_texture.texture(), image.dtype)
  if channels == 1:
    texture = color.grayscale(texture)[..., :1]
  corner = jax.random.randint(key, (2,), 0, texture.shape[0], jnp.int32)
  margins = ((0, height), (0, width), (0, 0))
  window = jax.lax.dynamic_slice(
    jnp.pad(texture, margins, mode='wrap'), jnp.pad(corner, (0, 1)), image.shape
  )
  return add_frost(image, window, *severities.pick(_FROST, severity))


def add_fog(image: jax.Array, clouds: jax.Array, amount: float) -> jax.Array:
  """Adds clouds, and darkens so that the brightest value could stay.

  Args:
    image: Float [H, W, C] in [0, 1].
    clouds: Float [H, W, 1] in [0, 1].
    amount: How much of the clouds, >= 0.

  Returns:
    Float [H, W, C] in [0, 1].
  """
  brightest = jnp.max(image)
  dense = (image + amount * clouds) * (brightest / (brightest + amount))
  return jnp.clip(dense, 0, 1)


def fog(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Covers with fog, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  amount, decay = severities.pick(_FOG, severity)
  height, width = image.shape[:2]
  clouds = plasma.random_plasma(key, max(height, width), decay, image.dtype)
  return add_fog(image, clouds[:height, :width, None], amount)
