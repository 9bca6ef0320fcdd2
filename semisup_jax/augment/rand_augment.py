"""RandAugment: a few ops from a list of fourteen, each of random strength.

Cubuk et al. 2020, https://arxiv.org/abs/1909.13719, with the list and the
ranges of FixMatch (Sohn et al. 2020, https://arxiv.org/abs/2001.07685, Table
12). Images are float [H, W, C] in [0, 1] with one channel or three, and stay in
[0, 1]; with one channel 'color' changes nothing.

As the `magnitude` goes from 1 to 0, a range shrinks from FixMatch's towards
what changes nothing. Autocontrast and equalize have no strength. Unlike
FixMatch's Pillow code, the geometric ops are about the centre and bilinear.
"""

import jax
import jax.numpy as jnp

from semisup_jax.augment import affine, amounts, color, filters, tones


def _dulled(adjust):
  """Makes an op of an adjustment by a factor, which is in [0.05, 0.95]."""
  return lambda image, amount, magnitude: adjust(
    image, 1 - magnitude * (0.05 + 0.9 * amount)
  )


def _posterize(image, amount, magnitude):
  """Keeps 4 to 8 bits, each number as often."""
  lost = jnp.floor(amount * (4 * magnitude + 1)).astype(jnp.int32)
  return tones.posterize(image, 8 - lost)


_TONES = {
  'identity': lambda image, amount, magnitude: image,
  'autocontrast': lambda image, amount, magnitude: tones.autocontrast(image),
  'brightness': _dulled(color.adjust_brightness),
  'color': _dulled(color.adjust_saturation),
  'contrast': _dulled(color.adjust_contrast),
  'equalize': lambda image, amount, magnitude: tones.equalize(image),
  'posterize': _posterize,
  'sharpness': _dulled(filters.adjust_sharpness),
  'solarize': lambda image, amount, magnitude: tones.solarize(
    image, 1 - magnitude * amount
  ),
}
_MOVES = ('rotate', 'shear_x', 'shear_y', 'translate_x', 'translate_y')
NAMES = (*_TONES, *_MOVES)


def _move(image: jax.Array, amounts_of_moves: jax.Array) -> jax.Array:
  """Does the one of the moves whose amount, of float [5] in [-1, 1], is not 0.

  A turn by up to 30 degrees; a shear by up to 0.3, the tangent of the angle; a
  shift by up to 0.3 of the side. What was outside of the image is black.
  """
  turn, shear_x, shear_y, right, down = amounts_of_moves
  angle = jnp.deg2rad(30 * turn)
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  matrix = ((cos, 0.3 * shear_y - sin), (0.3 * shear_x + sin, cos))
  return affine.warp(image, matrix, 0.3 * jnp.stack([down, right]))


def apply_op(
  image: jax.Array,
  op: jax.typing.ArrayLike,
  amount: jax.typing.ArrayLike,
  magnitude: float,
) -> jax.Array:
  """Applies one op of the list.

  Args:
    image: Float [H, W, C] in [0, 1], one channel or three.
    op: Which, an integer scalar: a position in `NAMES`, may be traced.
    amount: Where in the op's range, a scalar in [0, 1): from one end of it to
      the other where it has two signs (0.5 changes nothing), and else from what
      changes least to what changes most.
    magnitude: How much of FixMatch's range, in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1], up to rounding.

  Raises:
    ValueError: If the image has neither one channel nor three.
  """
  amount = jnp.asarray(amount, image.dtype)
  # Under vmap a switch computes all its branches. So the five moves, which are
  # the most expensive, share one branch, where those not chosen have amount 0.
  signed = magnitude * (2 * amount - 1)
  chosen = jnp.arange(len(_MOVES)) == op - len(_TONES)
  moves = jnp.where(chosen, signed, 0)
  branches = [
    lambda image, tone=tone: tone(image, amount, magnitude)
    for tone in _TONES.values()
  ]
  branches.append(lambda image: _move(image, moves))
  return jax.lax.switch(op, branches, image)  # Clamped: moves take the last.


def rand_augment(
  key: jax.Array, image: jax.Array, count: int, magnitude: float = 1.0
) -> jax.Array:
  """Applies ops drawn from the list, with replacement, one after the other.

  FixMatch's strong view is this and then cutout, which is an op of its own.

  Args:
    key: A PRNG key.
    image: Float [H, W, C] in [0, 1], one channel or three.
    count: How many ops, >= 1; each has its own strength, uniform in its range.
    magnitude: How much of FixMatch's ranges, in [0, 1].

  Returns:
    Float [H, W, C] in [0, 1], up to rounding.

  Raises:
    InputError: If an amount is out of its range.
    ValueError: If the image has neither one channel nor three.
  """
  amounts.check_whole('count', count, 1)
  amounts.check_number('magnitude', magnitude, 0, 1)
  key_op, key_amount = jax.random.split(key)
  ops = jax.random.randint(key_op, (count,), 0, len(NAMES), jnp.int32)
  strengths = amounts.uniform(key_amount, image, 0, 1, (count,))
  for position in range(count):
    image = apply_op(image, ops[position], strengths[position], magnitude)
  return image
