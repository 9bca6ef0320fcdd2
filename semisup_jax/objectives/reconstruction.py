"""Objectives that compare an image with its reconstruction."""

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax.objectives.views import widen

# Of Wang et al. 2004: the standard deviation of the window, in pixels, and the
# two constants that keep the ratios finite, in shares of the data range.
SSIM_SIGMA = 1.5
SSIM_K1 = 0.01
SSIM_K2 = 0.03


def mean_squared_error(prediction: jax.Array, target: jax.Array) -> jax.Array:
  """Squared difference, averaged over the batch and every entry of a row.

  Gradients flow into both arrays: where the target comes from a network, stop
  them there.

  Args:
    prediction: Float [batch, ...], of two axes or more.
    target: What is to be predicted, [batch, ...], of the same shape.

  Returns:
    Scalar in squared units of the arrays, float32 or wider.

  Raises:
    ValueError: If the shapes differ, have fewer than two axes or no entries.
  """
  shape, target_shape = jnp.shape(prediction), jnp.shape(target)
  if shape != target_shape or len(shape) < 2 or 0 in shape:
    raise ValueError(
      'prediction and target need one shape [batch >= 1, ...] of two axes or '
      f'more, none empty; got {shape} and {target_shape}'
    )
  prediction, target = widen(prediction, target)
  return jnp.mean(jnp.square(prediction - target))


def ssim(
  a: jax.Array, b: jax.Array, *, data_range: float, window: int = 11
) -> jax.Array:
  """Structural similarity of two batches of images.

  Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861, Eq. 13: in every
  window the product of

    (2 m_a m_b + C1) / (m_a^2 + m_b^2 + C1)    and
    (2 c_ab + C2) / (v_a + v_b + C2),

  with means m, variances v and covariance c weighted by a Gaussian of sigma
  1.5 pixels (weights that sum to 1, so biased), C1 = (0.01 data_range)^2 and
  C2 = (0.03 data_range)^2. Windows lie inside the image; channels are compared
  one by one. scikit-image's defaults are other ones (uniform 7x7 window, sample
  covariance).

  It is a similarity, 1 for equal images and below that otherwise; a loss to be
  minimised is `1 - ssim(...)`.

  Args:
    a: Images, float [batch, height, width, channels].
    b: Images to compare with, float [batch, height, width, channels].
    data_range: The largest possible value minus the smallest one, positive: 1.0
      for images in [0, 1], 2.0 for [-1, 1].
    window: Width of the window in pixels, odd and at least 3. The standard
      value is 11; images with fewer pixels a side need a smaller one, which
      cuts the Gaussian off earlier and keeps its sigma. Values of different
      windows are not comparable.

  Returns:
    Scalar, float32 or wider, the mean over windows, channels and batch.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 1, height >= window,
      width >= window, channels >= 1], if the window is even or below 3, or if
      the data range is a number that is not positive.
  """
  _check_images(a, b, data_range, window)
  a, b = widen(a, b)
  # In the half sum s and the half difference d both ratios have one form, since
  # 2 ab = 2 (s^2 - d^2) and a^2 + b^2 = 2 (s^2 + d^2): no ratio can leave
  # [-1, 1], equal images give exactly 1, and nearly equal ones lose no digits.
  means, variances = _window_moments(jnp.stack([a + b, a - b]) / 2, window)
  luminance = _ratio(jnp.square(means), (SSIM_K1 * data_range) ** 2)
  structure = _ratio(variances, (SSIM_K2 * data_range) ** 2)
  return jnp.mean(luminance * structure)


def _check_images(
  a: jax.Array, b: jax.Array, data_range: float, window: int
) -> None:
  """Fails unless both are image batches that hold a window."""
  if window < 3 or window % 2 == 0:
    raise ValueError(f'window must be odd and at least 3, got {window}')
  if isinstance(data_range, int | float) and not data_range > 0:
    raise ValueError(f'data_range must be positive, got {data_range}')
  shape_a, shape_b = jnp.shape(a), jnp.shape(b)
  fits = len(shape_a) == 4 and 0 not in shape_a
  if shape_a != shape_b or not fits or min(shape_a[1:3]) < window:
    raise ValueError(
      f'images need one shape [batch >= 1, height >= {window}, width >= '
      f'{window}, channels >= 1], or a smaller window; got {shape_a} and '
      f'{shape_b}'
    )


def _ratio(squares: jax.Array, constant: float) -> jax.Array:
  """(2 ab + C) / (a^2 + b^2 + C), from s^2 and d^2 stacked."""
  alike, apart = 2 * squares
  return (alike - apart + constant) / (alike + apart + constant)


def _window_moments(
  images: jax.Array, window: int
) -> tuple[jax.Array, jax.Array]:
  """Means and variances in all windows; images [..., height, width, channels].

  The variance is E[x^2] - E[x]^2 of images less their own mean, so that flat
  images lose no digits and have variance 0; a rounding error below 0 is cut.
  """
  offset = jnp.mean(images, axis=(-3, -2), keepdims=True)
  # A variance does not depend on the offset, so neither does its gradient.
  flat = images - jax.lax.stop_gradient(offset)
  means, squares = _window_means(flat, window), _window_means(flat**2, window)
  variances = jnp.maximum(squares - jnp.square(means), 0)
  return means + jax.lax.stop_gradient(offset), variances


def _window_means(images: jax.Array, window: int) -> jax.Array:
  """Means under the Gaussian, separable: one matrix product a side.

  A convolution along each axis has fewer operations and is slower: on two CPU
  cores, with gradients, 50 times at 28x28 pixels and 9 times at 224x224.
  """
  rows, columns = (
    jnp.asarray(_gaussian_band(size, window), images.dtype)
    for size in images.shape[-3:-1]
  )
  return jnp.einsum(
    'ph,qw,...hwc->...pqc',
    rows,
    columns,
    images,
    precision=jax.lax.Precision.HIGHEST,
  )


def _gaussian_band(size: int, window: int) -> np.ndarray:
  """Matrix [size - window + 1, size] with a Gaussian on each row."""
  offsets = np.arange(window) - window // 2
  weights = np.exp(-0.5 * (offsets / SSIM_SIGMA) ** 2)
  weights /= weights.sum()
  band = np.zeros((size - window + 1, size))
  for start, row in enumerate(band):
    row[start : start + window] = weights
  return band
