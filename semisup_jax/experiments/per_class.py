"""Results class by class, or label by label: tables of results.json."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from semisup_jax import data, evaluation, metrics

# A protocol, and its number of labels a class.
Place = tuple[str, Any]
Row = dict[str, Any]


def confusions(
  outcomes: Iterable[evaluation.Outcome],
  reported: data.Dataset,
  *,
  at_threshold: bool = False,
) -> dict[Place, np.ndarray]:
  """Counts by place, int64 [K, K], over all draws.

  Args:
    outcomes: What was tested.
    reported: On what; an image has one class.
    at_threshold: Whether an outcome's threshold, where it has one, decides
      between two classes, and not which is more probable.
  """
  found = {}
  for outcome in outcomes:
    place = outcome.protocol, outcome.labels_per_class
    said = outcome.logits.argmax(-1)
    if at_threshold and outcome.threshold is not None:
      positive = metrics.positive_probability(outcome.logits)
      said = (positive >= outcome.threshold).astype(int)
    found[place] = found.get(place, 0) + metrics.confusion_matrix(
      reported.labels, said, reported.num_classes
    )
  return found


def recall(
  confusions: Mapping[Place, np.ndarray], reported: data.Dataset, shown: Place
) -> list[Row]:
  """How many images of each class are recognised.

  Args:
    confusions: Of each place.
    reported: What was tested on.
    shown: The place that the page shows.
  """
  return [
    {
      'protocol': place[0],
      'labels_per_class': place[1],
      'class': name,
      'recall': recall,
      'n': int(n),
      'shown': place == shown,
    }
    for place, confusion in confusions.items()
    for name, recall, n in zip(
      reported.class_names,
      metrics.per_class_recall(confusion),
      np.bincount(reported.labels, minlength=reported.num_classes),
      strict=True,
    )
  ]


def by_label(
  outcomes: Iterable[evaluation.Outcome],
  reported: data.Dataset,
  shown: Place | None,
) -> list[Row]:
  """The metrics of each label, over the draws.

  Args:
    outcomes: What was tested.
    reported: On what; an image has any number of labels.
    shown: The place that the page shows.

  Returns:
    A row a place and label: `class`, its name; `n` images, of which `positive`
    have it; of each metric the mean under its name, NaN where it cannot be
    measured, and `<name>_std` over `draws`, None of one.
  """
  measured: dict[Place, list[dict[str, np.ndarray]]] = {}
  for outcome in outcomes:
    place = outcome.protocol, outcome.labels_per_class
    found = metrics.by_label(outcome.logits, reported.labels)
    measured.setdefault(place, []).append(found)
  positive = data.label_counts(reported.labels, reported.num_classes)
  rows = []
  for place, draws in measured.items():
    for label, name in enumerate(reported.class_names):
      row = {
        'protocol': place[0],
        'labels_per_class': place[1],
        'class': name,
        'n': len(reported),
        'positive': int(positive[label]),
        'draws': len(draws),
        'shown': place == shown,
      }
      for metric in draws[0]:
        row[metric], row[f'{metric}_std'] = metrics.mean_and_std(
          [draw[metric][label] for draw in draws]
        )
      rows.append(row)
  return rows
