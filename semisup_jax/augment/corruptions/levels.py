"""The 256 levels of an 8-bit image, where a corruption passes through them.

Images are float [...] in [0, 1]; levels are int32 [...] in [0, 255].
"""

import jax
import jax.numpy as jnp

# A value this little below a level counts as on it, in levels: what rounding in
# float32 amounts to, so that white stays white after a blur. The generator
# computes in float64 and truncates, whereby such values fall a level by chance.
SLACK = 1 / 4096


def truncate(image: jax.Array) -> jax.Array:
  """Returns the levels at or below the values, as numpy's conversion to uint8.

  Args:
    image: Float [...]; what is outside of [0, 1] is clipped.

  Returns:
    int32 [...] in [0, 255].
  """
  level = jnp.floor(255 * image + SLACK)
  return jnp.clip(level, 0, 255).astype(jnp.int32)


def nearest(image: jax.Array) -> jax.Array:
  """Returns the nearest levels, int32 [...], of values k / 255."""
  return jnp.clip(jnp.round(255 * image), 0, 255).astype(jnp.int32)


def to_image(levels: jax.Array, dtype: jax.typing.DTypeLike) -> jax.Array:
  """Returns levels, int32 [...] in [0, 255], as `dtype` [...] in [0, 1]."""
  return levels.astype(dtype) / 255
