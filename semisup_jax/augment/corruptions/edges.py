"""Edges of an image, and the distance to them, as OpenCV computes both.

Whole numbers throughout, so that the result is the same on every device.
Levels are int32 [H, W, 1] in [0, 255]; edges are bool [H, W, 1].
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.augment.corruptions import stencils

_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
# The tangent of 22.5 degrees in units of 2 ** -15, as OpenCV rounds it; that of
# 67.5 degrees is greater by exactly 2.
_TAN_22, _TAN_BITS = 13573, 15
_ONE = 1 << 16  # Of the distances, which are in units of 2 ** -16 pixels.
# A step to the side, a diagonal one, and a knight's move.
_STEPS = {(0, 1): _ONE, (1, 1): round(1.4 * _ONE), (1, 2): round(2.1969 * _ONE)}


def _is_ridge(dx: jax.Array, dy: jax.Array, strength: jax.Array) -> jax.Array:
  """Whether a gradient is greatest across the edge, bool [H, W, 1]."""
  padded = stencils.pad(strength, 1, 'constant')
  at = functools.partial(stencils.shift, padded, margin=1)
  flat = jnp.abs(dx) * _TAN_22
  steep = flat + (jnp.abs(dx) << (_TAN_BITS + 1))
  slope = jnp.abs(dy) << _TAN_BITS
  falling = jnp.where(
    (dx ^ dy) < 0,
    (strength > at(-1, 1)) & (strength > at(1, -1)),
    (strength > at(-1, -1)) & (strength > at(1, 1)),
  )
  upright = (strength > at(-1, 0)) & (strength >= at(1, 0))
  level = (strength > at(0, -1)) & (strength >= at(0, 1))
  return jnp.where(
    slope < flat, level, jnp.where(slope > steep, upright, falling)
  )


def _grow(edges: jax.Array, within: jax.Array) -> jax.Array:
  """Adds the neighbours of edges, all eight, that lie `within`."""
  padded = stencils.pad(edges, 1, 'constant')
  near = functools.reduce(
    jnp.logical_or,
    (stencils.shift(padded, i - 1, j - 1, 1) for i, j in np.ndindex(3, 3)),
  )
  return within & near


def canny(levels: jax.Array, low: int, high: int) -> jax.Array:
  """Canny's edges, with Sobel's gradients and their sum of absolute values.

  Canny 1986, https://doi.org/10.1109/TPAMI.1986.4767851, as OpenCV's `Canny`.

  Args:
    levels: int32 [H, W, 1] in [0, 255].
    low: What is above it is an edge if it touches one.
    high: What is above it is an edge.

  Returns:
    bool [H, W, 1].
  """
  dx = stencils.correlate(levels, _SOBEL, mode='edge')
  dy = stencils.correlate(levels, _SOBEL.T, mode='edge')
  strength = jnp.abs(dx) + jnp.abs(dy)
  ridge = _is_ridge(dx, dy, strength)
  weak, strong = ridge & (strength > low), ridge & (strength > high)

  def grow(state):
    edges, _ = state
    grown = _grow(edges, weak)
    return grown, jnp.any(grown != edges)

  return jax.lax.while_loop(lambda state: state[1], grow, (strong, True))[0]


def distance(edges: jax.Array, most: int) -> jax.Array:
  """Distance to the nearest edge, along steps to 16 neighbours.

  OpenCV's `distanceTransform` with `DIST_L2` and a mask of 5x5, truncated: the
  least sum of steps to the side (1), diagonal ones (1.4) and knight's moves
  (2.1969). Here all pixels take a step at a time, and as none is shorter than 1
  `most` of them reach every pixel that is nearer than that.

  Args:
    edges: bool [H, W, 1].
    most: What greater distances become, pixels, static.

  Returns:
    int32 [H, W, 1] in [0, most * 2 ** 16], in units of 2 ** -16 pixels; `most`
    everywhere if there is no edge.
  """

  def step(_, far):
    padded = jnp.pad(far, ((2, 2), (2, 2), (0, 0)), constant_values=most * _ONE)
    for i, j in np.ndindex(5, 5):
      offset = i - 2, j - 2
      cost = _STEPS.get(tuple(sorted(map(abs, offset))))
      if cost is not None:
        far = jnp.minimum(far, stencils.shift(padded, *offset, 2) + cost)
    return far

  start = jnp.where(edges, 0, most * _ONE).astype(jnp.int32)
  return jax.lax.fori_loop(0, most, step, start)
