"""What a run has learned, apart from the run: an encoder and what it needs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util

from semisup_jax import models
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.types import Variables


class SavedModel(NamedTuple):
  """An encoder, and how images are shown to it.

  Attributes:
    method: What the report calls what it was learned by.
    section: `model` of the config, plain values.
    image_shape: Of each image, (H, W, C).
    mean: Of each channel, in [0, 1], float64 [C], by which images are
      normalized.
    std: Likewise.
    class_names: Of the K classes or labels.
    embedding_size: D.
    encoder: The network that `section` names.
    variables: The encoder's, arrays on the host.
    head: The classifier on it, calibrated, or None.
  """

  method: str
  section: Mapping[str, Any]
  image_shape: tuple[int, int, int]
  mean: np.ndarray
  std: np.ndarray
  class_names: tuple[str, ...]
  embedding_size: int
  encoder: nn.Module
  variables: Variables
  head: Head | None

  @property
  def dtype(self) -> Any:
    """Of the images that the network is given: float32 or wider."""
    return jnp.promote_types(models.DTYPES[self.section['dtype']], jnp.float32)


def of_run(config: Any, job: Job, measured: Measured) -> SavedModel:
  """What a run has learned; of several processes all have to ask.

  Args:
    config: The whole config.
    job: What was done.
    measured: What came of it.
  """
  embeddings = measured.embeddings
  ingredients = embeddings.ingredients
  splits, head = ingredients.splits, measured.head or embeddings.probe
  if head is not None:
    head = head.calibrated(embeddings.validation, splits.validation.labels)
  return SavedModel(
    method=job.method,
    section=config.model.to_dict(),
    image_shape=splits.train.images.shape[1:],
    mean=ingredients.mean,
    std=ingredients.std,
    class_names=splits.train.class_names,
    embedding_size=embeddings.validation.shape[-1],
    encoder=ingredients.encoder,
    variables=jax.tree.map(np.asarray, embeddings.variables),
    head=head,
  )


def check(saved: SavedModel) -> None:
  """Fails where arrays are not of the shapes that the rest asks for.

  Raises:
    ValueError: Naming the array.
  """
  image = jax.ShapeDtypeStruct((1, *saved.image_shape), saved.dtype)
  (output, _), variables = jax.eval_shape(
    lambda x: saved.encoder.init_with_output(jax.random.key(0), x, train=False),
    image,
  )
  size, classes = output.shape[-1], len(saved.class_names)
  channels = saved.image_shape[-1:]
  expected = _shapes(variables)
  expected |= {'mean': channels, 'std': channels, 'embedding': (size,)}
  found = _shapes(saved.variables)
  found |= {'mean': saved.mean.shape, 'std': saved.std.shape}
  found['embedding'] = (saved.embedding_size,)
  if saved.head is not None:
    expected |= {'head/kernel': (size, classes), 'head/bias': (classes,)}
    found['head/kernel'] = saved.head.kernel.shape
    found['head/bias'] = saved.head.bias.shape
  for name in sorted(expected.keys() | found.keys()):
    shapes = [str(x.get(name, 'absent')) for x in (found, expected)]
    if shapes[0] != shapes[1]:
      raise ValueError(f'{name} is {shapes[0]}, and should be {shapes[1]}')


def _shapes(variables: Variables) -> dict[str, tuple[int, ...]]:
  flat = traverse_util.flatten_dict(variables, sep='/')
  return {name: leaf.shape for name, leaf in flat.items()}
