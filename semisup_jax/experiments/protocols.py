"""The protocols that a config can name, each a way to use labelled images."""

import functools
from collections.abc import Sequence
from typing import Any

from semisup_jax import data, evaluation, training
from semisup_jax.evaluation import label_efficiency
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.experiments import probing, separability
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.labelled_plans import TRAINED, plans, within
from semisup_jax.experiments.labelled_training import protocol_of
from semisup_jax.types import InputError, lookup


def knn(embeddings: Embeddings) -> Protocol:
  """Cosine kNN among the labelled embeddings."""
  section = embeddings.config.evaluation.knn
  ingredients = embeddings.ingredients

  def protocol(rows, draw):
    del draw  # Nothing is random here.
    logits = functools.partial(
      evaluation.knn_logits,
      embeddings.train[rows],
      ingredients.splits.train.labels[rows],
      neighbours=section.neighbours,
      temperature=section.temperature,
      num_classes=ingredients.num_classes,
    )
    threshold = ingredients.threshold(lambda: logits(embeddings.validation))
    return logits(embeddings.reported), threshold

  return protocol


FROZEN = {'linear_probe': probing.probe, 'knn': knn}
KNOWN = {**FROZEN, **TRAINED}


def make(
  names: Sequence[str], embeddings: Embeddings, places: training.Places
) -> dict[str, Protocol]:
  """Makes protocols by their names, of `KNOWN`.

  Args:
    names: Of those that are run.
    embeddings: Of the encoder that they judge.
    places: Where networks are trained side by side.
  """
  return {
    name: FROZEN[name](embeddings)
    if name in FROZEN
    else protocol_of(name, embeddings, places)
    for name in names
  }


def check(config: Any, ingredients: Ingredients) -> None:
  """Fails early, before anything is trained, if a protocol could not run.

  Raises:
    InputError: If a name, a recipe or a number of labels is not possible.
  """
  section = config.evaluation
  separability.check(config, ingredients)
  for name in section.protocols:
    lookup(KNOWN, name, 'evaluation.protocols')
    if name in TRAINED:
      for planned in plans(config, name, ingredients).values():
        with within(f'evaluation.{TRAINED[name][0]}'):
          planned.recipe.mesh()
  for name in section.protocols_for_all:
    lookup(KNOWN, name, 'evaluation.protocols_for_all')
  for field in ('protocols', 'labels_per_class'):
    if len(set(section[field])) < len(section[field]):
      raise InputError(
        f'evaluation.{field} names one twice: {tuple(section[field])}'
      )
  if section.draws < 1:
    raise InputError(
      f'evaluation.draws must be at least 1, got {section.draws}'
    )
  knn_section, l2 = section.knn, section.linear_probe.l2
  if knn_section.neighbours < 1 or not knn_section.temperature > 0:
    raise InputError(
      'evaluation.knn needs neighbours >= 1 and temperature > 0, got '
      f'{knn_section.neighbours} and {knn_section.temperature}'
    )
  if not l2 or min(l2) <= 0:
    raise InputError(
      f'evaluation.linear_probe.l2 must be positive numbers, got {tuple(l2)}'
    )
  if section.protocols:
    _check_label_counts(config, ingredients)


def _check_label_counts(config: Any, ingredients: Ingredients) -> None:
  section, splits = config.evaluation, ingredients.splits
  labels = splits.train.labels[splits.labelled]
  counts = data.label_counts(labels, ingredients.num_classes)
  smallest = splits.train.class_names[int(counts.argmin())]
  for k in section.labels_per_class:
    if k == 'all':
      continue
    if not isinstance(k, int) or k < 1:
      raise InputError(
        "evaluation.labels_per_class must be positive integers or 'all', got "
        f'{k!r}'
      )
    if k > counts.min():
      raise InputError(
        f'evaluation.labels_per_class asks for {k}, but class {smallest!r} has '
        f'{counts.min()} labelled images; lower it, as '
        f'--config.evaluation.labels_per_class=1,{max(2, counts.min() // 2)}'
      )
    if k == counts.max() and section.draws > 1:
      raise InputError(
        f'evaluation.labels_per_class={k} is every labelled image, so all '
        "draws would be the same; use 'all' for it"
      )
  for_all = tuple(section.protocols_for_all)
  runs = label_efficiency.count_runs(
    section.protocols, section.labels_per_class, section.draws, for_all
  )
  if not runs:
    raise InputError(
      'nothing would be evaluated: evaluation.labels_per_class='
      f'{tuple(section.labels_per_class)} with the protocols '
      f'{", ".join(section.protocols)} (of which {", ".join(for_all)} '
      "use 'all')"
    )
