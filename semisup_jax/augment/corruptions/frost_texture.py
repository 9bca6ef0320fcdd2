"""A picture of frost on a window, computed.

Needles of ice in six directions, each where one of six smooth fields is
strongest, over a fine grain; bluish where it is thin and white where it is
thick. It has the brightness of a photograph of frost, but it is none.
"""

import functools

import numpy as np

SIZE = 256  # Of either side, pixels; the texture is periodic.
_MEAN, _STD = 0.65, 0.2
_THIN, _THICK = (0.21, 0.3, 0.4), (1.0, 1.0, 1.0)  # Red, green, blue.
_DIRECTIONS = 6


def _filtered(
  random: np.random.RandomState, along: float, across: float, angle: float
) -> np.ndarray:
  """Smoothes noise by a Gaussian of two widths in pixels, float [S, S].

  Of mean 0 and standard deviation 1, and periodic. `angle`, in radians, is that
  of the width `along` to the columns.
  """
  y, x = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE), indexing='ij')
  long = along * (np.cos(angle) * x + np.sin(angle) * y)
  short = across * (np.cos(angle) * y - np.sin(angle) * x)
  response = np.exp(-2 * np.pi**2 * (long**2 + short**2))
  noise = np.fft.fft2(random.standard_normal((SIZE, SIZE)))
  field = np.fft.ifft2(noise * response).real
  return (field - field.mean()) / field.std()


def _thickness(random: np.random.RandomState) -> np.ndarray:
  """How thick the ice is, float [S, S] of no particular range."""
  ice, weight = 0.0, 0.0
  for direction in range(_DIRECTIONS):
    angle = np.pi * (direction + 0.5) / _DIRECTIONS
    needles = np.abs(_filtered(random, 7.0, 0.8, angle))
    where = np.exp(2 * _filtered(random, 12.0, 12.0, 0.0))
    ice, weight = ice + where * needles, weight + where
  patches = _filtered(random, 16.0, 16.0, 0.0)
  grain = _filtered(random, 0.5, 0.5, 0.0)
  return ice / weight + 0.3 * patches + 0.15 * grain


@functools.cache
def texture() -> np.ndarray:
  """Makes the texture, always the same one.

  Returns:
    float64 [SIZE, SIZE, 3] of values k / 255.
  """
  # The stream of RandomState is frozen, other than that of numpy's Generator.
  ice = _thickness(np.random.RandomState(0))
  # By rank, so that the brightness has the distribution that was wanted: about
  # uniform, of the given mean and standard deviation.
  rank = ice.ravel().argsort().argsort().reshape(ice.shape) / (ice.size - 1)
  bright = _MEAN + _STD * np.sqrt(12) * (rank - 0.5)
  thin, thick = np.array(_THIN), np.array(_THICK)
  low = thin.mean()
  colors = thin + (thick - thin) * ((bright - low) / (1 - low))[..., None]
  return np.round(255 * np.clip(colors, 0, 1)) / 255
