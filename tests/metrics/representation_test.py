import functools
import math

import numpy as np
import pytest
import sklearn.neighbors

from semisup_jax import metrics

EPSILON = 1e-7


def embeddings(seed, rows=40, dim=6, rank=6):
  generator = np.random.default_rng(seed)
  mixed = generator.normal(size=(rows, rank)) @ generator.normal(
    size=(rank, dim)
  )
  return mixed + generator.normal(size=dim)


def slow_rank(z):
  """By the eigenvalues of the Gram matrix, one at a time."""
  small = z.T @ z if z.shape[0] >= z.shape[1] else z @ z.T
  sigma = [max(value, 0) ** 0.5 for value in np.linalg.eigvalsh(small)]
  entropy = 0.0
  for value in sigma:
    p = value / sum(sigma) + EPSILON
    entropy -= p * math.log(p)
  return math.exp(entropy)


def slow_std(z):
  rows = [[x / math.dist(row, [0] * len(row)) for x in row] for row in z]
  total = 0.0
  for column in zip(*rows, strict=True):
    mean = sum(column) / len(column)
    total += (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5
  return total / len(z[0]) * len(z[0]) ** 0.5


@pytest.mark.parametrize('shape', [(40, 6), (5, 6), (6, 6), (3, 17), (1, 4)])
@pytest.mark.parametrize('seed', range(3))
def test_equal_slow_loops(seed, shape):
  z = embeddings(seed, *shape)
  np.testing.assert_allclose(metrics.rank_me(z), slow_rank(z), rtol=1e-5)
  np.testing.assert_allclose(metrics.feature_std(z), slow_std(z))


@pytest.mark.parametrize('sigma', [[1, 1, 1], [3, 1, 0.5], [1, 1e-3, 0]])
def test_the_rank_of_known_singular_values(sigma):
  generator = np.random.default_rng(0)
  left, _ = np.linalg.qr(generator.normal(size=(10, 3)))
  right, _ = np.linalg.qr(generator.normal(size=(4, 3)))
  p = np.array([*sigma, 0]) / sum(sigma) + EPSILON
  expected = np.exp(-np.sum(p * np.log(p)))
  found = metrics.rank_me(left * np.array(sigma) @ right.T)
  np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize('rank', [1, 2, 5, 8])
def test_equal_directions_count_themselves(rank):
  z = np.zeros((40, 8))
  z[np.arange(40), np.arange(40) % rank] = 3.0
  np.testing.assert_allclose(metrics.rank_me(z), rank, rtol=3e-5)
  assert 1 <= metrics.rank_me(z) <= 8


def test_the_rank_has_the_papers_epsilon():
  p = 1 + EPSILON
  expected = np.exp(-p * np.log(p) - 511 * EPSILON * np.log(EPSILON))
  np.testing.assert_allclose(
    metrics.rank_me(np.ones((600, 512))), expected, rtol=1e-9
  )
  assert expected == pytest.approx(1.0008, abs=1e-4)


def test_the_rank_stays_in_its_range():
  # The epsilon alone would give 600.2 here, and 0.9999999 there.
  assert metrics.rank_me(np.eye(600)) == 600
  assert metrics.rank_me([[5.0]]) == 1


@pytest.mark.parametrize('measure', [metrics.rank_me, metrics.feature_std])
def test_the_scale_changes_nothing(measure):
  z = embeddings(0, rows=50)
  np.testing.assert_allclose(measure(1e-3 * z), measure(z), rtol=1e-9)
  assert measure(z.astype(np.float32)) == pytest.approx(measure(z), rel=1e-5)
  assert type(measure(z)) is float


def test_a_rotation_leaves_the_rank():
  z = embeddings(1)
  turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))
  np.testing.assert_allclose(metrics.rank_me(z @ turn), metrics.rank_me(z))


def test_what_is_not_centred_counts_as_a_direction():
  z = np.random.default_rng(0).normal(size=(400, 4))
  assert metrics.rank_me(z) == pytest.approx(4, abs=0.05)
  assert metrics.rank_me(z + 100) < 1.2


@pytest.mark.parametrize('constant', [0.0, 1.0, -2.5])
def test_full_collapse(constant):
  z = np.full((64, 16), constant)
  assert metrics.rank_me(z) == pytest.approx(1, abs=1e-4)
  assert metrics.feature_std(z) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('dim', [2, 16, 128])
def test_the_std_of_an_isotropic_gaussian_is_one(dim):
  z = np.random.default_rng(0).normal(size=(4000, dim))
  assert metrics.feature_std(7 * z) == pytest.approx(1, abs=0.01)


def test_the_std_of_opposite_axes_is_one_and_of_axes_is_less():
  axes = np.eye(5)
  assert metrics.feature_std([*axes, *-axes]) == pytest.approx(1)
  assert metrics.feature_std(axes) == pytest.approx((1 - 1 / 5) ** 0.5)


def test_a_row_of_zeros_stays_in_the_middle():
  # Directions 1, -1 and 0: variance 2 / 3.
  z = [[4.0], [-0.1], [0.0]]
  assert metrics.feature_std(z) == pytest.approx((2 / 3) ** 0.5)


@pytest.mark.parametrize('measure', [metrics.rank_me, metrics.feature_std])
def test_what_does_not_fit_is_refused(measure):
  for shape in [(3,), (0, 4), (4, 0), (2, 2, 2)]:
    with pytest.raises(ValueError, match='embeddings need the shape'):
      measure(np.ones(shape))
  z = embeddings(0)
  z[[1, 3], 2] = np.nan, np.inf
  with pytest.raises(ValueError, match='2 of 40 rows are not'):
    measure(z)


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('neighbours', [1, 7, 100])
def test_purity_is_that_of_scikit_learns_neighbours(seed, neighbours):
  random = np.random.default_rng(seed)
  labels = random.integers(3, 7, 40)
  embeddings = random.normal(labels[:, None] % 3, 1, (40, 5))
  k = min(neighbours, 39)
  found = sklearn.neighbors.NearestNeighbors(n_neighbors=k, metric='cosine')
  nearest = found.fit(embeddings).kneighbors(return_distance=False)
  purity, chance = metrics.neighbour_purity(
    embeddings, labels, neighbours=neighbours
  )
  np.testing.assert_allclose(
    purity, (labels[nearest] == labels[:, None]).mean()
  )
  same = labels[:, None] == labels
  np.testing.assert_allclose(chance, (same.sum() - 40) / (40 * 39))
  if k == 39:  # All are neighbours of all.
    np.testing.assert_allclose(purity, chance)


def test_the_silhouette_by_its_definition():
  random = np.random.default_rng(0)
  labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 5])
  x = random.normal(labels[:, None], 1, (10, 3))
  unit = x / np.linalg.norm(x, axis=1, keepdims=True)
  distance = 1 - unit @ unit.T
  values = []
  for i, label in enumerate(labels):
    means = {
      c: distance[i, (labels == c) & (np.arange(10) != i)].mean()
      for c in set(labels.tolist())
      if ((labels == c) & (np.arange(10) != i)).any()
    }
    a = means.pop(label, None)
    b = min(means.values())
    values.append(0 if a is None else (b - a) / max(a, b))
  np.testing.assert_allclose(metrics.silhouette(x, labels), np.mean(values))
  for few in (np.zeros(10, int), np.arange(10)):
    assert np.isnan(metrics.silhouette(x, few))


def test_separability_refuses_what_does_not_fit():
  x = np.ones((4, 2))
  for measure in (
    metrics.silhouette,
    functools.partial(metrics.neighbour_purity, neighbours=1),
  ):
    with pytest.raises(ValueError, match=r'labels need the shape \[4\]'):
      measure(x, [0, 1])
  with pytest.raises(ValueError, match='at least 1'):
    metrics.neighbour_purity(x, [0, 1, 0, 1], neighbours=0)
