"""What moves in each mode of fine-tuning, and from when on, to the bit."""

import dataclasses

import jax
import numpy as np
import pytest
import rich.console

from semisup_jax import evaluation, models, training
from semisup_jax.evaluation import modes
from semisup_jax.experiments import ingredients as ingredients_lib
from semisup_jax.experiments import (
  labelled_plans,
  measuring,
  probing,
  protocols,
)
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.types import InputError
from tests.tiny_network import STEPS, Layers, some_config

BATCH = {'labelled': {'image': np.zeros((1, 8, 8, 1), np.uint8)}}
ALL = {'stem': 0, 'stage1': 0, 'head': 0}
# The step before which a stage does not move; those that are absent never do.
STARTS = {
  'fine_tune': ALL,
  'supervised': ALL,
  'lp_ft': ALL,
  'layerwise': ALL,
  'frozen': {'head': 0},
  'partial': {'stage1': 0, 'head': 0},
  'gradual': {'head': 0, 'stage1': 2, 'stem': 3},
}


@pytest.fixture(scope='module')
def ingredients():
  gathered = ingredients_lib.gather(some_config())
  return dataclasses.replace(gathered, encoder=Layers())


@pytest.fixture(scope='module')
def encoder(ingredients):
  image = np.zeros((1, 8, 8, 1), np.float32)
  return dict(ingredients.encoder.init(jax.random.key(0), image, train=False))


def trajectory(config, name, ingredients, encoder):
  """The network's variables before the first step, and after each."""
  (plan,) = labelled_plans.plans(config, name, ingredients).values()
  _, method, phases, recipe = plan
  mesh = recipe.mesh()
  seen = []

  def forward(variables, images):
    seen.append(jax.tree.map(np.array, jax.device_get(variables)))
    return np.zeros((len(images), 10))

  splits = ingredients.splits
  tuner = evaluation.Finetuner(
    method,
    forward,
    recipe,
    mesh=mesh,
    images=splits.train.images,
    labels=splits.train.labels,
    phases=phases,
  )
  rows = splits.labelled[:40]
  first = tuner.start(BATCH, rows, seed=(0,), encoder=encoder)
  first = jax.tree.map(np.array, jax.device_get(first.variables))
  tuner(rows, splits.validation, seed=(0,), encoder=encoder)
  return [first, *seen]


def leaves_of(variables, collection):
  """`(stage, leaf)` of each leaf."""
  tree = variables[collection]
  named = jax.tree.map(
    lambda stage, part: [(stage, leaf) for leaf in jax.tree.leaves(part)],
    models.stage_labels(tree),
    tree,
  )
  return jax.tree.leaves(named, is_leaf=lambda x: isinstance(x, tuple))


def assert_moves(seen, collection, starts):
  """Every leaf of a stage stays bit by bit until its start, then moves."""
  for row in zip(*(leaves_of(v, collection) for v in seen), strict=True):
    stage, first = row[0]
    start = starts.get(stage, STEPS)
    for _, leaf in row[: start + 1]:
      np.testing.assert_array_equal(leaf, first, err_msg=stage)
    if start < STEPS:
      assert not np.array_equal(row[-1][1], first), stage


@pytest.mark.parametrize('name', labelled_plans.TRAINED)
def test_frozen_stages_stay_to_the_bit_and_others_move(
  name, ingredients, encoder
):
  seen = trajectory(some_config(), name, ingredients, encoder)
  assert len(seen) == STEPS + 1
  assert_moves(seen, 'params', STARTS[name])
  assert_moves(seen, 'batch_stats', STARTS[name])


def test_statistics_of_frozen_stages_move_where_the_config_says_so(
  ingredients, encoder
):
  config = some_config(batch_norm_statistics='moving')
  seen = trajectory(config, 'frozen', ingredients, encoder)
  assert_moves(seen, 'params', STARTS['frozen'])
  assert_moves(seen, 'batch_stats', ALL)


def test_layerwise_updates_are_those_of_full_times_the_decay_by_depth(
  ingredients, encoder
):
  plain = {'optimizer.weight_decay': 0.0, 'optimizer.momentum': 0.0}
  config = some_config(layer_decay=0.5, **plain)
  full, layerwise = (
    trajectory(config, name, ingredients, encoder)
    for name in ('fine_tune', 'layerwise')
  )
  # The head starts at zero, so that the first step moves it alone: the second
  # one has the same gradients in both.
  moved = [
    jax.tree.map(np.subtract, seen[2]['params'], seen[1]['params'])
    for seen in (full, layerwise)
  ]
  rows = [leaves_of({'params': tree}, 'params') for tree in moved]
  for (stage, expected), (_, found) in zip(*rows, strict=True):
    scale = {'head': 1, 'stage1': 0.5, 'stem': 0.25}[stage]
    np.testing.assert_allclose(found, scale * expected, rtol=1e-3, atol=1e-6)


@pytest.fixture
def embeddings(ingredients, encoder):
  config = some_config()
  config.evaluation.update(
    protocols=('linear_probe', *labelled_plans.TRAINED),
    labels_per_class=(2,),
    draws=1,
  )
  return Embeddings(config, ingredients, training.make_mesh(16), encoder)


def test_the_first_logits_of_a_probed_head_are_the_probes(
  ingredients, encoder, embeddings
):
  (plan,) = labelled_plans.plans(
    embeddings.config, 'lp_ft', ingredients
  ).values()
  _, method, _, recipe = plan
  rows = ingredients.splits.labelled[:20]
  state = training.create_state(
    method,
    recipe.tx,
    jax.random.key(0),
    BATCH,
    initial={
      'params': {
        'encoder': encoder['params'],
        'head': models.head_params(*probing.probed_head(embeddings)(rows)),
      }
    },
  )
  forward = ingredients.forward(method.model, recipe.mesh())
  logits = forward(state.variables, ingredients.reported.images)
  expected, _ = probing.probe(embeddings)(rows, 0)
  assert np.std(expected) > 0.1
  np.testing.assert_allclose(logits, expected, atol=1e-3)


def test_the_paces_of_each_mode():
  section = some_config().evaluation.fine_tune
  stages = ('stem', 'stage1', 'stage2', 'head')

  def paces(mode, steps=100):
    found = modes.FINETUNE_MODES[mode].paces(stages, section, steps)
    assert tuple(found) == stages
    return [tuple(pace) for pace in found.values()]

  still, now = (1.0, None), (1.0, 0)
  for mode in ('full', 'scratch', 'lp_ft'):
    assert paces(mode) == [now] * 4
  assert paces('frozen') == [still, still, still, now]
  assert paces('partial') == [still, still, now, now]
  assert paces('gradual') == [(1.0, 50), (1.0, 33), (1.0, 17), now]
  assert paces('gradual', 7) == [(1.0, 4), (1.0, 2), (1.0, 1), now]
  scales, starts = zip(*paces('layerwise'), strict=True)
  assert scales == pytest.approx([0.343, 0.49, 0.7, 1.0])
  assert set(starts) == {0}
  with pytest.raises(InputError, match='of 4 steps and 4 stages'):
    paces('gradual', 4)


def test_a_mode_is_a_protocol_like_others(ingredients, embeddings):
  config = embeddings.config
  protocols.check(config, ingredients)
  config.evaluation.protocols = ('lp_ft',)
  outcomes = measuring.evaluate(
    config, embeddings, rich.console.Console(quiet=True)
  )
  assert [o.protocol for o in outcomes] == list(config.evaluation.protocols)
  assert all(np.isfinite(o.logits).all() for o in outcomes)
