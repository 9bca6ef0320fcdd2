"""The model of a finished run, to be used: images to embeddings and classes."""

import functools
import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn

from semisup_jax import augment, evaluation, training, weights
from semisup_jax.experiments import model_file
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.types import InputError, Variables

# Images that the network looks at in one go.
BATCH = 128


class Learned(NamedTuple):
  """What a run has learned.

  Attributes:
    model: The encoder; `model.apply(variables, x, train=False)` gives
      `(embeddings, features)` of normalized images.
    variables: The encoder's, on the first device.
    class_names: Of the K classes or labels.
    embed: uint8 images [N, H, W, C] as they are in a file, of the run's H, W
      and C and any N, to embeddings, float32 [N, D], on the host. They are
      normalized as in the run. InputError says what else was given.
    classify: The same images to the probabilities of the classes, float32
      [N, K], calibrated on the run's validation part. Rows sum to 1 where an
      image has one class; where it has any number of labels, each label has a
      probability of its own. None where the run has fitted no linear classifier
      to these embeddings.
  """

  model: nn.Module
  variables: Variables
  class_names: tuple[str, ...]
  embed: Callable[[Any], np.ndarray]
  classify: Callable[[Any], np.ndarray] | None

  def export(self, path: str | os.PathLike) -> None:
    """Writes the encoder for users of torch: docs/published_weights.md.

    Args:
      path: Of a .safetensors file, with the names that torchvision has.

    Raises:
      InputError: If torchvision has no such network, or it cannot be written.
    """
    weights.export(path, self.model, self.variables)


def load(workdir: str | os.PathLike) -> Learned:
  """Loads the encoder of a finished run and the classifier on it.

  Args:
    workdir: Of the run; it has model.npz and model.json.

  Raises:
    InputError: If there is no such run, or its files are damaged.
  """
  return of(model_file.read(pathlib.Path(workdir).expanduser()))


def of(saved: SavedModel) -> Learned:
  """The same of a model that was read already."""
  mesh = training.make_mesh(1, jax.local_devices()[:1])
  variables = training.everywhere(saved.variables, mesh)
  embed = _embedder(saved, variables, mesh)
  classify = None
  if saved.head is not None:
    classify = _classifier(saved.head.probabilities, embed)
  return Learned(saved.encoder, variables, saved.class_names, embed, classify)


def _embedder(saved: SavedModel, variables: Variables, mesh: Any) -> Callable:
  statistics = augment.with_statistics(saved.mean, saved.std)
  normalize = augment.parse(
    'normalize', statistics, image_shape=saved.image_shape
  )

  @functools.cache
  def forward(batch_size):
    return evaluation.make_forward(
      saved.encoder,
      normalize,
      batch_size=batch_size,
      mesh=mesh,
      dtype=saved.dtype,
    )

  def embed(images):
    images = _checked(np.asarray(images), saved.image_shape)
    if not len(images):
      return np.zeros((0, saved.embedding_size), np.float32)
    # Powers of two: one image does not wait for 128, and few sizes are
    # compiled.
    size = min(BATCH, 1 << (len(images) - 1).bit_length())
    return forward(size)(variables, images).astype(np.float32)

  return embed


def _classifier(probabilities: Callable, embed: Callable) -> Callable:
  return lambda images: probabilities(embed(images))


def _checked(
  images: np.ndarray, image_shape: tuple[int, int, int]
) -> np.ndarray:
  """Images of the run's shape, or an error that says what they are instead."""
  good = images.ndim == 4 and images.shape[1:] == image_shape
  if images.dtype != np.uint8 or not good:
    raise InputError(
      f'images must be uint8 [N, {", ".join(map(str, image_shape))}] with '
      'values 0 to 255, as those that the run has learned from; got '
      f'{images.dtype} {list(images.shape)}'
    )
  return images
