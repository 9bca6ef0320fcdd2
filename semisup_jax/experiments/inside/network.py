"""A network that can be looked into, and the one of a run."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from semisup_jax import augment, models, visualize
from semisup_jax.experiments import learned
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.reporting import inside
from semisup_jax.types import Variables


class Seen(NamedTuple):
  """What a network makes of images.

  Attributes:
    embeddings: float32 [N, D].
    probabilities: Of the classes or labels, float32 [N, K]; None without a
      classifier.
  """

  embeddings: np.ndarray
  probabilities: np.ndarray | None

  @classmethod
  def joined(cls, parts: Sequence['Seen']) -> 'Seen':
    """One after the other, at least one."""
    embeddings, probabilities = zip(*parts, strict=True)
    if probabilities[0] is None:
      return cls(np.concatenate(embeddings), None)
    return cls(np.concatenate(embeddings), np.concatenate(probabilities))


@dataclasses.dataclass(frozen=True)
class Network:
  """A network, opened; what is traced of it is computed when it is asked for.

  Attributes:
    name: As `model.name` of a config has it.
    method: What the page calls what it was learned by.
    classifier: A sentence on its classifier; empty where it has none.
    class_names: Of the K classes or labels.
    multi_label: Whether it gives an image any number of these.
    image_shape: Of what it is shown, (H, W, C).
    shorter_side: See `data.FoundImages`.
    mean: Of each channel, in [0, 1], float64 [C].
    notes: Sentences on how files are shown to it.
    see: uint8 [N, H, W, C] to what it makes of them.
    normalize: The same to what `apply` takes, float [N, H, W, C].
    model: Its module.
    variables: The module's.
    apply: `(variables, normalized images) -> (logits [N, K], features)`; of a
      network without a classifier embeddings in the logits' place.
  """

  name: str
  method: str
  classifier: str
  class_names: tuple[str, ...]
  multi_label: bool
  image_shape: tuple[int, int, int]
  shorter_side: int | None
  mean: np.ndarray
  notes: Sequence[str]
  see: Callable[[np.ndarray], Seen]
  normalize: Callable[[jax.Array], jax.Array]
  model: nn.Module
  variables: Variables
  apply: visualize.Network

  @functools.cached_property
  def features(self) -> tuple[str, ...]:
    """Names of the features that are maps, in the network's order."""
    return visualize.map_features(self.apply, self.variables, self._images)

  @functools.cached_property
  def kernel(self) -> np.ndarray | None:
    """Of the first convolution, float32 [h, w, C, F], or None."""
    return visualize.first_kernel(self.model, self.variables, self._images)

  def activations(
    self, pixels: np.ndarray, feature: str
  ) -> visualize.Activations:
    """A feature of uint8 images [N, H, W, C]."""
    images = self.normalize(jnp.asarray(pixels))
    return visualize.activations(self.apply, self.variables, images, feature)

  def grad_cam(
    self, pixels: np.ndarray, feature: str, classes: np.ndarray
  ) -> np.ndarray:
    """Grad-CAM of one class in each image.

    Args:
      pixels: uint8 [N, H, W, C].
      feature: One of `features`.
      classes: int [N].

    Returns:
      float32 [N, H, W].
    """
    rows = np.arange(len(classes))
    maps = visualize.grad_cam(
      self.apply,
      self.variables,
      self.normalize(jnp.asarray(pixels)),
      feature,
      lambda logits: logits[rows, classes],
    )
    return visualize.enlarged(maps, *pixels.shape[1:3])

  @property
  def _images(self) -> jax.ShapeDtypeStruct:
    pixels = jax.ShapeDtypeStruct((1, *self.image_shape), np.uint8)
    return jax.eval_shape(self.normalize, pixels)


def normalization(
  mean: Sequence[float],
  std: Sequence[float],
  image_shape: tuple[int, int, int],
  dtype: jax.typing.DTypeLike,
) -> Callable[[jax.Array], jax.Array]:
  """What makes uint8 images [N, H, W, C] normalized ones of `dtype`."""
  statistics = augment.with_statistics(np.asarray(mean), np.asarray(std))
  normalize = augment.parse('normalize', statistics, image_shape=image_shape)
  return lambda pixels: augment.preprocess(normalize, pixels, dtype)


def of_run(saved: SavedModel) -> Network:
  """The encoder of a run, and the linear classifier on it."""
  loaded, head = learned.of(saved), saved.head
  # A block that is computed twice cannot be opened.
  once = {'remat': False} if 'remat' in saved.section else {}
  encoder = models.make_encoder({**saved.section, **once})

  def see(pixels):
    embeddings = loaded.embed(pixels)
    return Seen(embeddings, head and head.probabilities(embeddings))

  def apply(variables, images):
    output, features = encoder.apply(variables, images, train=False)
    if head is not None:
      kernel = jnp.asarray(head.kernel, jnp.float32)
      output = output @ kernel + jnp.asarray(head.bias, jnp.float32)
    return output, features

  return Network(
    name=saved.section['name'],
    method=saved.method,
    classifier=inside.learned_classifier(
      head.protocol, head.labels, head.validation_images
    )
    if head
    else '',
    class_names=saved.class_names,
    multi_label=head is not None and head.multi_label,
    image_shape=saved.image_shape,
    shorter_side=None,
    mean=saved.mean,
    notes=(),
    see=see,
    normalize=normalization(
      saved.mean, saved.std, saved.image_shape, saved.dtype
    ),
    model=encoder,
    variables=loaded.variables,
    apply=apply,
  )
