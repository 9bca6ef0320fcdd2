"""Features and reconstructions of an encoder, as the report shows them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import autoencoder, untrained
from semisup_jax import experiments, methods, metrics, models, training
from semisup_jax.experiments import reconstructions
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.separability import Separability
from semisup_jax.objectives import ssim
from semisup_jax.types import InputError


@pytest.fixture(scope='module')
def config():
  config = autoencoder.get_config()
  config.model.width = 4
  config.method.decoder_width = 4
  config.evaluation.update(protocols=(), features=('stage1', 'pooled'))
  config.data.test_fraction = 0.13  # 234 images: more than one pass.
  return config


@pytest.fixture(scope='module')
def made(config):
  ingredients, _ = experiments.prepare(config)
  method = methods.make_method(
    config, ingredients.encoder, ingredients.task(config)
  )
  image = ingredients.splits.train.images[:2]
  variables, _ = method.init(
    jax.random.key(0), {'unlabelled': {'image': jnp.asarray(image)}}
  )
  return ingredients, method, variables


def normalized(ingredients, images):
  return (images.astype(np.float32) / 255 - ingredients.mean) / ingredients.std


def test_features_are_those_of_the_encoder(config, made):
  ingredients, method, variables = made
  mesh = training.make_mesh(2)
  encoder = models.encoder_variables(variables)
  embeddings = Embeddings(config, ingredients, mesh, encoder)
  x = normalized(ingredients, ingredients.reported.images)
  output, features = ingredients.encoder.apply(encoder, x, train=False)
  found = Separability(config, embeddings)
  direct = {
    'stage1': np.asarray(features['stage1']).mean((1, 2)),
    'pooled': np.asarray(features['pooled']),
    'output': np.asarray(output),
  }
  assert [row['feature'] for row in found.rows] == list(direct)
  labels = ingredients.reported.labels
  for row, feature in zip(found.rows, direct.values(), strict=True):
    purity, chance = metrics.neighbour_purity(feature, labels, neighbours=10)
    assert row['n'] == len(labels)
    np.testing.assert_allclose(row['purity'], purity, atol=2e-3)
    np.testing.assert_allclose(row['chance'], chance)
    expected = metrics.silhouette(feature, labels)
    np.testing.assert_allclose(row['silhouette'], expected, atol=1e-4)
  assert method.model.encoder == ingredients.encoder


def test_reconstructions_are_those_of_the_model(made):
  ingredients, method, variables = made
  found = reconstructions.of_reported(
    method, variables, ingredients, training.make_mesh(2), 7
  )
  pixels = ingredients.reported.images.astype(np.float32) / 255
  x = normalized(ingredients, ingredients.reported.images)
  _, features = method.model.apply(variables, x, train=False)
  made_of_it = np.asarray(features['reconstruction'])
  np.testing.assert_array_equal(found.images[0], pixels[:8])
  np.testing.assert_allclose(found.images[1], made_of_it[:8], atol=1e-5)
  (row,) = found.rows
  assert row['n'] == len(pixels) > 200
  error = np.square(made_of_it - pixels).mean()
  np.testing.assert_allclose(row['squared_error'], error, rtol=1e-4)
  each = jax.vmap(lambda a, b: ssim(a[None], b[None], data_range=1.0, window=7))
  similar = np.mean(each(made_of_it, pixels))
  np.testing.assert_allclose(row['ssim'], similar, atol=1e-5)


def test_a_feature_that_is_not_there_is_refused():
  config = untrained.get_config()
  config.evaluation.features = ('stage9',)
  with pytest.raises(InputError, match='of pooled, stage1, stage2, stem'):
    experiments.prepare(config)
