"""Which images lie next to others in an embedding."""

from typing import NamedTuple

import numpy as np

from semisup_jax.visualize.embeddings import on_sphere


class Neighbours(NamedTuple):
  """The nearest rows of a bank.

  Attributes:
    rows: int [Q, count], the nearest first.
    similarity: Their cosines, float [Q, count].
  """

  rows: np.ndarray
  similarity: np.ndarray


def nearest(
  queries: np.ndarray,
  bank: np.ndarray,
  count: int,
  *,
  own: np.ndarray | None = None,
) -> Neighbours:
  """The nearest neighbours by cosine; of equal ones the first.

  Args:
    queries: Embeddings, float [Q, D].
    bank: Embeddings, float [M, D].
    count: How many are asked for, 1 to M; to M - 1 with `own`.
    own: Which row of the bank each query is itself, int [Q], so that nobody is
      its own neighbour; None where the bank has other images.

  Raises:
    ValueError: If there are not so many.
  """
  most = len(bank) - (own is not None)
  if not 1 <= count <= most:
    raise ValueError(f'count must be 1 to {most}, got {count}')
  similarity = on_sphere(queries) @ on_sphere(bank).T
  if own is not None:
    similarity[np.arange(len(queries)), own] = -np.inf
  rows = np.argsort(-similarity, axis=1, kind='stable')[:, :count]
  return Neighbours(rows, np.take_along_axis(similarity, rows, axis=1))
