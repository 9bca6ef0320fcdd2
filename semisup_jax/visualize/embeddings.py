"""High-dimensional embeddings as points in the plane."""

from collections.abc import Sequence

import numpy as np


def pca(features: np.ndarray) -> np.ndarray:
  """The two directions of largest variance; float [N, D] to [N, 2].

  Signs are fixed (each component's largest loading is positive), so that two
  pictures can be compared.
  """
  from sklearn import decomposition

  return decomposition.PCA(2, svd_solver='full').fit_transform(features)


def on_sphere(features: np.ndarray) -> np.ndarray:
  """Scales features to unit length, as kNN compares them; float [N, D]."""
  norm = np.linalg.norm(features, axis=-1, keepdims=True)
  return features / np.maximum(norm, 1e-8)


def common_pca(snapshots: Sequence[np.ndarray]) -> list[np.ndarray]:
  """The plane of the last snapshot's PCA, in which all are seen.

  Args:
    snapshots: Of the same images, float [N, D] each.

  Returns:
    Float [N, 2] each; the last is what `pca` gives of it.
  """
  last = np.asarray(snapshots[-1], np.float64)
  middle = last.mean(axis=0)
  _, _, axes = np.linalg.svd(last - middle, full_matrices=False)
  axes = axes[:2]
  largest = np.abs(axes).argmax(axis=1)
  axes *= np.sign(axes[np.arange(len(axes)), largest])[:, None]
  return [(np.asarray(x, np.float64) - middle) @ axes.T for x in snapshots]


def tsne(
  features: np.ndarray, *, seed: int, start: np.ndarray | None = None
) -> np.ndarray:
  """t-SNE, https://jmlr.org/papers/v9/vandermaaten08a.html, started from PCA.

  Args:
    features: float [N, D].
    seed: For what randomness the start leaves.
    start: Where points begin, float [N, 2], so that pictures of the same images
      can be compared; it is scaled as scikit-learn scales PCA's. None is PCA.

  Returns:
    float [N, 2]. Distances between clusters mean little; who is whose
    neighbour does mean something.
  """
  from sklearn import manifold

  perplexity = min(30.0, (len(features) - 1) / 3)
  init = 'pca'
  if start is not None:
    init = (start / np.std(start[:, 0]) * 1e-4).astype(np.float32)
  model = manifold.TSNE(2, perplexity=perplexity, init=init, random_state=seed)
  return model.fit_transform(features)
