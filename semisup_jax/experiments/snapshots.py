"""What a network makes of validation, from the first look to the last.

For methods that learn no classifier: their loss on images that they never
learned from, and a few times their embeddings and the cross-correlation of
their projections, in files that a report, or a study, makes pictures of.
"""

import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax import augment, data, models, training, visualize
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.training import hosts
from semisup_jax.types import InputError, Method

FOLDER = 'snapshots'
IMAGES = 500  # Whose embeddings are kept, at most.
FEATURES = 64  # Whose correlations are kept, at most: the first ones.
# Of the views, the same at every look; no step of a training has it.
_KEY = 2**31 + 3


class Snapshot(NamedTuple):
  """One look.

  Attributes:
    step: After which.
    embeddings: Float32 [N, D], of the encoder.
    labels: Int32 [N]; of several labels an image, that of images with one.
    class_names: Of the K classes.
    correlation: Float32 [M, M] in [-1, 1]: feature i of the projections of one
      view with feature j of another's, over the images; None where the method
      has no projections.
  """

  step: int
  embeddings: np.ndarray
  labels: np.ndarray
  class_names: list[str]
  correlation: np.ndarray | None


def check(config: Any, method: Method, recipe: training.Recipe) -> None:
  """Fails early if `evaluation.snapshots` asks for what cannot be.

  Raises:
    InputError: If it is negative, if the method learns a classifier, or if
      there are fewer looks at validation.
  """
  count = config.evaluation.snapshots
  if count < 0:
    raise InputError(f'evaluation.snapshots must be at least 0, got {count}')
  if count and method.classifies:
    raise InputError(
      f'evaluation.snapshots={count} needs a method that learns no classifier; '
      f'set it to 0 for method.name={config.method.name}'
    )
  looks = len(_looks(recipe))
  if count > looks:
    raise InputError(
      f'evaluation.snapshots={count}, but there are {looks} looks at '
      f'validation; lower it, or evaluation.every={config.evaluation.every}'
    )


def evaluators(
  config: Any,
  method: Method,
  ingredients: Ingredients,
  recipe: training.Recipe,
  mesh: jax.sharding.Mesh,
  workdir: pathlib.Path,
) -> dict[str, Callable]:
  """What is looked at beside `evaluators.make_evaluators`; nothing, if
  `evaluation.snapshots` is 0.

  Args:
    config: The whole config.
    method: What is trained.
    ingredients: Whose validation part is looked at.
    recipe: How it is trained.
    mesh: Divides the batches.
    workdir: Where snapshots go.
  """
  count = config.evaluation.snapshots
  if not count:
    return {}
  looks = _looks(recipe)
  which = np.unique(np.linspace(0, len(looks) - 1, count).round().astype(int))
  steps = {looks[i] for i in which}
  take = _taker(config, method, ingredients, mesh)

  def keep(state: training.TrainState) -> Mapping[str, float]:
    if int(state.step) in steps:
      snapshot = take(state)
      hosts.from_main(lambda: _write(workdir, snapshot))
    return {}

  return {
    'held_out': _held_out(method, ingredients, recipe, mesh),
    'snapshot': keep,
  }


def read(workdir: pathlib.Path) -> list[Snapshot]:
  """Those of a run, by step; none where there are none."""
  found = []
  for path in sorted((workdir / FOLDER).glob('step-*.npz')):
    with np.load(path, allow_pickle=False) as file:
      found.append(
        Snapshot(
          int(path.stem.removeprefix('step-')),
          file['embeddings'],
          file['labels'],
          file['class_names'].tolist(),
          file.get('correlation'),
        )
      )
  return found


def in_the_plane(snapshots: Sequence[Snapshot]) -> dict[str, list[np.ndarray]]:
  """Embeddings on the unit sphere, where kNN compares them, as points.

  Args:
    snapshots: Of one run.

  Returns:
    Float [N, 2] for each snapshot, by projection: in the plane of the last
    one's PCA, and by t-SNE that begins at the last one's place there.
  """
  features = [visualize.on_sphere(s.embeddings) for s in snapshots]
  plane = visualize.common_pca(features)
  return {
    'PCA of the last': plane,
    't-SNE': [visualize.tsne(x, seed=0, start=plane[-1]) for x in features],
  }


def _looks(recipe: training.Recipe) -> list[int]:
  """The steps after which validation is looked at."""
  every = range(recipe.evaluate_every, recipe.steps, recipe.evaluate_every)
  return [*every, recipe.steps]


def _held_out(method, ingredients, recipe, mesh) -> Callable:
  """The loss on validation: as in training, but that nothing is learned.

  BatchNorm normalizes each batch by itself. A batch is as large as in training,
  where there are so many images; the views are the same at every look.
  """
  validation = ingredients.splits.validation
  unit = math.lcm(mesh.size, ingredients.batch_norm_groups)
  size = min(recipe.batch_size, len(validation)) // unit * unit
  if not size:
    raise InputError(
      f'evaluation.snapshots needs {unit} or more validation images, one for '
      f'each device and BatchNorm group; there are {len(validation)}'
    )
  loss = jax.jit(
    lambda state, batch, key: method.loss(state.params, state, batch, key)[0]
  )
  sharding = training.divided(mesh)

  def evaluate(state: training.TrainState) -> Mapping[str, float]:
    values = []
    for start in range(0, len(validation) - size + 1, size):
      rows = np.arange(start, start + size)
      batch = {
        'image': data.put(validation.images[rows], sharding),
        'label': data.put(validation.labels[rows], sharding),
        'index': data.put(rows.astype(np.int32), sharding),
      }
      key = jax.random.fold_in(jax.random.key(_KEY), start)
      values.append(loss(state, dict.fromkeys(method.streams, batch), key))
    return {'loss': float(np.mean(jax.device_get(values)))}

  return evaluate


def _taker(config, method, ingredients, mesh) -> Callable:
  """Makes a snapshot of a state."""
  validation = ingredients.splits.validation
  count = min(IMAGES, len(validation))
  rows = data.draw_stratified(validation.labels, count, seed=(0,))
  forward = ingredients.forward(ingredients.encoder, mesh)
  transform = ingredients.transform(config.data[method.ops])

  @jax.jit
  def correlation(variables, images):
    x = augment.views(
      transform, jax.random.key(_KEY), images, 2, ingredients.dtype
    )
    z = [
      method.model.apply(variables, x[:, i], train=False)[0] for i in range(2)
    ]
    a, b = (_standardized(part[:, :FEATURES]) for part in z)
    return a.T @ b / len(images)

  def take(state: training.TrainState) -> Snapshot:
    variables = method.predict_variables(state)
    correlated = None
    if isinstance(method.model, models.EncoderWithHead):
      correlated = np.asarray(correlation(variables, validation.images[rows]))
    return Snapshot(
      int(state.step),
      forward(
        models.encoder_variables(variables), validation.images, rows
      ).astype(np.float32),
      data.alone(validation.labels[rows]),
      list(validation.class_names),
      correlated,
    )

  return take


def _standardized(z: jax.Array) -> jax.Array:
  z = z - z.mean(axis=0)
  return z / jnp.maximum(z.std(axis=0), 1e-12)


def _write(workdir: pathlib.Path, snapshot: Snapshot) -> None:
  fields = snapshot._asdict()
  step = fields.pop('step')
  arrays = {name: array for name, array in fields.items() if array is not None}
  path = workdir / FOLDER / f'step-{step:09d}.npz'
  path.parent.mkdir(parents=True, exist_ok=True)
  np.savez_compressed(path, **arrays)
