"""Occlusion, neighbours and mistakes, against slow versions in NumPy."""

import numpy as np
import pytest

from semisup_jax import visualize
from semisup_jax.visualize import occlusion


def classifier(height, width, channels):
  """Linear in the pixels, softmax of three classes."""
  weights = np.random.default_rng(1).normal(size=(height * width * channels, 3))

  def classify(images):
    logits = images.reshape(len(images), -1) / 255 @ weights
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)

  return classify


@pytest.mark.parametrize(
  ('patch', 'stride'), [(1, 1), (3, 1), (3, 2), (4, 3), (6, 5), (2, 4)]
)
def test_occlusion_equals_a_loop_over_pixels(patch, stride, monkeypatch):
  monkeypatch.setattr(occlusion, 'CHUNK', 5)
  height, width = 6, 9
  image = np.random.default_rng(0).integers(
    0, 256, (height, width, 3), np.uint8
  )
  classify, fill = (
    classifier(height, width, 3),
    np.array([9, 99, 199], np.uint8),
  )
  falls = {}
  tops = {min(t, height - patch) for t in range(0, height, stride)}
  lefts = {min(x, width - patch) for x in range(0, width, stride)}
  whole = classify(image[None])[0, 2]
  for top in tops:
    for left in lefts:
      covered = image.copy()
      covered[top : top + patch, left : left + patch] = fill
      fall = whole - classify(covered[None])[0, 2]
      for y in range(top, top + patch):
        for x in range(left, left + patch):
          falls.setdefault((y, x), []).append(fall)
  expected = np.full((height, width), np.nan)
  for place, values in falls.items():
    expected[place] = np.mean(values)
  found = visualize.occlude(
    classify, image, 2, patch=patch, stride=stride, fill=fill
  )
  assert found.dtype == np.float32
  np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(('patch', 'stride'), [(0, 1), (7, 1), (2, 0)])
def test_no_patch_or_one_that_does_not_fit_is_refused(patch, stride):
  with pytest.raises(ValueError, match='patch must be 1 to 6 and stride'):
    visualize.occlude(
      None, np.zeros((6, 9, 1), np.uint8), 0, patch=patch, stride=stride, fill=0
    )


@pytest.mark.parametrize('among_themselves', [False, True])
def test_neighbours_equal_a_loop(among_themselves):
  random = np.random.default_rng(0)
  bank, queries = random.normal(size=(20, 4)), random.normal(size=(6, 4))
  own = None
  if among_themselves:
    own = np.array([3, 0, 19, 7, 7, 12])
    queries = bank[own]
  found = visualize.nearest(queries, bank, 5, own=own)
  for i, query in enumerate(queries):
    cosines = {}
    for j, other in enumerate(bank):
      norms = np.sqrt(query @ query) * np.sqrt(other @ other)
      if own is None or own[i] != j:
        cosines[j] = query @ other / norms
    expected = sorted(cosines, key=lambda j: -cosines[j])[:5]
    assert found.rows[i].tolist() == expected
    np.testing.assert_allclose(
      found.similarity[i], [cosines[j] for j in expected]
    )


@pytest.mark.parametrize(('count', 'own'), [(0, None), (4, None), (3, [0])])
def test_more_neighbours_than_there_are_are_refused(count, own):
  with pytest.raises(ValueError, match=f'got {count}'):
    visualize.nearest(np.ones((1, 2)), np.ones((3, 2)), count, own=own)


def test_mistakes_are_the_most_certain_first():
  probabilities = np.array(
    [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.8, 0.1, 0.1]]
  )
  probabilities = np.concatenate([probabilities, [[0.05, 0.9, 0.05]]])
  labels = np.array([1, 1, 0, 2, -1])
  assert visualize.mistakes(probabilities, labels).tolist() == [3, 2, 0]
  assert not len(visualize.mistakes(probabilities, probabilities.argmax(1)))


def test_top_classes_are_sorted_and_no_more_than_there_are():
  probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
  classes, said = visualize.top_classes(probabilities, 2)
  assert classes.tolist() == [[1, 2], [0, 2]]
  assert said.tolist() == [[0.5, 0.3], [0.4, 0.4]]
  assert visualize.top_classes(probabilities, 9)[0].shape == (2, 3)
  with pytest.raises(ValueError, match='at least 1, got 0'):
    visualize.top_classes(probabilities, 0)
