"""A classifier on the reported images, shift after shift."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.special
from flax import linen as nn
from rich.console import Console

from semisup_jax import metrics, training
from semisup_jax.evaluation import batch_norm
from semisup_jax.evaluation.batch_norm import Mode
from semisup_jax.experiments.batch_norm.plan import (
  Plan,
  orders_of,
  stratified_rows,
)
from semisup_jax.experiments.batch_norm.shifts import CLEAN, Shift
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.types import Variables

# What does not look at the test batch.
FIXED = ('source', 'recalibrated')
MEASURED = ('top1', 'ece', 'nll')


class Measuring:
  """A classifier on the reported images, shift after shift."""

  def __init__(
    self,
    plan: Plan,
    ingredients: Ingredients,
    model: nn.Module,
    variables: Variables,
  ):
    """Takes the classifier; `variables` stay what they are."""
    self._plan = plan
    self._mean, self._std = ingredients.mean, ingredients.std
    self._variables = variables
    reported = ingredients.reported
    self._images = reported.images[plan.rows]
    self._labels = reported.labels[plan.rows]
    self._orders = orders_of(self._labels)
    others = ingredients.splits.validation
    self._target_rows = stratified_rows(
      others, min(len(plan.rows), len(others))
    )
    self._target = others.images[self._target_rows]
    self._adapter = batch_norm.Adapter(
      model, tent_learning_rate=plan.tent_learning_rate, dtype=ingredients.dtype
    )
    # Of tent that goes on from shift to shift, by what it goes on within.
    self._continual: dict[Any, Any] = {}

  def rows(
    self, shift: Shift
  ) -> Iterator[tuple[dict[str, Any], np.ndarray, np.ndarray]]:
    """What each row is of, its logits [N, K] and the labels [N]."""
    images = shift(self._images, self._plan.rows, seed=self._plan.seed)
    scale = shift.scale(self._mean, self._std)
    for mode in self._plan.modes:
      if mode.name in FIXED:
        logits = self._fixed(mode, shift, images, scale)
        yield _named(shift, mode), logits, self._labels
        continue
      for order, batch_size in self._plan.batches(shift):
        logits = self._batched(mode, shift, images, scale, order, batch_size)
        labels = self._labels[self._orders[order]]
        yield _named(shift, mode, order, batch_size), logits, labels

  def invariance(self) -> list[dict[str, Any]]:
    """How many source predictions change with the test batch, by its size."""
    source, clean = Mode('source'), Shift(CLEAN)
    scale = clean.scale(self._mean, self._std)
    images = self._images
    first = self._fixed(source, clean, images, scale).argmax(-1)
    found = []
    for order, size in self._plan.batches(clean):
      rows = self._orders[order]
      logits = self._adapter.logits(
        self._variables, images[rows], source, batch_size=size, scale=scale
      )
      changed = int(np.sum(logits.argmax(-1) != first[rows]))
      found.append(
        {'order': order, 'batch_size': size, 'changed': changed, 'n': len(rows)}
      )
    return found

  def _fixed(self, mode, shift, images, scale) -> np.ndarray:
    """Logits that do not depend on the test batch."""
    variables = self._variables
    if mode.name == 'recalibrated':
      target = shift(self._target, self._target_rows, seed=self._plan.seed + 1)
      variables = self._adapter.recalibrated(variables, target, scale=scale)
    return self._adapter.logits(
      variables,
      images,
      Mode('source'),
      batch_size=batch_norm.ROWS,
      scale=scale,
    )

  def _batched(self, mode, shift, images, scale, order, batch_size):
    """Logits in the order in which the images come."""
    images = images[self._orders[order]]
    known = {'batch_size': batch_size, 'scale': scale}
    if mode.name not in ('tent', 'tent_continual'):
      return self._adapter.logits(self._variables, images, mode, **known)
    within = order, batch_size, shift.severity
    goes_on = mode.name == 'tent_continual'
    logits, state = self._adapter.tent_logits(
      self._variables,
      images,
      **known,
      state=self._continual.get(within) if goes_on else None,
    )
    if goes_on:
      self._continual[within] = state
    return logits


def _named(
  shift: Shift,
  mode: Mode,
  order: str | None = None,
  batch_size: int | None = None,
) -> dict[str, Any]:
  """What a row is of; None where it makes no difference."""
  return {
    'shift': shift.name,
    'severity': shift.severity,
    'mode': mode.name,
    'amount': mode.amount,
    'order': order,
    'batch_size': batch_size,
  }


def measure(
  plan: Plan,
  ingredients: Ingredients,
  model: nn.Module,
  variables: Variables,
  *,
  console: Console,
) -> dict[str, list[dict[str, Any]]]:
  """Tests a classifier under every shift, by every mode.

  Args:
    plan: What is measured.
    ingredients: Whose reported part it is measured on; the unlabelled images
      that statistics are recalibrated on are those of the validation part,
      under the same shift.
    model: Returns `(logits, features)`.
    variables: Its own.
    console: Where a person reads how it goes.

  Returns:
    Tables: `batch_norm`, a row for each shift, mode, order and batch size, with
    `MEASURED` and n; `batch_norm_reliability`, bins of some of them;
    `batch_norm_invariance`, how many source predictions on images as they are
    change with the order and the size of the batch.
  """
  measuring = Measuring(plan, ingredients, model, variables)
  found, reliability = [], []
  todo = [*plan.shifts, *plan.corruptions]
  with training.progress_bar(console, 'BatchNorm', len(todo)) as bar:
    for shift in todo:
      for what, logits, labels in measuring.rows(shift):
        all_of_it = metrics.classification_metrics(logits, labels)
        numbers = {name: all_of_it[name] for name in MEASURED}
        found.append({**what, **numbers, 'n': len(labels)})
        if _is_drawn(what, plan):
          reliability.append({**what, **_bins(logits, labels)})
      bar.advance(1, shift.name)
  return {
    'batch_norm': found,
    'batch_norm_reliability': reliability,
    'batch_norm_invariance': measuring.invariance(),
  }


def _is_drawn(what: dict[str, Any], plan: Plan) -> bool:
  """Whether a reliability diagram shows it: no corruption, one batch size."""
  if what['severity'] is not None:
    return False
  largest = plan.orders[0], max(plan.batch_sizes)
  return what['order'] is None or largest == (what['order'], what['batch_size'])


def _bins(logits: np.ndarray, labels: np.ndarray) -> dict[str, list[float]]:
  """Count, confidence and accuracy by bin; None in an empty one."""
  bins = metrics.reliability_bins(
    scipy.special.softmax(logits.astype(np.float64), axis=-1),
    labels,
    bins=metrics.ECE_BINS,
  )
  return {
    name: [None if np.isnan(x) else float(x) for x in getattr(bins, name)]
    for name in ('count', 'confidence', 'accuracy')
  }
