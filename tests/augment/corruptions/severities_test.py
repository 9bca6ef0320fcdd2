"""A higher severity is further from the image."""

import functools

import jax
import numpy as np
import pytest

from semisup_jax.augment import corruptions
from semisup_jax.augment.corruptions import severities
from semisup_jax.types import InputError

# Those that change more at a higher severity. The others' constants change the
# manner of the corruption too: glass is blurred or displaced, a bend is wide or
# fine, spatter is water or mud, colour is taken or given, and under more frost
# there is less of the image.
_GROWING = [
  *('gaussian_noise', 'shot_noise', 'impulse_noise', 'speckle_noise'),
  *('defocus_blur', 'motion_blur', 'zoom_blur', 'gaussian_blur'),
  *('snow', 'fog', 'brightness', 'contrast'),
  *('pixelate', 'jpeg_compression'),
]


@pytest.mark.parametrize('name', _GROWING)
def test_the_squared_error_grows_with_the_severity(make_pixels, name):
  images = np.stack([make_pixels(32, 32, 3, seed) for seed in range(8)])
  # Not all over the range, so that little is clipped.
  images = (0.6 * images + 30).astype(np.uint8)
  errors = []
  for severity in (1, 3, 5):
    corrupt = functools.partial(
      corruptions.corrupt, name=name, severity=severity, seed=0
    )
    result = np.asarray(jax.jit(corrupt)(images, np.arange(8)), np.float64)
    errors.append(np.mean(np.square(result - images)))
  assert np.all(np.diff(errors) > 0), errors
  assert errors[-1] > 1.3 * errors[0] > 0


def test_picking_takes_the_constant_of_the_severity():
  picked = [severities.pick('abcde', s) for s in corruptions.SEVERITIES]
  assert picked == list('abcde')
  with pytest.raises(InputError, match='severity must'):
    severities.pick('abcde', -1)
