"""How trainings went, look by look, and which of several was the best."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.metrics import mean_ranks, selection_values


class Course:
  """Takes what a training writes to its log, and keeps it.

  Attributes:
    looks: Of each look at validation: `step`, the `train_loss` of the steps
      since the one before, their mean, and its metrics by name.
  """

  def __init__(self):
    self.looks: list[dict[str, Any]] = []
    self._losses: list[float] = []

  def write(self, step: int, split: str, metrics: Mapping[str, float]) -> None:
    """As `training.MetricsLog` has it; of one evaluator, `classifier`."""
    if split == 'train':
      self._losses.append(metrics['loss'])
      return
    measured = {k.removeprefix('classifier_'): v for k, v in metrics.items()}
    loss = float(np.mean(self._losses))
    self.looks.append({'step': step, 'train_loss': loss, **measured})
    self._losses = []

  def flush(self) -> None:
    """There is no file to hand anything to."""


def best_of(
  looks: Sequence[Mapping[str, float]], select_by: Sequence[str]
) -> int:
  """The place of the best of some looks.

  Args:
    looks: The metrics of each, `nll` among them.
    select_by: Those that choose: by the mean of a look's ranks, so that of one
      it is the value.

  Returns:
    Of those that are level, the place of the one with the lowest loss on
    validation: small validation parts tie often. Of the same loss, the first.
  """
  values = np.stack([selection_values(look, select_by) for look in looks])
  # What cannot be measured, as of a fold without a class, is the last.
  values = np.where(np.isnan(values), -np.inf, values)
  ranks = mean_ranks(values)
  losses = np.array([look['nll'] for look in looks])
  return int(np.lexsort((losses, -ranks))[0])


def mean_looks(
  courses: Sequence[Sequence[Mapping[str, float]]],
) -> list[dict[str, float]]:
  """The looks of several trainings of one recipe, averaged step by step."""
  return [
    {name: float(np.mean([look[name] for look in looks])) for name in looks[0]}
    for looks in zip(*courses, strict=True)
  ]
