"""Learning on one data set, and judging the encoder on another."""

import dataclasses
from typing import Any

import numpy as np

from semisup_jax import data, evaluation, models
from semisup_jax.evaluation import label_efficiency
from semisup_jax.experiments import (
  batch_norm,
  fitting,
  labelled_plans,
  measuring,
  mixed_sheet,
  pretrain,
  protocols,
  reconstructions,
  views,
)
from semisup_jax.experiments import ingredients as ingredients_lib
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.ingredients import Ingredients
from semisup_jax.experiments.job import Job, Measured
from semisup_jax.training import hosts
from semisup_jax.types import InputError, Method

# Of the reported images of the source, on which its own classifier is tested.
SOURCE_IMAGES = 2000


def transfer(config: Any, ingredients: Ingredients) -> Job:
  """Learns from `config.source`, then the protocols judge on `config.data`.

  With `config.transfer.labels_per_class` a method that learns from labels is
  trained once for each of these numbers, from the same first variables; fewer
  labels are a subset of more. Of each training the last state is taken, and
  nothing is looked at on the way: one who has few labels has none to choose a
  state by. Images of both data sets are normalized by the statistics of the
  source, which the encoder has learned with.

  Args:
    config: The whole config; `source` has the fields of `data`. Where `data`
      has a mean and a std, they are those of `source`.
    ingredients: The objects of `config.data`, the target.

  Raises:
    InputError: If the config asks for what cannot be.
  """
  _check(config)
  learned = _of_source(config)
  with labelled_plans.within('source, which has the fields of data'):
    source = ingredients_lib.gather(learned)
    method = pretrain.make_method(learned, source)
  _check_shapes(source, ingredients)
  target = dataclasses.replace(ingredients, mean=source.mean, std=source.std)
  protocols.check(config, target)
  batch_norm.make_plan(config, target, None)
  parts = _parts(config, method, source)
  plans = {k: fitting.plan(learned, method, part) for k, part in parts.items()}
  first = next(iter(plans.values()))
  mesh = first.mesh()

  def execute(workdir, console):
    outcomes, of_source, compiled = [], [], {}
    for k, part in parts.items():
      # A recipe of as many steps is the same: it need not be compiled again.
      recipe, step = compiled.setdefault(
        plans[k].steps,
        (plans[k], fitting.compiled_step(method, plans[k], mesh)),
      )
      state = fitting.fit(
        method,
        part,
        recipe,
        evaluators={},
        mesh=mesh,
        folder=workdir if k is None else workdir / f'labels_per_class={k}',
        checkpoint=config.checkpoint,
        seed=config.seed,
        console=console,
        title='training' if k is None else f'{k} labels a class',
        train_step=step,
      )
      variables = method.predict_variables(state)
      embeddings = Embeddings(
        config,
        target,
        mesh,
        models.encoder_variables(variables),
      )
      outcomes += _renamed(measuring.evaluate(config, embeddings, console), k)
      if method.classifies:
        of_source.append(_on_source(source, method, variables, mesh, k))
    hosts.from_main(lambda: mixed_sheet.write(learned, source, workdir))
    tables = {'source': [row for rows in of_source for row in rows]}
    reconstructed = reconstructions.of_reported(
      method, variables, source, mesh, config.method.get('ssim_window')
    )
    if reconstructed:
      tables['reconstruction'] = reconstructed.rows
    return Measured(
      outcomes,
      embeddings,
      views.examples(learned, method, source),
      reconstructed and reconstructed.images,
      tables=tables,
      notes=_notes(config, source, target),
    )

  words = fitting.in_words(method, first, mesh)
  times = f'{len(parts)} times ' if len(parts) > 1 else ''
  plan = f'the encoder from {config.source.name}: {times}{words}'
  return Job(config.method.name, plan, execute, target)


def _of_source(config: Any) -> Any:
  """The config of a run on the source, whose data it is."""
  learned = config.copy_and_resolve_references()
  learned.data = learned.source
  return learned


def _parts(
  config: Any, method: Method, source: Ingredients
) -> dict[int | None, Ingredients]:
  """What each training learns from; under None, the labels of the source."""
  numbers = config.transfer.labels_per_class
  if not numbers:
    return {None: source}
  if set(method.streams) != {'labelled'}:
    raise InputError(
      f'transfer.labels_per_class={tuple(numbers)} needs a method that learns '
      f'from labels alone; method.name={config.method.name} does not; set '
      '--config.transfer.labels_per_class=()'
    )
  if len(set(numbers)) < len(numbers):
    raise InputError(
      f'transfer.labels_per_class names one twice: {tuple(numbers)}'
    )
  splits = source.splits
  parts = {}
  for k in numbers:
    drawn = data.draw_labelled(
      splits.train.labels[splits.labelled],
      k,
      seed=(config.seed, 3, 0),
      num_classes=source.num_classes,
    )
    rows = splits.labelled[drawn]
    parts[k] = source.with_labels(splits.train.labels, rows)
  return parts


def _check(config: Any) -> None:
  if not config.evaluation.protocols:
    raise InputError(
      'evaluation.protocols is empty: nothing would be judged on the target'
    )
  if fitting.asked_of_validation(config) or config.evaluation.online_probe:
    raise InputError(
      'a transfer looks at nothing on the way: evaluation.patience must be '
      "None, evaluation.select_by 'top1', evaluation.online_probe False, and "
      'schedule.decay not plateau'
    )
  for field in ('mean', 'std'):
    if config.data[field] not in (None, config.source[field]):
      raise InputError(
        f'data.{field} must be None or that of source, by which all images are '
        f'normalized; got {config.data[field]} and {config.source[field]}'
      )
  if config.transfer.labels_per_class:
    _check_curve(config.evaluation)


def _check_curve(section: Any) -> None:
  """What a curve over labels of the source leaves to the target."""
  if tuple(section.labels_per_class) != ('all',):
    raise InputError(
      'transfer.labels_per_class is a curve over labels of the source, where '
      'all of the target are used; set --config.evaluation.labels_per_class=all'
      f', got {tuple(section.labels_per_class)}'
    )
  trained = set(labelled_plans.TRAINED) & set(section.protocols)
  if trained:
    raise InputError(
      'transfer.labels_per_class needs protocols that leave the encoder as it '
      f'is; take {", ".join(sorted(trained))} out of evaluation.protocols'
    )


def _check_shapes(source: Ingredients, target: Ingredients) -> None:
  shapes = [x.splits.train.images.shape[1:] for x in (source, target)]
  if shapes[0] != shapes[1]:
    help_ = 'channels cannot be changed'
    if shapes[0][-1] == shapes[1][-1]:
      help_ = 'source.image_size and data.image_size can make them so'
    raise InputError(
      'images of source and data must be of one shape [H, W, C], got '
      f'{list(shapes[0])} and {list(shapes[1])}; {help_}'
    )


def _renamed(
  outcomes: list[evaluation.Outcome], k: int | None
) -> list[evaluation.Outcome]:
  """Outcomes by the labels of the source, where these are what varies."""
  if k is None:
    return outcomes
  return [dataclasses.replace(o, labels_per_class=k) for o in outcomes]


def _on_source(source, method, variables, mesh, k):
  """How well the classifier does on the images that it was trained for."""
  reported, k = source.reported, 'all' if k is None else k
  count = min(SOURCE_IMAGES, len(reported))
  rows = data.draw_stratified(reported.labels, count, seed=(0,))
  logits = source.forward(method.model, mesh)(variables, reported.images[rows])
  outcome = evaluation.Outcome('source', k, 0, logits)
  return label_efficiency.summarize([outcome], reported.labels[rows])


def _notes(config: Any, source: Ingredients, target: Ingredients) -> list[str]:
  said = [
    f'The encoder has learned from {config.source.name}, by whose statistics '
    'all images are normalized.'
  ]
  ks = config.transfer.labels_per_class
  if ks:
    said.append(
      'Labels a class are those of the source; what is judged has all labels '
      f'of the target. The embeddings are those after {ks[-1]} labels a class.'
    )
  seen = _shared_images(source, target)
  if seen:
    said.append(
      f'{seen:,} of the {len(target.reported):,} images that it is judged on '
      'are among those that the encoder may have learned from: what it knows '
      'of them is no proof of what it makes of new ones.'
    )
  return said


def _shared_images(source: Ingredients, target: Ingredients) -> int:
  """How many of the target's reported images are training images of the source,
  pixel by pixel."""
  splits = source.splits
  learned = data.digests(splits.train.images, splits.known)
  return int(np.isin(data.digests(target.reported.images), learned).sum())
