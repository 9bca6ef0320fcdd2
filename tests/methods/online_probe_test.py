"""The online probe learns, and the encoder never hears of it."""

import jax
import numpy as np
import pytest

from semisup_jax import augment, methods, models


@pytest.fixture
def pair(toy):
  settings = toy.config('simclr')
  method = toy.make(settings)
  probed = methods.with_online_probe(
    method,
    models.make_encoder(settings['model']),
    toy.transform('normalize'),
    num_classes=toy.NUM_CLASSES,
    dtype=np.float32,
  )
  return method, probed


def test_it_sends_the_encoder_no_gradient(toy, pair):
  _, probed = pair
  grads = []
  batch = toy.batch(probed, 0)
  for each in pair:
    state = toy.start(each)
    grad = jax.grad(each.loss, has_aux=True)
    grads.append(grad(state.params, state, batch, jax.random.key(0))[0])
  assert jax.tree.structure(grads[0]) == jax.tree.structure(grads[1])
  jax.tree.map(np.testing.assert_array_equal, *grads)


def test_the_encoder_learns_the_same_with_it_and_without_it(toy, pair):
  (plain_losses, plain), (losses, probed) = (toy.run(m, 10) for m in pair)
  np.testing.assert_allclose(plain_losses, losses, rtol=1e-6)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
    plain.variables,
    probed.variables,
  )


def test_it_learns_the_classes(toy, pair):
  _, probed = pair
  _, state = toy.run(probed, 60)
  encoder = models.make_encoder(toy.config('simclr')['model'])
  x = augment.preprocess(toy.transform('normalize'), toy.IMAGES)
  embeddings, _ = encoder.apply(
    models.encoder_variables(state.variables), x, train=False
  )
  logits = methods.probe_logits(state, embeddings)
  assert np.mean(logits.argmax(-1) == toy.LABELS) > 0.8
