"""A look into a network: one page, and its numbers."""

import pathlib
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax.experiments import origin, shown
from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.experiments.figure_files import FigureFiles
from semisup_jax.experiments.inside import answers, maps
from semisup_jax.experiments.inside.images import (
  LookedAt,
  OfAFolder,
  OfTheRun,
)
from semisup_jax.experiments.inside.network import Network, of_run
from semisup_jax.experiments.inside.part import Part, Subject
from semisup_jax.experiments.inside.published import of_weights
from semisup_jax.reporting import inside, inside_page, results
from semisup_jax.reporting.inside import Inside
from semisup_jax.training import hosts
from semisup_jax.types import InputError, lookup

NUMBERS, ARRAYS = 'numbers.json', 'arrays.npz'
PARTS = MappingProxyType(
  {
    'top_k': answers.top_k,
    'neighbours': answers.neighbours,
    'filters': maps.filters,
    'activations': maps.activations,
    'saliency': maps.saliency,
    'mistakes': answers.mistakes,
  }
)


def look_inside(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
) -> None:
  """Writes report.html, numbers.json and arrays.npz.

  Args:
    config: The whole config; `run` is the workdir of a run, or else `weights` a
      file of published ones; `data.path` is a folder of images, or None for
      those of the run.
    workdir: Where they go.
    console: Where a person reads what was found.
    command: The command line, for the page.

  Raises:
    InputError: If the config asks for what cannot be; then nothing is written.
  """
  hosts.together(lambda: workdir_lib.is_begun(workdir, config.to_dict()))
  chosen, network, source = hosts.together(lambda: _asked(config))
  looked_at = source.look(network.see, console)
  subject = _subject(chosen, network, looked_at)
  parts = {name: PARTS[name](subject) for name in config.show}
  found = _found(config, subject, list(parts.values()))

  def write(path):
    figures = FigureFiles(workdir / 'figures', console)
    for name, part in parts.items():
      if part.figure is not None:
        title, caption, draw = part.figure
        figures.add(title, caption, name, draw)
    _save(workdir, config, found, parts)
    inside_page.write_page(path, found, figures.made, command)

  sentences = (
    inside.headline(found),
    *inside.sentences(found),
    *found.left_out,
    *found.notes,
    str(workdir / NUMBERS),
  )
  shown.show(config, workdir, write, sentences, console)


def _asked(config: Any) -> tuple[Any, Network, OfTheRun | OfAFolder]:
  """The config with what it leaves open, the network, and the images."""
  _check(config)
  if config.weights is None:
    network = of_run(origin.model(config))
  else:
    network = of_weights(config)
  _check_parts(config, network)
  chosen = _chosen(config, network)
  ours = config.weights is None and config.data.path is None
  source = OfTheRun if ours else OfAFolder
  return chosen, network, source(config, network)


def _check(config: Any) -> None:
  """Fails on fields that are wrong whatever the network is."""
  if None not in (config.run, config.weights):
    raise InputError(
      f'run={config.run} and weights={config.weights} are two networks; give '
      'one of them'
    )
  of_weights_alone = {
    'classes': config.classes,
    'data.image_size': config.data.image_size,
    'data.shorter_side': config.data.shorter_side,
  }
  for name, value in of_weights_alone.items():
    if config.weights is None and value is not None:
      raise InputError(
        f'{name}={value} goes with weights; a run has its own, so leave it out'
      )
  if not config.show:
    raise InputError(f'show is empty; known: {", ".join(PARTS)}')
  for name in config.show:
    lookup(PARTS, name, 'part in show')
  least = {
    'images': (config.images, 1),
    'k': (config.k, 1),
    'mistakes': (config.mistakes, 1),
    'neighbours.k': (config.neighbours.k, 1),
    'neighbours.among': (config.neighbours.among, 1),
    'seed': (config.seed, 0),
  }
  for name, (value, lowest) in least.items():
    if value < lowest:
      raise InputError(f'{name} must be at least {lowest}, got {value}')


def _check_parts(config: Any, network: Network) -> None:
  """Fails where the network lacks what a part shows."""
  lacks = []
  if not network.classifier:
    lacks.append(
      (
        ('top_k', 'saliency', 'mistakes'),
        f'the run in {config.run} has fitted no classifier to its embeddings; '
        'run its recipe with linear_probe among --config.evaluation.protocols',
      )
    )
  if network.kernel is None:
    lacks.append((('filters',), f'{network.name} has no convolution'))
  if not network.features:
    maps_of = ('activations', 'saliency')
    lacks.append((maps_of, f'{network.name} has no feature that is a map'))
  cannot = {part for parts, _ in lacks for part in parts}
  if not cannot.isdisjoint(config.show):
    why = '; '.join(why for _, why in lacks)
    rest = ','.join(part for part in PARTS if part not in cannot)
    raise InputError(f'{why}; what can be shown is --config.show={rest},')


def _chosen(config: Any, network: Network) -> Any:
  """The config, in which what was None is chosen.

  Raises:
    InputError: If there is no such feature, or the patch is out of range.
  """
  chosen = config.copy_and_resolve_references()
  section, features = chosen.saliency, network.features
  if features:
    chosen.feature = chosen.feature or features[0]
    section.feature = section.feature or features[-1]
    for name in (chosen.feature, section.feature):
      lookup(dict.fromkeys(features), name, 'feature')
  shorter = min(network.image_shape[:2])
  if section.patch is None:
    section.patch = max(1, round(shorter / 4))
  if section.stride is None:
    section.stride = max(1, section.patch // 2)
  if not 1 <= section.patch <= shorter:
    raise InputError(
      f'saliency.patch must be 1 to {shorter} pixels, got {section.patch}'
    )
  if section.stride < 1:
    raise InputError(
      f'saliency.stride must be at least 1, got {section.stride}'
    )
  return chosen


def _subject(config: Any, network: Network, looked_at: LookedAt) -> Subject:
  """What parts are told."""
  count = len(looked_at.images.names)
  drawn = np.random.default_rng(config.seed).permutation(count)
  return Subject(
    config=config,
    network=network,
    looked_at=looked_at,
    rows=np.sort(drawn[: config.images]),
  )


def _found(config: Any, subject: Subject, parts: Sequence[Part]) -> Inside:
  """What the page says."""
  network, looked_at = subject.network, subject.looked_at
  return Inside(
    source=config.run or config.weights,
    method=network.method,
    model=network.name,
    classifier=network.classifier,
    images=looked_at.name,
    count=len(looked_at.images.names),
    caveat=looked_at.caveat,
    judged=next((part.judged for part in parts if part.judged), None),
    said=[said for part in parts for said in part.said],
    left_out=[part.left_out for part in parts if part.left_out],
    notes=looked_at.notes,
    skipped=looked_at.skipped,
  )


def _save(
  workdir: pathlib.Path, config: Any, found: Inside, parts: dict[str, Part]
) -> None:
  """Writes the numbers and the arrays."""
  numbers = {'run': config.run, 'weights': config.weights}
  numbers |= {'images': found.images, 'n': found.count}
  numbers |= {name: part.numbers for name, part in parts.items()}
  results.write_json(workdir / NUMBERS, numbers)
  path = workdir / ARRAYS
  temporary = path.with_suffix('.tmp')
  with temporary.open('wb') as file:
    arrays = [part.arrays for part in parts.values()]
    np.savez(file, **{name: x for own in arrays for name, x in own.items()})
  temporary.replace(path)
