"""The network of a run, to be looked into."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax import augment, models, visualize
from semisup_jax.experiments import learned
from semisup_jax.experiments.saved_model import SavedModel


class Network:
  """An encoder, opened, and the classifier on it.

  Attributes:
    saved: Of the run.
    embed: uint8 images [N, H, W, C] to embeddings, float32 [N, D].
    features: Names of the features that are maps, in the network's order.
    kernel: Of the first convolution, float32 [h, w, C, F], or None.
  """

  def __init__(self, saved: SavedModel):
    """Traces the encoder; nothing is computed yet."""
    self.saved = saved
    loaded = learned.of(saved)
    self.embed, self._variables = loaded.embed, loaded.variables
    # A block that is computed twice cannot be opened.
    once = {'remat': False} if 'remat' in saved.section else {}
    encoder = models.make_encoder({**saved.section, **once})
    self._apply = functools.partial(encoder.apply, train=False)
    images = jax.ShapeDtypeStruct((1, *saved.image_shape), saved.dtype)
    self.features = visualize.map_features(self._apply, self._variables, images)
    self.kernel = visualize.first_kernel(encoder, self._variables, images)

  @property
  def name(self) -> str:
    """As `model.name` of a config has it."""
    return self.saved.section['name']

  def classify(self, pixels: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] to probabilities, float32 [N, K]."""
    return self.saved.head.probabilities(self.embed(pixels))

  def activations(
    self, pixels: np.ndarray, feature: str
  ) -> visualize.Activations:
    """A feature of uint8 images [N, H, W, C]."""
    images = self._normalized(pixels)
    return visualize.activations(self._apply, self._variables, images, feature)

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
    weights = jnp.asarray(self.saved.head.kernel.T[classes], jnp.float32)
    maps = visualize.grad_cam(
      self._apply,
      self._variables,
      self._normalized(pixels),
      feature,
      lambda output: jnp.einsum('nd,nd->n', output, weights),
    )
    return visualize.enlarged(maps, *pixels.shape[1:3])

  def _normalized(self, pixels: np.ndarray) -> jax.Array:
    saved = self.saved
    statistics = augment.with_statistics(saved.mean, saved.std)
    normalize = augment.parse(
      'normalize', statistics, image_shape=saved.image_shape
    )
    return augment.preprocess(normalize, jnp.asarray(pixels), saved.dtype)
