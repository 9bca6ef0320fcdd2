"""Pixels to pixels, on the device: random views of images.

`parse` makes one function of a string of ops named in `OPS`, `views` applies it
to a batch. Every op is jittable, vmappable with one key an image, and free of
communication when the batch is sharded. `MIXING` holds what goes across the
batch afterwards, for images and labels both. `corruptions`, a package of its
own, holds no views to learn from but tests of what was learned.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import jax

from semisup_jax.augment import (
  affine,
  appearance,
  boxes,
  color,
  filters,
  geometry,
  rand_augment,
  tones,
)
from semisup_jax.augment.mixing import MIXING, Mix, derangement
from semisup_jax.augment.pipeline import (
  Op,
  Transform,
  parse,
  parse_pixels,
  preprocess,
  view_keys,
  views,
)

__all__ = [
  'MIXING',
  'OPS',
  'Mix',
  'Op',
  'Transform',
  'derangement',
  'parse',
  'parse_pixels',
  'preprocess',
  'view_keys',
  'views',
  'with_statistics',
]


def _normalize(key: jax.Array, image: jax.Array, mean: Any, std: Any):
  del key  # Nothing is random here.
  return color.normalize(image, mean, std)


OPS: MappingProxyType[str, Op] = MappingProxyType(
  {
    'random_resized_crop': geometry.random_resized_crop,
    'random_crop': geometry.random_crop,
    'flip_left_right': geometry.random_flip_left_right,
    'color_jitter': color.color_jitter,
    'grayscale': color.random_grayscale,
    'gaussian_blur': filters.random_gaussian_blur,
    'random_affine': affine.random_affine,
    'noise': filters.random_noise,
    'sharpness': filters.random_sharpness,
    'solarize': tones.random_solarize,
    'posterize': tones.random_posterize,
    'autocontrast': tones.random_autocontrast,
    'equalize': tones.random_equalize,
    'cutout': boxes.random_cutout,
    'rand_augment': rand_augment.rand_augment,
    'appearance': appearance.appearance,
    'normalize': _normalize,
  }
)


def with_statistics(
  mean: float | Sequence[float], std: float | Sequence[float]
) -> dict[str, Op]:
  """Returns `OPS` where `normalize` needs no arguments.

  Args:
    mean: Of the data set's pixels in [0, 1]; a number, or one a channel.
    std: Likewise, > 0.
  """

  def normalize(key, image, mean=mean, std=std):
    return _normalize(key, image, mean, std)

  return {**OPS, 'normalize': normalize}
