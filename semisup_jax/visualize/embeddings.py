"""High-dimensional embeddings as points in the plane."""

import numpy as np


def pca(features: np.ndarray) -> np.ndarray:
  """The two directions of largest variance; float [N, D] to [N, 2].

  Signs are fixed (each component's largest loading is positive), so that two
  pictures can be compared.
  """
  from sklearn import decomposition

  return decomposition.PCA(2, svd_solver='full').fit_transform(features)


def tsne(features: np.ndarray, *, seed: int) -> np.ndarray:
  """t-SNE, https://jmlr.org/papers/v9/vandermaaten08a.html, started from PCA.

  Args:
    features: float [N, D].
    seed: For what randomness the start leaves.

  Returns:
    float [N, 2]. Distances between clusters mean little; who is whose
    neighbour does mean something.
  """
  from sklearn import manifold

  perplexity = min(30.0, (len(features) - 1) / 3)
  model = manifold.TSNE(2, perplexity=perplexity, init='pca', random_state=seed)
  return model.fit_transform(features)
