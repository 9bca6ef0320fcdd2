"""What holds for pseudo-labels alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from semisup_jax.objectives import pseudo_label, pseudo_label_terms

K = np.arange(32.0).reshape(8, 4)
Z_1 = np.sin(1 + K)
Z_2 = 0.8 * np.sin(1 + K) + 0.6 * np.cos(2 + 3 * K)

# Compiled with the threshold as an argument, as an adaptive one would be.
fast_pseudo_label = jax.jit(pseudo_label)
fast_pseudo_label_terms = jax.jit(pseudo_label_terms)


def weak_and_strong(seed, batch, classes):
  logits = np.random.default_rng(seed).normal(size=(2, batch, classes))
  return jnp.asarray(3 * logits[0]), jnp.asarray(logits[1])


def cross_entropies(weak, strong):
  return optax.losses.softmax_cross_entropy_with_integer_labels(
    strong, jnp.argmax(weak, axis=-1)
  )


def test_all_rows_kept_equal_optax():
  weak, strong = weak_and_strong(0, 9, 5)
  expected = cross_entropies(weak, strong).mean()
  loss = fast_pseudo_label(weak, strong, threshold=0.0)
  np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_the_mean_is_over_all_rows_and_not_over_those_kept():
  weak, strong = weak_and_strong(1, 8, 4)
  kept = np.asarray(jax.nn.softmax(weak)).max(axis=1) >= 0.9
  assert 0 < kept.sum() < 8
  expected = np.sum(cross_entropies(weak, strong), where=kept) / 8
  loss = fast_pseudo_label(weak, strong, threshold=0.9)
  np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_nothing_kept_is_zero_with_zero_gradients():
  loss, grads = jax.value_and_grad(fast_pseudo_label, (0, 1))(
    jnp.asarray(4 * Z_1), jnp.asarray(4 * Z_2), threshold=0.99
  )
  assert loss == 0
  np.testing.assert_array_equal(grads, 0)


def test_no_gradient_flows_into_the_weak_view():
  weak, strong = weak_and_strong(2, 6, 4)
  to_weak, to_strong = jax.grad(fast_pseudo_label, (0, 1))(
    weak, strong, threshold=0.0
  )
  np.testing.assert_array_equal(to_weak, 0)
  assert np.all(np.linalg.norm(to_strong, axis=1) > 1e-3)


def test_terms_say_what_was_kept_and_as_what():
  weak = np.log([[0.9, 0.1], [0.3, 0.7], [0.04, 0.96]])
  strong = np.log([[0.5, 0.5], [0.1, 0.9], [0.75, 0.25]])
  terms = fast_pseudo_label_terms(weak, strong, threshold=0.8)
  assert terms.kept.dtype == bool
  assert terms.labels.dtype == jnp.int32
  np.testing.assert_array_equal(terms.kept, [True, False, True])
  np.testing.assert_array_equal(terms.labels, [0, 1, 1])
  np.testing.assert_allclose(
    terms.loss_per_row, [-np.log(0.5), 0, -np.log(0.25)], rtol=1e-6
  )


@pytest.mark.parametrize('threshold', [0.5, np.float32(0.5), np.full(1, 0.5)])
def test_a_row_exactly_at_the_threshold_is_kept(threshold):
  terms = fast_pseudo_label_terms(
    np.zeros((1, 2)), np.zeros((1, 2)), threshold=threshold
  )
  np.testing.assert_array_equal(terms.kept, [True])
  np.testing.assert_array_equal(terms.labels, [0])


def test_every_row_has_its_own_threshold():
  weak, strong = weak_and_strong(3, 6, 4)
  thresholds = np.array([0.0, 1.0, 0.9, 0.0, 0.6, 1.0])
  loss_per_row, kept, _ = fast_pseudo_label_terms(
    weak, strong, threshold=thresholds
  )
  assert 0 < np.sum(kept) < 6
  for i, threshold in enumerate(thresholds):
    alone = fast_pseudo_label(
      weak[i : i + 1], strong[i : i + 1], threshold=float(threshold)
    )
    np.testing.assert_allclose(loss_per_row[i], alone, rtol=1e-6)


@pytest.mark.parametrize('threshold', [95, -0.1, float('nan')])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
  with pytest.raises(ValueError, match=r'threshold .* lies in \[0, 1\], got'):
    pseudo_label(Z_1, Z_2, threshold=threshold)


@pytest.mark.parametrize('shape', [(4,), (8, 1), (1,)])
def test_a_threshold_of_another_shape_is_refused(shape):
  with pytest.raises(ValueError, match=r'\(8, 4\) .* \(8,\); got \('):
    pseudo_label(Z_1, Z_2, threshold=np.full(shape, 0.5))
