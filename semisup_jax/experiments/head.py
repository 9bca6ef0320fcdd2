"""A linear classifier on an encoder, and how sure it may be of what it says."""

from typing import Any, NamedTuple

import numpy as np
import scipy.special

from semisup_jax import data, evaluation, metrics, models
from semisup_jax.types import Variables


class Head(NamedTuple):
  """A linear classifier of embeddings, as the encoder gives them.

  Logits are computed on the host in float64: a probe's standardization is
  folded into it, and float32 would lose what that takes away.

  Attributes:
    protocol: What it was learned by: `linear_probe`, or a method that
      classifies.
    labels_per_class: As in results.json: an integer, an average or 'all'.
    labels: Of how many images labels were seen.
    kernel: float [D, K].
    bias: float [K].
    temperature: By which logits are divided, so that probabilities are right as
      often as they say; 1 until it is `calibrated`.
    validation_images: Which the temperature was fitted to; 0 for none.
  """

  protocol: str
  labels_per_class: Any
  labels: int
  kernel: np.ndarray
  bias: np.ndarray
  temperature: float = 1.0
  validation_images: int = 0

  @classmethod
  def of_classifier(
    cls, outcome: evaluation.Outcome, variables: Variables, splits: data.Splits
  ) -> 'Head':
    """The head of a network that a run itself has trained to classify.

    Args:
      outcome: What is reported of it.
      variables: The network's.
      splits: What it has learned from.
    """
    layer = map(np.asarray, models.linear_head(variables))
    k, labels = outcome.labels_per_class, len(splits.labelled)
    return cls(outcome.protocol, k, labels, *layer)

  def logits(self, embeddings: np.ndarray) -> np.ndarray:
    """Float [N, D] to float64 [N, K], the temperature not applied."""
    return embeddings.astype(np.float64) @ self.kernel + self.bias

  def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
    """Float [N, D] to float32 [N, K]; rows sum to 1."""
    logits = self.logits(embeddings) / self.temperature
    return scipy.special.softmax(logits, axis=-1).astype(np.float32)

  def calibrated(self, embeddings: np.ndarray, labels: np.ndarray) -> 'Head':
    """The same, with the temperature that fits images it has not learned from.

    Args:
      embeddings: Of validation images, float [V, D]. They have chosen the model
        as well, so its confidence may still be a little high.
      labels: int [V].
    """
    temperature = metrics.fit_temperature(
      self.logits(embeddings), labels, doubt=1 / (len(labels) + 2)
    )
    return self._replace(temperature=temperature, validation_images=len(labels))
