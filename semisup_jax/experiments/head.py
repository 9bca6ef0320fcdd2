"""A linear classifier on an encoder, and how sure it may be of what it says."""

from typing import Any, NamedTuple

import numpy as np

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
    multi_label: Whether an image has any number of the K labels, each with a
      probability of its own, and not one class.
  """

  protocol: str
  labels_per_class: Any
  labels: int
  kernel: np.ndarray
  bias: np.ndarray
  temperature: float = 1.0
  validation_images: int = 0
  multi_label: bool = False

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
    kernel, bias = map(np.asarray, models.linear_head(variables))
    return cls(
      outcome.protocol,
      outcome.labels_per_class,
      len(splits.labelled),
      kernel,
      bias,
      multi_label=splits.train.multi_label,
    )

  @property
  def scoring(self) -> metrics.Scoring:
    """How its logits are read."""
    return metrics.SEVERAL_LABELS if self.multi_label else metrics.ONE_CLASS

  def logits(self, embeddings: np.ndarray) -> np.ndarray:
    """Float [N, D] to float64 [N, K], the temperature not applied."""
    return embeddings.astype(np.float64) @ self.kernel + self.bias

  def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
    """Float [N, D] to float32 [N, K]; of one class an image, rows sum to 1."""
    logits = self.logits(embeddings) / self.temperature
    return self.scoring.probabilities(logits).astype(np.float32)

  def calibrated(self, embeddings: np.ndarray, labels: np.ndarray) -> 'Head':
    """The same, with the temperature that fits images it has not learned from.

    Args:
      embeddings: Of validation images, float [V, D]. They have chosen the model
        as well, so its confidence may still be a little high.
      labels: int [V], or 0 and 1 [V, K].
    """
    temperature = self.scoring.fit_temperature(
      self.logits(embeddings), labels, doubt=1 / (len(labels) + 2)
    )
    return self._replace(temperature=temperature, validation_images=len(labels))
