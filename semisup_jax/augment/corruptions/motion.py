"""What moves while the shutter is open.

Images are float [H, W, C] in [0, 1], with any number of channels, and stay in
[0, 1] up to rounding. Lengths are in pixels.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import amounts
from semisup_jax.augment.corruptions import severities, stencils

# Radius and sigma.
_MOTION = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))


def smear(
  image: jax.Array, angle: jax.Array, *, radius: float, sigma: float
) -> jax.Array:
  """Averages the pixels on a ray, ever less of those farther away.

  As ImageMagick's `MotionBlurImage`: half a Gaussian, whose weights sum to 1,
  at `2 ceil(radius) + 1` points one pixel apart, each rounded to whole pixels
  (half a pixel down). Beyond the border the edge goes on.

  Args:
    image: Float [H, W, C] in [0, 1].
    angle: Where the ray points, degrees, a scalar: 0 to the right, 90 down.
    radius: Sets the number of points, > 0, static.
    sigma: Standard deviation of the Gaussian, static.

  Returns:
    Float [H, W, C], rounded to 16 bits as in ImageMagick, which truncates that
    to 8 bits as the last thing.
  """
  width = 2 * math.ceil(radius) + 1
  weights = np.exp(-0.5 * np.square(np.arange(width) / sigma))
  weights /= weights.sum()
  direction = jnp.deg2rad(angle)
  ray = jnp.stack([jnp.sin(direction), jnp.cos(direction)])
  points = jnp.ceil(np.arange(width)[:, None] * ray - 0.5).astype(jnp.int32)
  padded = stencils.pad(image, width - 1, 'edge')
  start = jnp.pad(points + (width - 1), ((0, 0), (0, image.ndim - 2)))
  blurred = sum(
    jnp.asarray(weight, image.dtype)
    * jax.lax.dynamic_slice(padded, start[i], image.shape)
    for i, weight in enumerate(weights)
  )
  return jnp.round(65535 * blurred) / 65535


def motion_blur(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Moves sideways, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  radius, sigma = severities.pick(_MOTION, severity)
  angle = amounts.uniform(key, image, -45, 45)
  return smear(image, angle, radius=radius, sigma=sigma)
