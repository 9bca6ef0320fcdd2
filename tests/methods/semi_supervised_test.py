"""Which images feed BatchNorm, FlexMatch's thresholds, and what is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax.methods import fixmatch, passes


@pytest.fixture(scope='module')
def classifier(toy):
  method = toy.make(toy.config('fixmatch'))
  state = toy.start(method)
  random = np.random.default_rng(0)
  params = jax.tree.map(
    lambda x: x + 0.3 * random.normal(size=x.shape).astype(np.float32),
    state.params,
  )
  variables = {'params': params, 'batch_stats': state.batch_stats}
  labelled = random.normal(size=(4, 8, 8, 1)).astype(np.float32)
  unlabelled = random.normal(1, 2, size=(8, 2, 8, 8, 1)).astype(np.float32)
  return method.model, variables, labelled, unlabelled


def train_mode(model, variables, x):
  (logits, _), updates = model.apply(
    variables, x, train=True, mutable=['batch_stats']
  )
  return logits, updates['batch_stats']


def close(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b
  )


def test_all_images_at_once_are_one_plain_pass(classifier):
  model, variables, labelled, unlabelled = classifier
  known, others, stats = passes.semi_supervised_pass(
    *classifier, jax.random.key(0), batch_norm_images='all'
  )
  x = np.concatenate([labelled, unlabelled.reshape(-1, 8, 8, 1)])
  logits, expected = train_mode(model, variables, x)
  close(known, logits[:4])
  close(others.reshape(16, -1), logits[4:])
  close(stats, expected)


@pytest.mark.parametrize('images', ['labelled', 'unlabelled'])
def test_apart_each_is_normalized_by_itself_and_the_named_ones_are_kept(
  classifier, images
):
  model, variables, labelled, unlabelled = classifier
  known, others, stats = passes.semi_supervised_pass(
    *classifier, jax.random.key(0), batch_norm_images=images
  )
  first, of_labelled = train_mode(model, variables, labelled)
  second, of_unlabelled = train_mode(
    model, variables, unlabelled.reshape(-1, 8, 8, 1)
  )
  close(known, first)
  close(others.reshape(16, -1), second)
  expected = {'labelled': of_labelled, 'unlabelled': of_unlabelled}
  close(stats, expected[images])


def slow_thresholds(chosen, lowest, highest, num_classes, num_unlabelled):
  counts = [sum(c == k for c in chosen) for k in range(num_classes)]
  unused = num_unlabelled - sum(counts)
  beta = [count / max(max(counts), unused, 1) for count in counts]
  return [max(lowest, highest * b / (2 - b)) for b in beta]


@pytest.mark.parametrize('lowest', [0.0, 0.3])
@pytest.mark.parametrize(
  'chosen',
  [[-1] * 6, [0, 0, 0, 1, 1, -1], [2, 2, 2, 2, 0, 1], [-1, -1, -1, -1, 0, 1]],
)
def test_flexmatchs_thresholds_equal_a_slow_form(chosen, lowest):
  limits = fixmatch.class_thresholds(
    jnp.array(chosen),
    lowest=lowest,
    highest=0.9,
    num_classes=3,
    num_unlabelled=6,
  )
  expected = slow_thresholds(chosen, lowest, 0.9, 3, 6)
  np.testing.assert_allclose(limits, expected, rtol=1e-6)
  assert lowest <= limits.min() <= limits.max() <= 0.9 + 1e-6


def test_an_image_that_is_in_a_batch_twice_has_one_class():
  chosen = jnp.array([-1, -1, 7, -1])
  index = jnp.array([1, 1, 2, 2, 3, 0])
  labels = jnp.array([3, 5, 4, 9, 6, 8])
  sure = jnp.array([True, True, True, False, False, True])
  for order in (np.arange(6), np.arange(6)[::-1]):
    found = fixmatch.remember(chosen, index[order], labels[order], sure[order])
    # Of image 2 only the sure one counts, of image 3 none.
    np.testing.assert_array_equal(found, [8, 5, 4, -1])


def test_flexmatch_remembers_the_confident_predictions_of_its_images(toy):
  settings = toy.config('flexmatch', threshold=0.8, lowest_threshold=0.6)
  _, state = toy.run(toy.make(settings), 150)
  chosen = np.asarray(state.method_state)
  known = chosen != fixmatch.NOT_YET
  assert known.mean() > 0.9
  assert np.mean(chosen[known] == toy.LABELS[known]) > 0.9


def test_where_nothing_is_sure_fixmatch_learns_from_labels_alone(toy):
  method = toy.make(toy.config('fixmatch', threshold=1.0))
  state = toy.start(method)
  loss, (metrics, _, _) = method.loss(
    state.params, state, toy.batch(method, 0), jax.random.key(0)
  )
  assert metrics['pseudo_labels'] == 0
  assert metrics['unlabelled_loss'] == 0
  np.testing.assert_allclose(loss, metrics['labelled_loss'])
  np.testing.assert_allclose(loss, np.log(toy.NUM_CLASSES), rtol=1e-5)


def test_mean_teachers_consistency_grows_with_the_ramp(toy):
  method = toy.make(
    toy.config('mean_teacher', consistency_weight=3.0, ramp_up=0.5)
  )
  state = toy.start(method)
  # Student and teacher must differ, or nothing is inconsistent.
  params = jax.tree.map(
    lambda x: x + 0.1 * jax.random.normal(jax.random.key(x.size), x.shape),
    state.params,
  )
  for step, weight in ((0, 3 * np.exp(-5)), (15, 3 * np.exp(-1.25)), (45, 3.0)):
    at = state.replace(step=jnp.int32(step))
    loss, (metrics, _, _) = method.loss(
      params, at, toy.batch(method, 0), jax.random.key(0)
    )
    expected = metrics['labelled_loss'] + weight * metrics['unlabelled_loss']
    assert metrics['unlabelled_loss'] > 0
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
