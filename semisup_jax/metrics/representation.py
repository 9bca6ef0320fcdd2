"""What a representation is like, without a classifier on it.

`rank_me` and `feature_std` need no labels: they tell a collapsed encoder from
one that is not, and neither says how good one that is not collapsed is for a
task. `silhouette` and `neighbour_purity` say how far classes lie apart.
"""

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

EPSILON = 1e-7  # Garrido et al. 2023, for float32; a part of the measure.


def rank_me(embeddings: ArrayLike) -> float:
  """The effective rank of embeddings: over how many dimensions they spread.

  Garrido et al. 2023, https://arxiv.org/abs/2210.02885, Eq. 1: the exponential
  of the entropy of p_k = sigma_k / sum(sigma) + 1e-7, sigma the singular values
  of the embeddings, not centred. It depends on N, above all where N is not
  several times D: compare values of one N (the paper's is 25,600).

  Args:
    embeddings: Float [N, D], rows of different images, as they leave the
      network: neither centred nor normalised.

  Returns:
    Between 1, all rows on one line through the origin, and min(N, D), equal
    singular values. The epsilon lifts low ranks a little: one line gives 1.0008
    at min(N, D) = 512. All-zero embeddings give what one line does.

  Raises:
    ValueError: If the shape is not [N >= 1, D >= 1] or a value is not finite.
  """
  embeddings = _matrix(embeddings)
  sigma = np.linalg.svd(embeddings, compute_uv=False)
  total = sigma.sum()
  p = (sigma / total if total > 0 else sigma) + EPSILON
  entropy = scipy.special.entr(p).sum()
  # With the epsilon p sums to a little over 1, which could leave the range.
  return float(np.clip(np.exp(entropy), 1, len(sigma)))


def feature_std(embeddings: ArrayLike) -> float:
  """The spread of embeddings on the unit sphere, 0 where all are one point.

  Chen and He 2021, https://arxiv.org/abs/2011.10566, Figure 2: rows are
  normalised to length 1, and the standard deviation of each feature over the
  rows is averaged over features. Here it is multiplied by sqrt(D), so that it
  compares between widths: the figure's 1 / sqrt(D) reads 1.

  Args:
    embeddings: Float [N, D], rows of different images. A row of zeros, which
      has no direction, stays one.

  Returns:
    In [0, 1]: 0 for full collapse (and for one row), 1 for an isotropic
    Gaussian of many rows. The standard deviation has ddof 0.

  Raises:
    ValueError: If the shape is not [N >= 1, D >= 1] or a value is not finite.
  """
  embeddings = _matrix(embeddings)
  length = np.linalg.norm(embeddings, axis=1, keepdims=True)
  directions = np.divide(
    embeddings, length, out=np.zeros_like(embeddings), where=length > 0
  )
  std = directions.std(axis=0)
  return float(std.mean() * len(std) ** 0.5)


def silhouette(embeddings: ArrayLike, labels: ArrayLike) -> float:
  """How far classes lie apart, by cosine distances.

  Rousseeuw 1987, https://doi.org/10.1016/0377-0427(87)90125-7: of each row
  (b - a) / max(a, b), a its mean distance to the others of its class and b the
  smallest mean distance to another class; 0 where it is alone in its class. The
  mean of all, by scikit-learn. Time and memory grow with N^2.

  Args:
    embeddings: Float [N, D].
    labels: Classes, integers [N].

  Returns:
    In [-1, 1]: 1 where each class is one point, about 0 where they overlap; NaN
    where there are not between 2 and N - 1 classes, as then it is undefined.

  Raises:
    ValueError: If shapes do not fit or a value is not finite.
  """
  from sklearn import metrics

  embeddings, labels = _labelled(embeddings, labels)
  if not 2 <= len(np.unique(labels)) < len(labels):
    return float('nan')
  return float(metrics.silhouette_score(embeddings, labels, metric='cosine'))


def neighbour_purity(
  embeddings: ArrayLike, labels: ArrayLike, *, neighbours: int
) -> tuple[float, float]:
  """The share of nearest neighbours, by cosine, that are of one's own class.

  Time and memory grow with N^2.

  Args:
    embeddings: Float [N, D].
    labels: Classes, integers [N].
    neighbours: How many nearest others are looked at; at least 1 and at most
      N - 1, or as many as there are.

  Returns:
    `(purity, chance)` in [0, 1]: the mean over rows, and what it would be if
    all were neighbours of all. Of one row, NaN.

  Raises:
    ValueError: If shapes do not fit, a value is not finite, or `neighbours` is
      below 1.
  """
  if neighbours < 1:
    raise ValueError(f'neighbours needs to be at least 1; got {neighbours}')
  embeddings, labels = _labelled(embeddings, labels)
  count = len(labels)
  if count == 1:
    return float('nan'), float('nan')
  length = np.linalg.norm(embeddings, axis=1, keepdims=True)
  directions = embeddings / np.maximum(length, np.finfo(np.float64).tiny)
  similarity = directions @ directions.T
  np.fill_diagonal(similarity, -np.inf)
  nearest = np.argsort(-similarity, axis=1, kind='stable')
  nearest = nearest[:, : min(neighbours, count - 1)]
  own = np.unique(labels, return_inverse=True)[1]
  others = np.bincount(own)[own] - 1
  same = labels[nearest] == labels[:, None]
  return float(same.mean()), float(others.mean() / (count - 1))


def _labelled(
  embeddings: ArrayLike, labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Embeddings as float64 [N, D] and labels [N], checked."""
  matrix, labels = _matrix(embeddings), np.asarray(labels)
  if labels.shape != (len(matrix),):
    raise ValueError(
      f'labels need the shape [{len(matrix)}], as embeddings; got '
      f'{labels.shape}'
    )
  return matrix, labels


def _matrix(embeddings: ArrayLike) -> np.ndarray:
  """Embeddings as float64 [N, D], checked."""
  matrix = np.asarray(embeddings)
  if matrix.ndim != 2 or 0 in matrix.shape:
    raise ValueError(
      f'embeddings need the shape [N >= 1, D >= 1]; got {matrix.shape}'
    )
  matrix = matrix.astype(np.float64)
  broken = ~np.isfinite(matrix).all(axis=1)
  if broken.any():
    raise ValueError(
      f'embeddings need to be finite; {broken.sum()} of {len(broken)} rows '
      'are not'
    )
  return matrix
