"""Drops of water or mud on the lens.

Images are float [H, W, C] in [0, 1] with one channel or three (red, green,
blue), and stay in [0, 1].
"""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment import color
from semisup_jax.augment.corruptions import (
  draws,
  edges,
  matrices,
  severities,
  stencils,
)

# Mean and std of the noise, sigma of its blur, threshold, amount, and whether
# it is mud.
_SPATTER = (
  (0.62, 0.1, 0.7, 0.7, 0.5, False),
  (0.65, 0.1, 0.8, 0.7, 0.5, False),
  (0.65, 0.3, 1.0, 0.69, 0.5, False),
  (0.65, 0.1, 0.7, 0.69, 0.6, True),
  (0.65, 0.1, 0.5, 0.68, 0.6, True),
)
_WATER = np.array([175, 238, 238]) / 255  # Pale turquoise.
_MUD = np.array([63, 42, 20]) / 255
_FARTHEST = 20  # Pixels from an edge, beyond which it does not matter.
# Lights the drops from the upper left.
_EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def drops(noise: jax.Array, sigma: float, threshold: float) -> jax.Array:
  """Blurs noise and keeps its peaks.

  Args:
    noise: Float [H, W, 1].
    sigma: Of the blur, static.
    threshold: What is below becomes 0.

  Returns:
    Float [H, W, 1].
  """
  layer = matrices.smooth(noise, sigma)
  return jnp.where(layer < threshold, 0, layer)


def _equalize(distance: jax.Array) -> jax.Array:
  """Spreads int32 [H, W, 1] in [0, `_FARTHEST`] over the levels, as OpenCV."""
  values = jnp.arange(_FARTHEST + 1)
  counts = jnp.sum(distance == values, axis=(0, 1))
  up_to = jnp.sum(jnp.where(values <= distance, counts, 0), -1, keepdims=True)
  fewest = jnp.sum(distance == jnp.min(distance))
  rest = distance.size - fewest
  scale = jnp.float32(255) / jnp.maximum(rest, 1).astype(jnp.float32)
  spread = jnp.round((up_to - fewest).astype(jnp.float32) * scale)
  return jnp.where(rest > 0, spread.astype(jnp.int32), distance)


def _box(levels: jax.Array) -> jax.Array:
  """Sums 3x3 pixels of int32 [H, W, 1], mirrored at the edges."""
  return stencils.correlate(levels, np.ones((3, 3), int))


def shine(layer: jax.Array, amount: float) -> jax.Array:
  """Makes drops of water shine by how far they are from an edge.

  Step by step what the generator does with OpenCV, in whole numbers, which are
  its own: the layer as 8 bits (values above 1 wrap around, as numpy's do),
  Canny's edges, the distance to them as 8 bits, equalized, embossed and
  blurred. Where all is dry, it divides 0 by 0; here nothing shines.

  Args:
    layer: Float [H, W, 1], from `drops`.
    amount: The greatest value of the result.

  Returns:
    Float [H, W, 1] in [0, amount].
  """
  liquid = jnp.floor(255 * layer).astype(jnp.int32) & 255
  far = edges.distance(edges.canny(liquid, 50, 150), _FARTHEST)
  # Both are 9 times the mean; the first, in units of 2 ** -16, is truncated.
  equal = _equalize((_box(far) // 9) >> 16)
  lit = jnp.clip(stencils.correlate(equal, _EMBOSS), 0, 255)
  product = (liquid * ((_box(lit) + 4) // 9)).astype(layer.dtype)
  return amount * product / jnp.maximum(jnp.max(product), 1)


def cake(layer: jax.Array, threshold: float, sigma: float) -> jax.Array:
  """Makes spots of mud out of drops.

  Args:
    layer: Float [H, W, 1], from `drops`.
    threshold: Mud is where the layer is above it.
    sigma: Blurs the spots, of which what is below 0.8 is dropped, static.

  Returns:
    Float [H, W, 1]: 0, or in [0.8, 1].
  """
  spots = matrices.smooth((layer > threshold).astype(layer.dtype), sigma)
  return jnp.where(spots < 0.8, 0, spots)


def _paint(tint: np.ndarray, image: jax.Array) -> jax.Array:
  """Returns a colour, float [1, 1, C]: on grey images its grey value."""
  paint = jnp.asarray(tint, image.dtype).reshape(1, 1, 3)
  return paint if image.shape[-1] == 3 else color.grayscale(paint)[..., :1]


def add_water(image: jax.Array, mask: jax.Array) -> jax.Array:
  """Adds pale turquoise, as much as the mask, float [H, W, 1], says."""
  return jnp.clip(image + mask * _paint(_WATER, image), 0, 1)


def add_mud(image: jax.Array, mask: jax.Array) -> jax.Array:
  """Covers with brown, as far as the mask, float [H, W, 1], says."""
  return jnp.clip(image * (1 - mask) + mask * _paint(_MUD, image), 0, 1)


def spatter(key: jax.Array, image: jax.Array, severity: int) -> jax.Array:
  """Spatters the lens, float [H, W, C] in [0, 1]; see `CORRUPTIONS`."""
  constants = severities.pick(_SPATTER, severity)
  mean, std, sigma, threshold, amount, is_mud = constants
  shape = (*image.shape[:2], 1)
  noise = mean + std * draws.normal(key, shape, image.dtype)
  layer = drops(noise, sigma, threshold)
  if is_mud:
    return add_mud(image, cake(layer, threshold, amount))
  return add_water(image, shine(layer, amount))
