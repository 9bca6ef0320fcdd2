"""What a frozen encoder makes of the images, and a classifier on it."""

import functools
import operator
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import Variables


class Embeddings:
  """One frozen encoder, and what it makes of each part, once it is asked for.

  Attributes:
    config: The whole config.
    ingredients: Its objects.
    variables: The encoder's.
    probe: The linear probe with the most labels, of the first draw of them,
      once one was fitted; else None.
  """

  def __init__(
    self,
    config: Any,
    ingredients: Ingredients,
    mesh: jax.sharding.Mesh,
    variables: Variables,
  ):
    """Takes the encoder of `ingredients` with its `variables`."""
    self.config = config
    self.ingredients = ingredients
    self.variables = variables
    self.probe: Head | None = None
    self._courses: list[dict[str, Any]] = []
    self._mesh = mesh
    self._forward = ingredients.forward(ingredients.encoder, mesh)

  def keep(self, probe: Head) -> None:
    """Takes a linear probe, unless one of as many labels is there."""
    if self.probe is None or probe.labels > self.probe.labels:
      self.probe = probe

  def keep_courses(self, looks: Iterable[dict[str, Any]]) -> None:
    """Takes the looks at validation of trainings that were chosen from."""
    # At once, for trainings may run side by side.
    self._courses.extend(list(looks))

  @property
  def courses(self) -> list[dict[str, Any]]:
    """Of the trainings that began with the encoder, where several were made to
    choose from: a row a look at validation, for results.json."""
    order = operator.itemgetter('labels', 'draw', 'protocol')
    return sorted(self._courses, key=order)

  @functools.cached_property
  def train(self) -> np.ndarray:
    """Of the training part, float [T, D]; rows that are held out are NaN."""
    splits = self.ingredients.splits
    known = self._forward(self.variables, splits.train.images, splits.known)
    train = np.full((len(splits.train), *known.shape[1:]), np.nan, known.dtype)
    train[splits.known] = known
    return train

  @functools.cached_property
  def validation(self) -> np.ndarray:
    """Of the validation part, float [V, D]."""
    images = self.ingredients.splits.validation.images
    return self._forward(self.variables, images)

  @functools.cached_property
  def reported(self) -> np.ndarray:
    """Of the reported part, float [N, D]."""
    return self._forward(self.variables, self.ingredients.reported.images)

  def feature(self, name: str) -> np.ndarray:
    """Another feature of the encoder, of the reported part, float [N, D].

    Args:
      name: As the encoder names it. Of a map its mean over the pixels is taken.
    """
    ingredients = self.ingredients
    forward = ingredients.forward(ingredients.encoder, self._mesh, name)
    found = forward(self.variables, ingredients.reported.images)
    between = tuple(range(1, found.ndim - 1))
    return found.mean(axis=between, dtype=np.float64).astype(np.float32)
