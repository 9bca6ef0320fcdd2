"""All corruptions by name."""

from collections.abc import Callable
from types import MappingProxyType

import jax

from semisup_jax.augment.corruptions import (
  blur,
  digital,
  elastic,
  jpeg,
  motion,
  noise,
  spatter,
  weather,
)

Corruption = Callable[[jax.Array, jax.Array, int], jax.Array]

# `(key, image, severity) -> image`: float [H, W, C] of values k / 255 becomes
# float [H, W, C] in [0, 1], up to rounding; the severity is static.
CORRUPTIONS: MappingProxyType[str, Corruption] = MappingProxyType(
  {
    'gaussian_noise': noise.gaussian_noise,
    'shot_noise': noise.shot_noise,
    'impulse_noise': noise.impulse_noise,
    'defocus_blur': blur.defocus_blur,
    'glass_blur': blur.glass_blur,
    'motion_blur': motion.motion_blur,
    'zoom_blur': blur.zoom_blur,
    'snow': weather.snow,
    'frost': weather.frost,
    'fog': weather.fog,
    'brightness': digital.brightness,
    'contrast': digital.contrast,
    'elastic_transform': elastic.elastic_transform,
    'pixelate': digital.pixelate,
    'jpeg_compression': jpeg.jpeg_compression,
    'speckle_noise': noise.speckle_noise,
    'gaussian_blur': blur.gaussian_blur,
    'spatter': spatter.spatter,
    'saturate': digital.saturate,
  }
)
COMMON = tuple(CORRUPTIONS)[:15]
EXTRA = tuple(CORRUPTIONS)[15:]
