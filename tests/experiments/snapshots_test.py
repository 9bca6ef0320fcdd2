"""The loss on validation, and what is kept of embeddings on the way."""

import jax
import numpy as np
import pytest
import rich.console

import semisup_jax
from configs import autoencoder, barlow_twins, supervised
from semisup_jax import (
  data,
  experiments,
  models,
  objectives,
  training,
  visualize,
)
from semisup_jax.experiments import fitting, ingredients, pretrain, snapshots
from semisup_jax.types import InputError


def recipe(module=barlow_twins, **evaluation):
  config = module.get_config()
  config.model.update(width=4, strides=(2, 2))
  config.batch_size = 64
  config.schedule.steps = 40
  config.checkpoint.keep = 0
  config.evaluation.protocols = ()
  config.evaluation.update(**{'every': 10, 'snapshots': 3, **evaluation})
  return config


def run(config, folder):
  console = rich.console.Console(quiet=True)
  return experiments.run(
    config, folder, console=console, command='', started=0.0
  )


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
  folder = tmp_path_factory.mktemp('snapshots') / 'run'
  run(recipe(), folder)
  return folder


def test_the_first_and_the_last_look_are_kept_and_one_between(finished):
  found = snapshots.read(finished)
  assert [s.step for s in found] == [10, 30, 40]
  for snapshot in found:
    assert snapshot.embeddings.shape == (len(snapshot.labels), 8)
    assert snapshot.class_names == [str(i) for i in range(10)]
    assert snapshot.correlation.shape == (64, 64)
    assert np.abs(snapshot.correlation).max() <= 1 + 1e-5
    np.testing.assert_array_equal(snapshot.labels, found[0].labels)
  # Barlow Twins pulls the diagonal up.
  first, last = (np.diag(found[i].correlation).mean() for i in (0, -1))
  assert last > first


def test_the_loss_on_validation_is_logged_and_falls(finished):
  log = training.read_metrics(finished)
  losses = [row['held_out_loss'] for row in log if 'held_out_loss' in row]
  assert len(losses) == 4
  assert losses[-1] < losses[0]


def test_the_report_shows_them(finished):
  page = (finished / 'report.html').read_text()
  for title in ('Embeddings on the way', 'in motion', 'Cross-correlation on'):
    assert title in page
  assert (finished / 'figures' / 'embedding_animation-dark.png').exists()


def test_the_model_that_is_left_gives_the_embeddings_of_the_run(finished):
  """Those of the last look, which are on disk as the run computed them."""
  splits = ingredients.gather(recipe()).splits
  learned = semisup_jax.load(finished)
  *_, last = snapshots.read(finished)
  rows = data.draw_stratified(
    splits.validation.labels, len(last.labels), seed=(0,)
  )
  found = learned.embed(splits.validation.images[rows])
  np.testing.assert_allclose(found, last.embeddings, atol=1e-5)
  assert learned.classify is None  # No protocol has fitted anything.


def test_nothing_that_is_learned_depends_on_them(finished, tmp_path):
  run(recipe(snapshots=0), tmp_path / 'run')
  assert not snapshots.read(tmp_path / 'run')
  logs = [
    [row for row in training.read_metrics(folder) if row['split'] == 'train']
    for folder in (finished, tmp_path / 'run')
  ]
  assert logs[0] == logs[1]


def test_the_held_out_loss_is_the_objective_on_validation(tmp_path):
  config = recipe()
  gathered = ingredients.gather(config)
  method = pretrain.make_method(config, gathered)
  plan = fitting.plan(config, method, gathered)
  mesh = plan.mesh()
  look = snapshots.evaluators(config, method, gathered, plan, mesh, tmp_path)[
    'held_out'
  ]
  batch = {
    'image': gathered.splits.validation.images[:64],
    'index': np.arange(64, dtype=np.int32),
  }
  state = training.create_state(
    method, plan.tx, jax.random.key(0), {'unlabelled': batch}
  )
  found = look(training.everywhere(state, mesh))['loss']

  # By hand: the views of every batch, one pass each, and the loss of both.
  from semisup_jax import augment

  transform = gathered.transform(config.data.views)
  validation = gathered.splits.validation.images
  values = []
  for start in range(0, len(validation) - 63, 64):
    key = jax.random.fold_in(jax.random.key(snapshots._KEY), start)
    x = augment.views(transform, key, validation[start : start + 64], 2)
    z = [
      method.model.apply(
        state.variables, x[:, i], train=True, mutable=['batch_stats']
      )[0][0]
      for i in range(2)
    ]
    values.append(objectives.barlow_twins(*z, redundancy_weight=5e-3))
  assert len(values) == len(validation) // 64
  assert found == pytest.approx(float(np.mean(values)), rel=1e-4)


def test_what_has_no_projections_has_no_correlation(tmp_path):
  run(recipe(autoencoder), tmp_path / 'run')
  assert {s.correlation for s in snapshots.read(tmp_path / 'run')} == {None}


@pytest.mark.parametrize(
  ('config', 'message'),
  [
    (recipe(snapshots=-1), 'must be at least 0, got -1'),
    (recipe(snapshots=5), 'snapshots=5, but there are 4 looks'),
    (recipe(supervised), 'a method that learns no classifier'),
  ],
)
def test_what_cannot_be_is_refused(tmp_path, config, message):
  with pytest.raises(InputError, match=message):
    run(config, tmp_path / 'run')
  assert not (tmp_path / 'run').exists()


def test_one_plane_holds_all_steps_and_is_the_last_ones_own():
  random = np.random.default_rng(0)
  features = [random.normal(size=(30, 6)) * s for s in (0.1, 1.0)]
  first, last = visualize.common_pca(features)
  np.testing.assert_allclose(last, visualize.pca(features[1]), atol=1e-10)
  # A linear map, so that distances never grow.
  before = np.linalg.norm(features[0][:, None] - features[0], axis=-1)
  after = np.linalg.norm(first[:, None] - first, axis=-1)
  assert (after <= before + 1e-9).all()


def test_tsne_begins_where_it_is_told():
  random = np.random.default_rng(0)
  features = random.normal(size=(40, 5)) + 6 * (np.arange(40) % 2)[:, None]
  start = visualize.pca(features)
  once, again = (
    visualize.tsne(features, seed=seed, start=start) for seed in (0, 1)
  )
  # Nothing is left to the seed but the order of sums.
  np.testing.assert_allclose(once, again, rtol=1e-3, atol=1e-2)
  turned = visualize.tsne(features, seed=0, start=-start)
  assert np.linalg.norm(once - turned) > np.linalg.norm(once)


def test_the_encoder_alone_is_embedded(finished):
  config = recipe()
  model = models.make_encoder(config.model)
  variables = model.init(
    jax.random.key(0), np.zeros((1, 8, 8, 1), np.float32), train=False
  )
  width = model.apply(
    variables, np.zeros((1, 8, 8, 1), np.float32), train=False
  )[0].shape[-1]
  assert snapshots.read(finished)[0].embeddings.shape[-1] == width
