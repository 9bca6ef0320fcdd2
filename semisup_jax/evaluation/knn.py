"""k nearest neighbours in an embedding: what can be had without training."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from semisup_jax import objectives

# A class that no neighbour votes for is unlikely, not impossible: without a
# floor one such image makes the set's negative log-likelihood infinite. Of
# several labels, neither is one that all vote for certain.
FLOOR = 1e-3


@partial(jax.jit, static_argnames=('neighbours', 'num_classes'))
def _votes(
  bank, bank_labels, weights, queries, temperature, *, neighbours, num_classes
):
  bank = bank / jnp.maximum(jnp.linalg.norm(bank, axis=-1, keepdims=True), 1e-8)
  norm = jnp.linalg.norm(queries, axis=-1, keepdims=True)
  queries = queries / jnp.maximum(norm, 1e-8)
  similarity = jnp.matmul(queries, bank.T, precision=jax.lax.Precision.HIGHEST)
  similarity = jnp.where(weights > 0, similarity, -jnp.inf)
  top, rows = jax.lax.top_k(similarity, neighbours)
  # Relative to the nearest, so that a small temperature cannot overflow.
  votes = jnp.exp((top - top[:, :1]) / temperature)
  encode = objectives.target_of(bank_labels).encode
  classes = encode(bank_labels[rows], num_classes, float)
  scores = jnp.einsum('qn,qnk->qk', votes, classes)
  if bank_labels.ndim == 2:  # The labels of a neighbour do not share its vote.
    return scores / votes.sum(-1, keepdims=True)
  return scores / scores.sum(-1, keepdims=True)


def knn_logits(
  bank: np.ndarray,
  bank_labels: np.ndarray,
  queries: np.ndarray,
  *,
  neighbours: int,
  temperature: float,
  num_classes: int,
  chunk: int = 1024,
) -> np.ndarray:
  """Cosine kNN, each neighbour voting with `exp(similarity / temperature)`.

  Wu et al. 2018, https://arxiv.org/abs/1805.01978, Sec. 3.4.

  Args:
    bank: Embeddings with known labels, float [M, D].
    bank_labels: int [M], or 0 and 1 [M, K] of several labels an image.
    queries: Embeddings to classify, float [N, D].
    neighbours: How many vote; all of the bank, if it has fewer.
    temperature: Positive; small ones let the nearest decide.
    num_classes: K.
    chunk: Queries that are compared at one time; any gives the same.

  Returns:
    Log-probabilities, float32 [N, K]: the shares of the vote, mixed with a
    uniform distribution of weight `FLOOR`. Of several labels, log-odds: each
    label's share of the vote, mixed with one half.
  """
  bank = jnp.asarray(bank)
  bank_labels = jnp.asarray(bank_labels)
  # The bank is padded to a power of two so that draws of different size share
  # a few compilations.
  size = 1 << (len(bank) - 1).bit_length()
  padding = size - len(bank)
  weights = jnp.pad(jnp.ones(len(bank)), (0, padding))
  probabilities = [
    _votes(
      jnp.pad(bank, ((0, padding), (0, 0))),
      jnp.pad(bank_labels, ((0, padding), (0, 0))[: bank_labels.ndim]),
      weights,
      jnp.asarray(queries[start : start + chunk]),
      temperature,
      neighbours=min(neighbours, len(bank)),
      num_classes=num_classes,
    )
    for start in range(0, len(queries), chunk)
  ]
  votes = np.concatenate(jax.device_get(probabilities))
  if bank_labels.ndim == 2:
    return scipy.special.logit((1 - FLOOR) * votes + FLOOR / 2)
  return np.log((1 - FLOOR) * votes + FLOOR / num_classes)
