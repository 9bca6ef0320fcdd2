"""What is shown of two classes: where to say yes, and what else it could be."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from semisup_jax import data, evaluation, metrics


def thresholds(outcomes: Sequence[evaluation.Outcome]) -> list[dict[str, Any]]:
  """A table of results.json: the chosen thresholds, over the draws.

  Returns:
    A row for each protocol and number of labels; none where none was chosen.
  """
  found: dict[tuple, list[float]] = {}
  for outcome in outcomes:
    if outcome.threshold is not None:
      place = outcome.protocol, outcome.labels_per_class
      found.setdefault(place, []).append(outcome.threshold)
  rows = []
  for (protocol, k), values in found.items():
    mean, std = metrics.mean_and_std(values)
    row = {'protocol': protocol, 'labels_per_class': k, 'mean': mean}
    rows.append(row | {'std': std, 'n': len(values), 'values': values})
  return rows


def curves(
  outcomes: Sequence[evaluation.Outcome], reported: data.Dataset
) -> list[tuple]:
  """The fields of `reporting.figures.Curve`, of each protocol.

  Args:
    outcomes: What was tested; of each protocol the first draw of its last
      number of labels counts.
    reported: On what.

  Returns:
    Nothing where no threshold was chosen, or one class alone was tested.
  """
  if reported.multi_label or len(np.unique(reported.labels)) != 2:
    return []
  chosen = {}
  for outcome in outcomes:
    if outcome.threshold is not None and outcome.draw == 0:
      chosen[outcome.protocol] = outcome
  labels, found = reported.labels, []
  for outcome in chosen.values():
    said = metrics.positive_probability(outcome.logits)
    yes = said >= outcome.threshold
    true, false = yes[labels == 1], yes[labels == 0]
    precision = true.sum() / max(1, yes.sum())
    found.append(
      (
        outcome.protocol,
        outcome.labels_per_class,
        metrics.roc_curve(said, labels),
        metrics.precision_recall_curve(said, labels),
        (false.mean(), true.mean(), precision),
      )
    )
  return found
