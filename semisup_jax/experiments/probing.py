"""Linear probes on the encoder of a run."""

from collections.abc import Callable

import numpy as np

from semisup_jax import data, evaluation
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.evaluation.linear_probe import (
  LinearClassifier,
  linear_probe,
  standardization,
)
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.head import Head


def _probing(embeddings):
  """Fits a probe to rows of the training part; and how it standardizes.

  The embeddings of validation, standardized, come third.
  """
  splits = embeddings.ingredients.splits
  section = embeddings.config.evaluation.linear_probe
  standardize = standardization(embeddings.train[splits.unlabelled])
  train = standardize(embeddings.train)
  validation = standardize(embeddings.validation)

  def fit(rows):
    return linear_probe(
      train[rows],
      splits.train.labels[rows],
      validation,
      splits.validation.labels,
      l2=section.l2,
      num_classes=embeddings.ingredients.num_classes,
    )

  return fit, standardize, validation


def probe(embeddings: Embeddings) -> Protocol:
  """Logistic regression on standardized embeddings; L2 chosen on validation."""
  ingredients = embeddings.ingredients
  fit, standardize, validation = _probing(embeddings)
  reported = standardize(embeddings.reported)

  def protocol(rows, draw):
    fitted = fit(rows)
    if draw == 0:
      head = _as_head(fitted, standardize, rows, ingredients.splits)
      embeddings.keep(head)
    return fitted(reported), ingredients.threshold(lambda: fitted(validation))

  return protocol


def _as_head(fitted, standardize, rows, splits) -> Head:
  """A probe with what it was fitted to, of embeddings as they are."""
  every = len(rows) == len(splits.labelled)
  train = splits.train
  drawn_for = data.members(train.labels[rows], train.num_classes).any(axis=0)
  return Head(
    'linear_probe',
    'all' if every else len(rows) // int(drawn_for.sum()),
    len(rows),
    *evaluation.unstandardized(fitted.classifier, standardize),
    multi_label=train.multi_label,
  )


def probed_head(
  embeddings: Embeddings,
) -> Callable[[np.ndarray], LinearClassifier]:
  """What a head starts as that is probed first.

  Returns:
    Rows of the training part to the linear probe that is fitted to them, of
    embeddings as the encoder gives them.
  """
  fit, standardize, _ = _probing(embeddings)
  dtype = embeddings.ingredients.dtype

  def head(rows):
    fitted = evaluation.unstandardized(fit(rows).classifier, standardize)
    return LinearClassifier(*(x.astype(dtype) for x in fitted))

  return head
