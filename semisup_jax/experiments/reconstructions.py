"""What an autoencoder makes of images that it has not learned from."""

from typing import Any, NamedTuple

import jax
import numpy as np

from semisup_jax import models, objectives
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import Method, Variables

# Images that are compared, and those that are shown.
MAX_IMAGES, SHOWN = 2000, 8
_AT_ONCE = 200


class Reconstructed(NamedTuple):
  """Images and their reconstructions.

  Attributes:
    images: The first ones, float [2, N, H, W, C] in [0, 1].
    rows: For results.json: SSIM, squared error, and of how many images.
  """

  images: np.ndarray
  rows: list[dict[str, Any]]


def of_reported(
  method: Method,
  variables: Variables,
  ingredients: Ingredients,
  mesh: jax.sharding.Mesh,
  window: int,
) -> Reconstructed | None:
  """Reconstructs images of the reported part; None without a decoder.

  Args:
    method: With a model that is an autoencoder, or another one.
    variables: Of the model.
    ingredients: The images.
    mesh: Divides the batches.
    window: Of SSIM, in pixels.
  """
  if not isinstance(method.model, models.Autoencoder):
    return None
  forward = ingredients.forward(method.model, mesh, 'reconstruction')
  images = ingredients.reported.images
  count = min(len(images), MAX_IMAGES)
  similar, error, shown = 0.0, 0.0, None
  for start in range(0, count, _AT_ONCE):
    rows = np.arange(start, min(start + _AT_ONCE, count))
    found = forward(variables, images, rows)
    true = images[rows].astype(np.float32) / 255
    weight = len(rows) / count
    similar += weight * float(
      objectives.ssim(found, true, data_range=1.0, window=window)
    )
    error += weight * float(objectives.mean_squared_error(found, true))
    if shown is None:
      shown = np.stack([true[:SHOWN], found[:SHOWN]])
  row = {'ssim': similar, 'squared_error': error, 'window': window, 'n': count}
  return Reconstructed(shown, [row])
