"""Another camera, another light: one change of look for a whole data set."""

import jax
import jax.numpy as jnp

from semisup_jax.augment import amounts
from semisup_jax.types import InputError

# What is left of each channel's light, red, green and blue, at strength 1.
_CAST = (1.0, 0.6, 0.3)
_CONTRAST = 0.2  # What is left of it at strength 1.
_BRIGHTNESS = 0.3  # What is added at strength 1.


def appearance(key: jax.Array, image: jax.Array, strength: float) -> jax.Array:
  """Takes contrast away, brightens, and gives a cast of orange.

  The same for every image, so that it moves the statistics of a test set as a
  whole. A shift of ours, from no paper.

  Args:
    key: Not used: nothing is random here.
    image: Float [H, W, C] in [0, 1], C 1 or 3; a grey one gets no cast.
    strength: In [0, 1]; 0 changes nothing.

  Returns:
    Float [H, W, C] in [0, 1].

  Raises:
    InputError: If the strength is out of its range.
  """
  del key
  amounts.check_number('strength', strength, 0, 1)
  channels = image.shape[-1]
  if channels not in (1, 3):
    raise InputError(f'an image has 1 or 3 channels, got {channels}')
  contrast = 1 - strength * (1 - _CONTRAST)
  image = 0.5 + contrast * (image - 0.5) + strength * _BRIGHTNESS
  if channels == 3:
    image = image * (1 - strength * (1 - jnp.array(_CAST, image.dtype)))
  return jnp.clip(image, 0, 1)
