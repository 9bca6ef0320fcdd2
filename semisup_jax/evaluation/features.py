"""Networks applied to whole data sets, in batches, with frozen statistics."""

from typing import Any, Protocol

import jax
import numpy as np
from flax import linen as nn

from semisup_jax import data
from semisup_jax.augment import Transform, preprocess
from semisup_jax.training import sharding
from semisup_jax.types import Variables


class Forward(Protocol):
  """A network's outputs on images, on the host."""

  def __call__(
    self,
    variables: Variables,
    images: np.ndarray,
    rows: np.ndarray | None = None,
  ) -> np.ndarray:
    """Maps uint8 [N, H, W, C] to [N, ...].

    Args:
      variables: Of the network.
      images: See above.
      rows: Which of them, int [M], so that nobody has to copy them; None is
        all.
    """


def padded(images: np.ndarray, rows: int) -> np.ndarray:
  """Adds rows of zeros to at most `rows` images, [N, ...] to [rows, ...]."""
  padding = [(0, rows - len(images))] + [(0, 0)] * (images.ndim - 1)
  return np.pad(images, padding)


def make_forward(
  model: nn.Module,
  transform: Transform,
  *,
  batch_size: int,
  mesh: jax.sharding.Mesh,
  dtype: Any,
  feature: str | None = None,
) -> Forward:
  """Compiles a model's output on images, BatchNorm in eval mode.

  The last batch is padded to the one shape that is compiled, and the padding's
  rows are cut off; in eval mode they cannot touch the others.

  Args:
    model: Returns `(output, features)`.
    transform: What is done to an image before the model; not random.
    batch_size: A multiple of the mesh's size.
    mesh: Divides the batches.
    dtype: Of the images that the model is given.
    feature: Which of the features is given instead of the output; None is the
      output.

  Returns:
    It; the variables cannot be changed by it. Of several processes all have to
    call it, and each gets all outputs.
  """
  whole, part = sharding.replicated(mesh), sharding.divided(mesh)

  def apply(variables, images):
    x = preprocess(transform, images, dtype)
    output, features = model.apply(variables, x, train=False)
    return output if feature is None else features[feature]

  # Of several processes each can read only what lies on its own devices.
  out = part if part.is_fully_addressable else whole
  compiled = jax.jit(apply, in_shardings=(whole, part), out_shardings=out)

  def forward(variables, images, rows=None):
    variables = sharding.everywhere(variables, mesh)
    count = len(images) if rows is None else len(rows)
    outputs = []
    for start in range(0, count, batch_size):
      these = slice(start, start + batch_size)
      batch = images[these] if rows is None else images[rows[these]]
      batch = data.put(padded(batch, batch_size), part)
      outputs.append(compiled(variables, batch))
    return np.concatenate(jax.device_get(outputs))[:count]

  return forward
