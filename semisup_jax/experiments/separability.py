"""How far classes lie apart in features of the encoder, seen and in numbers."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from semisup_jax import data, metrics, visualize
from semisup_jax.data.dataset import UNKNOWN
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import InputError

# Enough points to see clusters, few enough for t-SNE to take seconds.
MAX_POINTS = 1000
NEIGHBOURS = 10
OUTPUT = 'output'


def check(config: Any, ingredients: Ingredients) -> None:
  """Fails early if `evaluation.features` names what the encoder has not.

  Raises:
    InputError: Naming those that it has.
  """
  asked = config.evaluation.features
  if not asked:
    return
  shape = ingredients.splits.train.images.shape[1:]
  image = jax.ShapeDtypeStruct((1, *shape), ingredients.dtype)
  (_, known), _ = jax.eval_shape(
    lambda x: ingredients.encoder.init_with_output(
      jax.random.key(0), x, train=False
    ),
    image,
  )
  for name in asked:
    if name not in known:
      raise InputError(
        f'evaluation.features must be of {", ".join(known)}, those of '
        f'model.name={config.model.name}; got {name!r}'
      )


class Separability:
  """The output of an encoder, and features on the way, of the reported part.

  Attributes:
    rows: For results.json, one a feature: silhouette by cosine distance, the
      share of the nearest neighbours that are of the same class, what chance
      would give, and of how many images.
    labels: Of these images, int [N]; of one with several, `UNKNOWN`.
  """

  def __init__(self, config: Any, embeddings: Embeddings):
    """Looks at `MAX_POINTS` images at most.

    Args:
      config: The whole config; `evaluation.features` are shown beside the
        output.
      embeddings: Of the encoder.
    """
    reported = embeddings.ingredients.reported
    some = np.random.default_rng(0).permutation(len(reported))[:MAX_POINTS]
    some.sort()
    self.labels = data.alone(reported.labels[some])
    features = {
      name: embeddings.feature(name)[some]
      for name in config.evaluation.features
    }
    features[OUTPUT] = embeddings.reported[some]
    self._features = features
    known = self.labels != UNKNOWN
    self.rows = [
      _numbers(name, feature[known], self.labels[known])
      for name, feature in features.items()
      if known.sum() > 1
    ]

  def points(self) -> Mapping[str, np.ndarray]:
    """PCA and t-SNE of each, on the unit sphere, where kNN compares them."""
    found = {}
    for name, feature in self._features.items():
      of = '' if len(self._features) == 1 else f'{name}, '
      on_sphere = visualize.on_sphere(feature)
      found[f'{of}PCA'] = visualize.pca(on_sphere)
      found[f'{of}t-SNE'] = visualize.tsne(on_sphere, seed=0)
    return found


def _numbers(
  name: str, feature: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
  purity, chance = metrics.neighbour_purity(
    feature, labels, neighbours=NEIGHBOURS
  )
  silhouette = metrics.silhouette(feature, labels)
  return {
    'feature': name,
    'silhouette': None if math.isnan(silhouette) else silhouette,
    'purity': purity,
    'chance': chance,
    'neighbours': NEIGHBOURS,
    'n': len(labels),
  }
