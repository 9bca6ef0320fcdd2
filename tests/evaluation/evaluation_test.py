"""What an encoder is worth, against slow forms and scikit-learn."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn import linear_model, neighbors

from semisup_jax import (
  augment,
  data,
  evaluation,
  methods,
  models,
  objectives,
  training,
)
from semisup_jax.evaluation import knn, label_efficiency, linear_probe
from semisup_jax.types import Method, Task

MODEL = {
  'name': 'convnet',
  'width': 4,
  'strides': (1, 2),
  'dtype': 'float32',
  'batch_norm_momentum': 0.9,
  'batch_norm_groups': 1,
  'remat': False,
}


def clusters(n, dim=6, num_classes=3, seed=0, spread=1.0):
  random = np.random.default_rng(seed)
  labels = random.permutation(np.arange(n) % num_classes)
  # The centres are the same for every seed.
  centres = np.random.default_rng(99).normal(size=(num_classes, dim))
  features = centres[labels] + spread * random.normal(size=(n, dim))
  return features.astype(np.float32), labels


@pytest.mark.parametrize('l2', [0.01, 0.1, 1.0])
@pytest.mark.parametrize('n', [9, 200])
def test_the_linear_classifier_is_scikit_learns(n, l2):
  x, y = clusters(n)
  padded = np.pad(x, ((0, 7), (0, 0)), constant_values=50.0)
  weights = np.r_[np.ones(n), np.zeros(7)].astype(np.float32)
  (kernel, bias), norm = linear_probe.fit_linear(
    padded, np.pad(y, (0, 7)), weights, l2, num_classes=3
  )
  oracle = linear_model.LogisticRegression(
    C=1 / (n * l2), tol=1e-10, max_iter=10_000
  ).fit(x.astype(np.float64), y)
  assert norm < 1e-5
  np.testing.assert_allclose(kernel.T, oracle.coef_, atol=2e-3)
  # The bias is free up to a constant, which scikit-learn centres.
  bias = bias - bias.mean()
  centred = oracle.intercept_ - oracle.intercept_.mean()
  np.testing.assert_allclose(bias, centred, atol=2e-3)


def test_of_several_labels_each_has_a_classifier_of_its_own():
  x, y = clusters(200)
  labels = np.column_stack([y == 0, y > 0, x[:, 0] > 0]).astype(np.int32)
  (kernel, bias), norm = linear_probe.fit_linear(
    x, labels, np.ones(len(x), np.float32), 0.1, num_classes=3
  )
  assert norm < 1e-5
  for i in range(3):
    oracle = linear_model.LogisticRegression(C=1 / 20, tol=1e-10).fit(
      x.astype(np.float64), labels[:, i]
    )
    np.testing.assert_allclose(kernel[:, i], oracle.coef_[0], atol=2e-3)
    np.testing.assert_allclose(bias[i], oracle.intercept_[0], atol=2e-3)
  probe = linear_probe.linear_probe(
    x, labels, x, labels, l2=(0.1, 1e4), num_classes=3
  )
  assert probe.l2 == 0.1
  np.testing.assert_allclose(probe(x), x @ kernel + bias, atol=1e-2)


def test_of_several_labels_each_has_its_share_of_the_neighbours_votes():
  bank, y = clusters(40)
  labels = np.column_stack([y == 0, y > 0, y >= 0]).astype(np.int32)
  queries, _ = clusters(9, seed=1)
  options = {'neighbours': 5, 'temperature': 0.1, 'num_classes': 3}
  logits = knn.knn_logits(bank, labels, queries, **options)
  classes = np.exp(knn.knn_logits(bank, y, queries, **options))
  shares = (classes - knn.FLOOR / 3) / (1 - knn.FLOOR)
  expected = np.column_stack([shares[:, 0], shares[:, 1:].sum(1), np.ones(9)])
  expected = (1 - knn.FLOOR) * expected + knn.FLOOR / 2
  np.testing.assert_allclose(1 / (1 + np.exp(-logits)), expected, atol=1e-4)


def test_the_probe_takes_the_l2_that_is_best_on_validation():
  x, y = clusters(12, spread=2.0)
  validation_x, validation_y = clusters(500, seed=1, spread=2.0)
  l2 = (1e-4, 1e-1, 1e3)
  probe = linear_probe.linear_probe(
    x, y, validation_x, validation_y, l2=l2, num_classes=3
  )

  def accuracy(strength):
    alone = linear_probe.linear_probe(
      x, y, validation_x, validation_y, l2=(strength,), num_classes=3
    )
    return np.mean(alone(validation_x).argmax(-1) == validation_y)

  values = [accuracy(strength) for strength in l2]
  assert len(set(values)) > 1
  assert probe.l2 == l2[int(np.argmax(values))]


def test_a_probe_of_features_as_they_are_gives_the_same_logits():
  generator = np.random.default_rng(0)
  features = generator.normal(size=(50, 6)).astype(np.float32)
  features = 5 + features * np.logspace(-4, 2, 6, dtype=np.float32)
  features[:, 2] = 7
  standardize = linear_probe.standardization(features)
  classifier = linear_probe.LinearClassifier(
    generator.normal(size=(6, 3)).astype(np.float32),
    generator.normal(size=3).astype(np.float32),
  )
  expected = standardize(features) @ classifier.kernel + classifier.bias
  kernel, bias = linear_probe.unstandardized(classifier, standardize)
  assert kernel.dtype == bias.dtype == np.float64
  np.testing.assert_allclose(features @ kernel + bias, expected, atol=1e-5)


def test_standardization_leaves_constant_features_at_zero():
  x = np.random.default_rng(0).normal(3, 5, (50, 4))
  x[:, 2] = 7.0
  out = linear_probe.standardization(x)(x)
  np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
  np.testing.assert_allclose(out.std(0), [1, 1, 0, 1], atol=1e-5)


@pytest.mark.parametrize('size', [3, 17, 40])
@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_knn_is_scikit_learns_with_the_same_weights(size, temperature):
  bank, labels = clusters(size)
  queries, _ = clusters(33, seed=1)
  neighbours = 5
  logits = knn.knn_logits(
    bank,
    labels,
    queries,
    neighbours=neighbours,
    temperature=temperature,
    num_classes=3,
    chunk=10,
  )
  oracle = neighbors.KNeighborsClassifier(
    min(neighbours, size),
    metric='cosine',
    weights=lambda distance: np.exp((1 - distance) / temperature),
  ).fit(bank, labels)
  expected = oracle.predict_proba(queries)
  expected = (1 - knn.FLOOR) * expected + knn.FLOOR / 3
  np.testing.assert_allclose(np.exp(logits), expected, atol=1e-4)


def encoder_and_forward(batch_size=16):
  encoder = models.make_encoder(MODEL)
  table = augment.with_statistics([0.3], [0.4])
  mesh = training.make_mesh(batch_size)
  forward = evaluation.make_forward(
    encoder,
    augment.parse('normalize', table),
    batch_size=batch_size,
    mesh=mesh,
    dtype=jnp.float32,
  )
  return encoder, forward


def digits():
  part = data.load({'name': 'digits', 'image_size': None, 'classes': None})
  return part['train'].take(np.arange(120))


@pytest.mark.parametrize('n', [1, 16, 35])
def test_a_last_short_batch_counts_and_padding_changes_nothing(n):
  encoder, forward = encoder_and_forward()
  images = digits().images[:n]
  x = (images / 255 - 0.3) / 0.4
  variables = encoder.init(jax.random.key(0), x, train=False)
  expected, _ = encoder.apply(variables, x, train=False)
  out = forward(variables, images)
  assert out.shape == (n, 8)
  np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def finetuner(steps=30, resident=False, class_weights='none'):
  encoder, _ = encoder_and_forward()
  settings = {
    'model': MODEL,
    'method': {
      'name': 'supervised',
      'label_smoothing': 0.0,
      'mixing': 'none',
      'mixing_alpha': 1.0,
      'mixing_per': 'batch',
      'class_weights': class_weights,
      'head_init': 'zeros',
      'focal_gamma': 0.0,
    },
    'data': {'augment': 'noise(0.05)|normalize'},
  }
  table = augment.with_statistics([0.3], [0.4])
  images = digits().images
  task = Task(
    num_classes=10,
    num_images=len(images),
    num_unlabelled=len(images),
    image_shape=images.shape[1:],
    transform=partial(augment.parse, table=table),
    steps=lambda streams: steps,
  )
  method = methods.make_method(settings, encoder, task)
  mesh = training.make_mesh(16)
  forward = evaluation.make_forward(
    method.model,
    augment.parse('normalize', table),
    batch_size=16,
    mesh=mesh,
    dtype=jnp.float32,
  )
  schedule = optax.constant_schedule(0.01)
  recipe = training.Recipe(optax.adam(schedule), schedule, steps, 16, 10)
  tuner = evaluation.Finetuner(
    method,
    forward,
    recipe,
    mesh=mesh,
    images=data.place(digits().images, mesh) if resident else digits().images,
    labels=digits().labels,
  )
  return encoder, forward, tuner


def test_fine_tuning_learns_and_leaves_the_encoder_it_started_from():
  encoder, forward, tuner = finetuner(steps=60)
  part = digits()
  variables = encoder.init(
    jax.random.key(0), jnp.zeros((1, 8, 8, 1)), train=False
  )
  before = jax.tree.map(lambda x: np.array(x, copy=True), variables)
  state = tuner(np.arange(60), part, seed=(0,), encoder=dict(variables))
  jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(variables))
  moved = state.params['encoder']['stem_conv']['kernel']
  assert not np.array_equal(moved, before['params']['stem_conv']['kernel'])
  predictions = forward(state.selection.variables, part.images).argmax(-1)
  accuracy = np.mean(predictions == part.labels)
  assert accuracy > 0.3
  # What was selected is what was measured.
  assert accuracy == pytest.approx(float(state.selection.seen.max()), abs=1e-6)


def test_an_evaluator_gives_the_metric_that_is_selected_by():
  part = digits()
  logits = 2 * np.eye(10)[part.labels] + np.eye(10)[0]
  evaluate = evaluation.score_of(
    lambda variables, images: logits,
    part,
    Method({}, None, True, None, None, predict_variables=lambda state: None),
    ['nll'],
  )
  losses = np.where(
    part.labels == 0,
    np.log(np.exp(3) + 9) - 3,
    np.log(np.exp(2) + np.exp(1) + 8) - 2,
  )
  assert evaluate(None) == {'top1': 1.0, 'nll': pytest.approx(losses.mean())}


def test_fine_tuning_divides_its_batches_as_its_recipe_says():
  seen = []

  def loss(params, state, batch, key):
    seen.append(len(batch['labelled']['image']))
    return jnp.sum(params['w'] ** 2), ({}, {}, None)

  method = Method(
    streams={'labelled': 1},
    model=None,
    classifies=True,
    init=lambda key, batch: ({'params': {'w': jnp.ones(2)}}, None),
    loss=loss,
  )
  schedule = optax.constant_schedule(0.1)
  tuner = evaluation.Finetuner(
    method,
    lambda variables, images: np.zeros((len(images), 10)),
    training.Recipe(optax.sgd(schedule), schedule, 1, 16, 1, accumulate=4),
    mesh=training.make_mesh(16, accumulate=4),
    images=digits().images,
    labels=digits().labels,
  )
  tuner(np.arange(20), digits(), seed=(0,))
  assert set(seen) == {4}


@pytest.mark.parametrize(
  ('resident', 'class_weights'), [(False, 'balanced'), (True, 'none')]
)
def test_all_draws_share_one_compiled_step(resident, class_weights):
  _, _, tuner = finetuner(12, resident, class_weights)
  part = digits()
  tuner(np.arange(10), part, seed=(10,))
  compilations = []
  jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: (
      compilations.append(event)
      if event == '/jax/core/compile/backend_compile_duration'
      else None
    )
  )
  for count in (20, 60):
    state = tuner(np.arange(count), part, seed=(count,))
    if class_weights == 'balanced':
      weights = objectives.balanced_class_weights(
        np.bincount(part.labels[:count], minlength=10)
      )
      np.testing.assert_array_equal(state.method_state, weights)
  assert not compilations
  jax.jit(lambda x: x + 1.5)(0.5)  # The listener does listen.
  assert compilations


def test_a_start_from_scratch_depends_on_the_seed_and_nothing_else():
  _, _, tuner = finetuner(steps=3)
  part = digits()
  states = [
    tuner(np.arange(20), part, seed=seed).params['head']
    for seed in ((0, 1), (0, 1), (0, 2))
  ]
  same, other = (
    jax.tree.map(np.array_equal, states[0], states[i]) for i in (1, 2)
  )
  assert jax.tree.all(same)
  assert not jax.tree.all(other)


def test_label_efficiency_gives_every_protocol_the_same_nested_draws():
  labels = np.arange(100) % 4
  rows = np.arange(10, 90)
  seen = {'a': {}, 'b': {}}

  def protocol(name):
    def run(drawn, draw):
      seen[name].setdefault(draw, []).append(set(drawn.tolist()))
      return np.zeros((5, 4)), None

    return run

  outcomes = label_efficiency.label_efficiency(
    {'a': protocol('a'), 'b': protocol('b')},
    labels=labels,
    rows=rows,
    num_classes=4,
    labels_per_class=(1, 3, 'all'),
    draws=3,
    seed=0,
    protocols_for_all=('a',),
  )
  counted = label_efficiency.count_runs(('a', 'b'), (1, 3, 'all'), 3, ('a',))
  assert len(outcomes) == counted == 13
  assert seen['a'].pop(0)[:2] == seen['b'].pop(0)
  for draw in (1, 2):
    small, large = seen['a'][draw]
    assert [small, large] == seen['b'][draw]
    assert (len(small), len(large)) == (4, 12)
    assert small < large <= set(rows.tolist())
  assert len(outcomes[-1].logits) == 5


def outcomes_of(accuracies, labels):
  """Outcomes whose accuracies are these, by protocol."""
  made = []
  for protocol, values in accuracies.items():
    for draw, value in enumerate(values):
      right = np.arange(len(labels)) < round(value * len(labels))
      predictions = np.where(right, labels, (labels + 1) % 3)
      logits = 5.0 * np.eye(3)[predictions]
      made.append(evaluation.Outcome(protocol, 5, draw, logits))
  return made


def test_rows_and_differences_are_those_of_the_draws():
  labels = np.arange(100) % 3
  outcomes = outcomes_of(
    {'probe': [0.9, 0.8, 0.85], 'supervised': [0.6, 0.7, 0.65]}, labels
  )
  rows = label_efficiency.summarize(outcomes, labels)
  probe = next(
    r for r in rows if (r['protocol'], r['metric']) == ('probe', 'top1')
  )
  assert probe['mean'] == pytest.approx(0.85)
  assert probe['std'] == pytest.approx(0.05)  # ddof 1
  assert probe['n'] == 3
  half = 4.302653 * 0.05 / np.sqrt(3)  # Student's t, 2 degrees of freedom.
  assert probe['high'] == pytest.approx(0.85 + half)
  (pair,) = label_efficiency.differences(rows, baseline='supervised')
  assert (pair['protocol'], pair['baseline']) == ('probe', 'supervised')
  # Differences 0.3, 0.1, 0.2.
  assert pair['mean'] == pytest.approx(0.2)
  assert pair['low'] == pytest.approx(0.2 - 4.302653 * 0.1 / np.sqrt(3))


def test_a_single_draw_has_no_spread_but_the_test_images_do():
  labels = np.arange(100) % 3
  rows = label_efficiency.summarize(
    outcomes_of({'probe': [0.9]}, labels), labels
  )
  top1 = next(r for r in rows if r['metric'] == 'top1')
  assert top1['std'] is None
  assert top1['interval'] == 'bootstrap over test images'
  # The normal approximation: 0.9 +- 1.96 * 0.03.
  assert top1['low'] == pytest.approx(0.84, abs=0.02)
  assert top1['high'] == pytest.approx(0.96, abs=0.02)
