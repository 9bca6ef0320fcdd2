"""From a config to the objects that a run is made of; nothing is compiled."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from semisup_jax import augment, data, evaluation, models, optim, training
from semisup_jax.types import InputError, lookup


@dataclasses.dataclass(frozen=True)
class Ingredients:
  """What every experiment needs.

  Attributes:
    splits: The images.
    reported: The part that results are of: `report_split` of the config.
    mean: Of each channel of the training images, in [0, 1], float [C].
    std: Likewise.
    table: The ops that strings of ops may name; `normalize` uses mean and std.
    encoder: The network.
    dtype: Of the images that a network is given: float32 or wider.
    resident: Whether images lie on the devices.
  """

  splits: data.Splits
  reported: data.Dataset
  mean: np.ndarray
  std: np.ndarray
  table: Mapping[str, augment.Op]
  encoder: nn.Module
  dtype: Any
  resident: bool

  @property
  def num_classes(self) -> int:
    """K."""
    return self.splits.train.num_classes

  @property
  def preprocess(self) -> augment.Transform:
    """What is done to an image that is only looked at."""
    return augment.parse('normalize', self.table)

  def stream(
    self,
    name: str,
    *,
    batch_size: int,
    seed: tuple[int, ...],
    mesh: jax.sharding.Mesh,
  ) -> data.ResidentStream:
    """The stream `unlabelled` or `labelled` of the training part."""
    splits = self.splits
    rows = {'unlabelled': splits.unlabelled, 'labelled': splits.labelled}[name]
    return data.ResidentStream(
      splits.train.images,
      splits.train.labels if name == 'labelled' else None,
      rows,
      batch_size=batch_size,
      seed=seed,
      sharding=training.divided(mesh),
      resident=self.resident,
    )


def gather(config: Any) -> Ingredients:
  """Reads the data and builds the encoder.

  Args:
    config: The whole config.

  Raises:
    InputError: If a field asks for what cannot be.
  """
  encoder = models.make_encoder(config.model)
  section = config.data
  splits = data.make_splits(
    data.load(section),
    labels_per_class=section.labels_per_class,
    labels_total=section.labels_total,
    unlabelled_includes_labelled=section.unlabelled_includes_labelled,
    validation_fraction=section.validation_fraction,
    test_fraction=section.test_fraction,
    seed=config.seed,
  )
  reported = {'validation': splits.validation, 'test': splits.test}
  mean, std = data.channel_statistics(splits.train.images)
  return Ingredients(
    splits=splits,
    reported=lookup(reported, config.report_split, 'report_split'),
    mean=mean,
    std=std,
    table=augment.with_statistics(mean, std),
    encoder=encoder,
    dtype=jnp.promote_types(models.DTYPES[config.model.dtype], jnp.float32),
    resident=jax.default_backend() != 'cpu',
  )


def recipe(
  section: Any, *, dataset_size: int, evaluate_every: int
) -> evaluation.Recipe:
  """Builds the optimizer and the duration of a section of the config.

  Args:
    section: Has `batch_size`, `optimizer` and `schedule`.
    dataset_size: Images in an epoch.
    evaluate_every: In steps.

  Raises:
    InputError: If a field's value is out of its range.
  """
  if section.batch_size < 2:
    raise InputError(f'batch_size must be at least 2, got {section.batch_size}')
  if evaluate_every < 1:
    raise InputError(
      f'evaluation must be every 1 or more steps, got {evaluate_every}'
    )
  sizes = {'batch_size': section.batch_size, 'dataset_size': dataset_size}
  steps = optim.steps_from(section.schedule, **sizes)
  schedule = optim.make_schedule(
    section.schedule.decay,
    peak=section.optimizer.learning_rate,
    steps=steps,
    warmup_steps=optim.warmup_steps_from(section.schedule, **sizes),
    milestones=section.schedule.milestones,
    factor=section.schedule.factor,
  )
  return evaluation.Recipe(
    tx=optim.make_optimizer(section.optimizer, schedule),
    schedule=schedule,
    steps=steps,
    batch_size=section.batch_size,
    evaluate_every=evaluate_every,
  )
