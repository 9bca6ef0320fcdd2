"""What of BatchNorm under shift a config asks for."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from semisup_jax import data, models
from semisup_jax.evaluation import batch_norm
from semisup_jax.evaluation.batch_norm import Mode
from semisup_jax.experiments.batch_norm import shifts as shifts_lib
from semisup_jax.experiments.batch_norm.shifts import Shift
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import InputError, Method

ORDERS = ('iid', 'sorted')
# The images that are tested on, and their order, are the same for every run.
ORDER_SEED = 0


@dataclasses.dataclass(frozen=True)
class Plan:
  """What will be measured.

  Attributes:
    modes: Of BatchNorm.
    shifts: Of the whole test set; every batch size and order is measured.
    corruptions: For which one batch size is.
    batch_sizes: Of the test batches.
    orders: Of the test images, of `ORDERS`.
    corruption_batch_size: See above.
    rows: Of the reported part, int [N]: what is tested on.
    tent_learning_rate: Adam's.
    seed: Of the corruptions.
  """

  modes: Sequence[Mode]
  shifts: Sequence[Shift]
  corruptions: Sequence[Shift]
  batch_sizes: Sequence[int]
  orders: Sequence[str]
  corruption_batch_size: int
  rows: np.ndarray
  tent_learning_rate: float
  seed: int

  def batches(self, shift: Shift) -> list[tuple[str, int]]:
    """The orders and batch sizes that a shift is measured with."""
    if shift.severity is not None:
      return [('iid', self.corruption_batch_size)]
    return list(itertools.product(self.orders, self.batch_sizes))


def make_plan(
  config: Any, ingredients: Ingredients, method: Method | None
) -> Plan | None:
  """Reads `evaluation.batch_norm`; None where it names no mode.

  Args:
    config: The whole config.
    ingredients: Its objects.
    method: Whose classifier is tested; None of an experiment that tests none.

  Raises:
    InputError: If a field asks for what cannot be.
  """
  section = config.evaluation.batch_norm
  if not section.modes:
    return None
  if method is None or not method.classifies:
    raise InputError(
      f'evaluation.batch_norm.modes={tuple(section.modes)} needs '
      "experiment='pretrain' with a method that learns a classifier, as "
      'configs/supervised.py has it'
    )
  if ingredients.reported.multi_label:
    raise InputError(
      f'evaluation.batch_norm.modes={tuple(section.modes)} needs one class an '
      'image, whose accuracy is measured; images of these data have several '
      'labels'
    )
  if 'batch_norm_momentum' not in models.FIELDS[config.model.name]:
    raise InputError(
      f'evaluation.batch_norm.modes={tuple(section.modes)} needs a network '
      f'with BatchNorm; model.name={config.model.name} has none'
    )
  if jax.process_count() > 1:
    raise InputError('evaluation.batch_norm works in one process alone')
  shape = ingredients.reported.images.shape[1:]
  plan = Plan(
    modes=batch_norm.make_modes(
      section.modes,
      alpha_priors=section.alpha_priors,
      ema_momenta=section.ema_momenta,
    ),
    shifts=shifts_lib.make_shifts(section.shifts, shape),
    corruptions=shifts_lib.make_corruptions(
      section.corruptions, section.severities, shape[-1]
    ),
    batch_sizes=tuple(section.batch_sizes),
    orders=tuple(section.orders),
    corruption_batch_size=section.corruption_batch_size,
    rows=stratified_rows(ingredients.reported, section.images),
    tent_learning_rate=section.tent_learning_rate,
    seed=ORDER_SEED,
  )
  _check(plan)
  return plan


def _check(plan: Plan) -> None:
  sizes = (*plan.batch_sizes, plan.corruption_batch_size)
  if not all(_is_whole(n) and 1 <= n <= batch_norm.ROWS for n in sizes):
    raise InputError(
      'evaluation.batch_norm: batch_sizes and corruption_batch_size must be '
      f'whole numbers, 1 to {batch_norm.ROWS}; got {sizes}'
    )
  if not plan.orders or not set(plan.orders) <= set(ORDERS):
    raise InputError(
      'evaluation.batch_norm.orders must be among iid and sorted, got '
      f'{plan.orders}'
    )
  for field in ('batch_sizes', 'orders'):
    shifts_lib.check_once(field, getattr(plan, field))
  if not plan.tent_learning_rate > 0:
    raise InputError(
      'evaluation.batch_norm.tent_learning_rate must be above 0, got '
      f'{plan.tent_learning_rate}'
    )
  if not plan.shifts and not plan.corruptions:
    raise InputError(
      'evaluation.batch_norm has modes, but neither shifts nor corruptions; '
      "shifts=('clean',) is the images as they are"
    )


def _is_whole(value: Any) -> bool:
  return isinstance(value, int) and not isinstance(value, bool)


def stratified_rows(dataset: data.Dataset, count: int | None) -> np.ndarray:
  """Rows of so many images, the classes in their proportions; always the same.

  Args:
    dataset: The images.
    count: How many; None is all.

  Raises:
    InputError: If there are not so many.
  """
  if count is None:
    return np.arange(len(dataset))
  if not 1 <= count <= len(dataset):
    raise InputError(
      f'evaluation.batch_norm.images must be 1 to {len(dataset)} here, or None '
      f'for all; got {count}'
    )
  return data.draw_stratified(dataset.labels, count, seed=(ORDER_SEED,))


def orders_of(labels: np.ndarray) -> dict[str, np.ndarray]:
  """Permutations of rows with these labels, int [N], by the order's name."""
  iid = np.random.default_rng(ORDER_SEED).permutation(len(labels))
  return {'iid': iid, 'sorted': iid[np.argsort(labels[iid], kind='stable')]}
