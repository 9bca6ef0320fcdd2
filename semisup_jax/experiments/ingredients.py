"""From a config to the objects that a run is made of; nothing is compiled."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from semisup_jax import (
  augment,
  data,
  evaluation,
  metrics,
  models,
  optim,
  training,
  weights,
)
from semisup_jax.experiments import division
from semisup_jax.types import InputError, Task, Variables, lookup

# Images a device looks at in one go. The last batch is filled up, and a core is
# as fast with few.
EVALUATION_BATCH, OF_A_CORE = 128, 32


@dataclasses.dataclass(frozen=True)
class Ingredients:
  """What every experiment needs.

  Attributes:
    splits: The images.
    reported: The part that results are of: `report_split` of the config.
    mean: Of each channel, in [0, 1], float [C], by which images are normalized.
    std: Likewise.
    encoder: The network.
    dtype: Of the images that a network is given: float32 or wider.
    batch_norm_groups: Into how many BatchNorm divides what it is given.
    notes: Sentences on the data for whoever reads the results.
    workers: Processes that read images which are not in memory.
    published: Variables that the encoder begins with, on the host; None where
      it begins at random.
  """

  splits: data.Splits
  reported: data.Dataset
  mean: np.ndarray
  std: np.ndarray
  encoder: nn.Module
  dtype: Any
  batch_norm_groups: int
  notes: tuple[str, ...]
  workers: int
  published: Variables | None

  @property
  def num_classes(self) -> int:
    """K."""
    return self.splits.train.num_classes

  @property
  def scoring(self) -> metrics.Scoring:
    """By what classifiers of these images are judged."""
    return metrics.scoring_of(self.splits.train.labels)

  def threshold(self, validation: Callable[[], np.ndarray]) -> float | None:
    """From which probability on an image is said to be of the second class.

    Args:
      validation: Gives a classifier's logits of the validation part, which
        chooses the threshold, float [V, K]; called where there are two classes.

    Returns:
      See `metrics.best_threshold`; None where there are not two classes.
    """
    part = self.splits.validation
    if part.multi_label or part.num_classes != 2:
      return None
    return metrics.best_threshold(validation(), part.labels)

  def judged(
    self, logits: Callable[[Any], np.ndarray]
  ) -> tuple[np.ndarray, float | None]:
    """A classifier's logits of the reported part, and its `threshold`.

    Args:
      logits: Of images, as a `data.Dataset` has them.
    """
    threshold = self.threshold(lambda: logits(self.splits.validation.images))
    return logits(self.reported.images), threshold

  @functools.cached_property
  def images(self) -> np.ndarray | jax.Array | data.StoredImages:
    """The training part's images: on the devices, or on CPU on the host.

    A copy for each virtual CPU device would buy nothing. Stored ones stay where
    they are.
    """
    images = self.splits.train.images
    if jax.default_backend() == 'cpu' or isinstance(images, data.StoredImages):
      return images
    return data.place(images, training.make_mesh(jax.device_count()))

  @functools.cached_property
  def _forwards(self) -> dict[Any, evaluation.Forward]:
    return {}

  def task(self, section: Any) -> Task:
    """What a method is told.

    Args:
      section: Of the config, with `batch_size` and `schedule`.
    """
    splits = self.splits
    return Task(
      num_classes=self.num_classes,
      num_images=len(splits.train),
      num_unlabelled=len(splits.unlabelled),
      image_shape=splits.train.images.shape[1:],
      transform=self.transform,
      steps=lambda streams: optim.steps_from(
        section.schedule, **self.sizes(section.batch_size, streams)
      ),
      multi_label=splits.train.multi_label,
    )

  def sizes(
    self, batch_size: int, streams: Mapping[str, int]
  ) -> dict[str, int]:
    """The `batch_size` and `dataset_size` that an epoch is counted by.

    It is one of the unlabelled images, where a method learns from them.
    """
    name = 'unlabelled' if 'unlabelled' in streams else 'labelled'
    return {
      'batch_size': batch_size * streams[name],
      'dataset_size': len(self._rows(name)),
    }

  def with_labels(
    self, labels: np.ndarray, labelled: np.ndarray
  ) -> 'Ingredients':
    """The same images, of which others are labelled, or otherwise.

    Args:
      labels: int32, of each image of the training part.
      labelled: The rows whose labels may be seen.
    """
    train = dataclasses.replace(self.splits.train, labels=labels)
    splits = dataclasses.replace(self.splits, train=train, labelled=labelled)
    other = dataclasses.replace(self, splits=splits)
    # What is placed or compiled depends on no label.
    vars(other).update(images=self.images, _forwards=self._forwards)
    return other

  def transform(self, ops: str) -> augment.Transform:
    """Makes a string of ops a function, and checks it on the images' shape.

    Args:
      ops: The last op must be `normalize`, with the statistics of the data set:
        what is evaluated is normalized so, and would else be of another scale
        than what was learned from.

    Raises:
      InputError: If an op is unknown, or wrong.
    """
    if ops.split('|')[-1].strip() != 'normalize':
      raise InputError(f"a string of ops must end in '|normalize'; got {ops!r}")
    table = augment.with_statistics(self.mean, self.std)
    shape = self.splits.train.images.shape[1:]
    return augment.parse(ops, table, image_shape=shape)

  def forward(
    self,
    model: nn.Module,
    mesh: jax.sharding.Mesh,
    feature: str | None = None,
  ) -> evaluation.Forward:
    """Compiles, once, a model's output on images that are only looked at.

    Args:
      model: Returns `(output, features)`.
      mesh: Divides the batches.
      feature: Which of the features is given instead of the output.
    """
    key = model, mesh, feature
    if key not in self._forwards:
      on_cpu = mesh.devices.flat[0].platform == 'cpu'
      at_once = OF_A_CORE if on_cpu else EVALUATION_BATCH
      self._forwards[key] = evaluation.make_forward(
        model,
        self.transform('normalize'),
        batch_size=at_once * mesh.size,
        mesh=mesh,
        dtype=self.dtype,
        feature=feature,
      )
    return self._forwards[key]

  def stream(
    self,
    name: str,
    *,
    batch_size: int,
    seed: tuple[int, ...],
    mesh: jax.sharding.Mesh,
  ) -> data.Stream:
    """The stream `unlabelled` or `labelled` of the training part."""
    return data.make_stream(
      self.images,
      self.splits.train.labels if name == 'labelled' else None,
      self._rows(name),
      batch_size=batch_size,
      seed=seed,
      sharding=training.divided(mesh),
      workers=self.workers,
    )

  def _rows(self, name: str) -> np.ndarray:
    splits = self.splits
    return {'unlabelled': splits.unlabelled, 'labelled': splits.labelled}[name]


def gather(config: Any) -> Ingredients:
  """Reads the data and builds the encoder.

  Args:
    config: The whole config.

  Raises:
    InputError: If a field asks for what cannot be.
  """
  encoder = models.make_encoder(config.model)
  section = config.data
  splits = divide(config, data.load(section))
  reported = {'validation': splits.validation, 'test': splits.test}
  mean, std = _statistics(section, splits)
  published, notes = _published(config, encoder, splits)
  return Ingredients(
    splits=splits,
    reported=lookup(reported, config.report_split, 'report_split'),
    mean=mean,
    std=std,
    encoder=encoder,
    dtype=jnp.promote_types(models.DTYPES[config.model.dtype], jnp.float32),
    batch_norm_groups=config.model.get('batch_norm_groups', 1),
    notes=(*splits.train.reading.notes, *data.leaks(splits), *notes),
    workers=data.workers(section),
    published=published,
  )


def divide(config: Any, parts: Mapping[str, data.Dataset]) -> data.Splits:
  """Divides a data set as the sections `data` and `seed` of a config say.

  Raises:
    InputError: If a field asks for what cannot be.
  """
  section = config.data
  # Runs from before there was this field had 0.
  test_seed = section.get('test_seed', 0)
  if test_seed < 0:
    raise InputError(f'data.test_seed must be at least 0, got {test_seed}')
  return data.make_splits(
    parts,
    labels_per_class=section.labels_per_class,
    labels_total=section.labels_total,
    labels_skip=section.labels_skip,
    unlabelled_total=section.unlabelled_total,
    unlabelled_includes_labelled=section.unlabelled_includes_labelled,
    validation_fraction=section.validation_fraction,
    test_fraction=section.test_fraction,
    seed=config.seed,
    test_seed=test_seed,
    fold=data.read_fold(section),
  )


def _published(
  config: Any, encoder: nn.Module, splits: data.Splits
) -> tuple[Variables | None, list[str]]:
  """What the encoder begins with, and a sentence on it."""
  path = config.get('weights')
  if path is None:
    return None, []
  shape = splits.train.images.shape[1:]
  variables = weights.load(path, encoder, image_shape=shape)
  return variables, [f'The encoder begins with the weights in {path}.']


def _statistics(section, splits) -> tuple[np.ndarray, np.ndarray]:
  """The channels' mean and std: the config's, or measured without held-out
  images."""
  given = section.mean, section.std
  if given == (None, None):
    return data.channel_statistics(splits.train.images, splits.known)
  channels = splits.train.images.shape[-1]
  numbers = [x for values in given for x in values or ()]
  fits = all(values and len(values) == channels for values in given) and all(
    isinstance(x, int | float) for x in numbers
  )
  if not fits or min(section.std) <= 0:
    raise InputError(
      f'data.mean and data.std need {channels} number(s) each, in [0, 1] and '
      f'std above 0, or None both; got {section.mean} and {section.std}'
    )
  return np.array(section.mean, np.float64), np.array(section.std, np.float64)


def recipe(
  section: Any,
  sizes: Mapping[str, int],
  *,
  batch_norm_groups: int,
  evaluate_every: int,
  patience: int | None,
  select_by: str | None,
  scoring: metrics.Scoring,
  num_classes: int,
) -> training.Recipe:
  """Builds the optimizer and the duration of a section of the config.

  Args:
    section: Has `batch_size`, `optimizer` and `schedule`.
    sizes: From `Ingredients.sizes`.
    batch_norm_groups: Of the network.
    evaluate_every: In steps.
    patience: In looks; None does not stop early.
    select_by: The metric that chooses the model on validation, or several, as
      'roc_auc,nll', that do by their mean rank; None is the primary one.
    scoring: Of the images' labels.
    num_classes: Of the images.

  Raises:
    InputError: If a field's value is out of its range.
  """
  division.check(section, batch_norm_groups)
  if evaluate_every < 1:
    raise InputError(
      f'evaluation must be every 1 or more steps, got {evaluate_every}'
    )
  if patience is not None and patience < 1:
    raise InputError(
      f'patience must be 1 or more looks at validation, or None; got {patience}'
    )
  chosen_by = scoring.chosen_by(select_by)
  one_class = scoring is metrics.ONE_CLASS
  if 'roc_auc' in chosen_by and one_class and num_classes != 2:
    raise InputError(f'select_by=roc_auc needs 2 classes, got {num_classes}')
  steps = optim.steps_from(section.schedule, **sizes)
  schedule = optim.make_schedule(
    section.schedule.decay,
    peak=section.optimizer.learning_rate,
    steps=steps,
    warmup_steps=optim.warmup_steps_from(section.schedule, **sizes),
    milestones=section.schedule.milestones,
    factor=section.schedule.factor,
    patience=section.schedule.patience,
    min_scale=section.schedule.min_scale,
  )
  return training.Recipe(
    tx=optim.make_optimizer(section.optimizer, schedule),
    schedule=schedule,
    steps=steps,
    batch_size=section.batch_size,
    evaluate_every=evaluate_every,
    patience=patience,
    accumulate=section.optimizer.accumulate,
    select_by=chosen_by,
    plateau=optim.plateau_from(section.schedule),
  )
