"""Where images come from: a name in the config to a `Dataset` for each split.

A source returns the splits it has officially, under `train`, `validation` and
`test`; `splits.make_splits` makes the missing ones. Its unlabelled images are
in `train` under the label `UNKNOWN`, after the others.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from semisup_jax.data.dataset import UNKNOWN, Parts
from semisup_jax.data.labels import any_positive, known, undecided
from semisup_jax.data.sources import fields
from semisup_jax.data.sources.digit_scenes import digit_scenes
from semisup_jax.data.sources.digits import digits
from semisup_jax.data.sources.folder import folder
from semisup_jax.data.sources.npz import npz
from semisup_jax.data.sources.tfds import tfds
from semisup_jax.types import InputError, lookup

SOURCES = {
  'digits': digits,
  'digit_scenes': digit_scenes,
  'npz': npz,
  'folder': folder,
  'tfds': tfds,
}
# What may be made of the labels, `data.targets`.
TARGETS = {'any_positive': any_positive}
# Those whose images need not be in memory.
_STORED = ('folder', 'npz')


def load(config: Mapping[str, Any]) -> Parts:
  """Reads the data set that `config.data` names, to learn from it.

  Args:
    config: See `read`.

  Returns:
    See `read`; there are two classes or more, and images of them in `train`.

  Raises:
    InputError: If it is not there, or not what it should be.
  """
  parts = read(config)
  check_labels(parts, config['name'])
  return parts


def read(config: Mapping[str, Any]) -> Parts:
  """Reads the data set that `config.data` names, whatever labels it has.

  Args:
    config: The section `data`: `name` (a key of `SOURCES`, or
      'tfds:<builder>'), `classes`, `targets` (None leaves labels as they are;
      'any_positive' makes two classes of several labels an image: whether it
      has one of those that `classes` selects), and what the source asks for.

  Returns:
    A `Dataset` for each official split: `train`, and perhaps `validation` and
    `test`.

  Raises:
    InputError: If it is not there, or cannot be read.
  """
  name, colon, builder = config['name'].partition(':')
  source = lookup(SOURCES, name, 'data.name')
  if (name == 'tfds') != bool(builder):
    raise InputError(
      f'data.name must be tfds:<builder>, as tfds:cifar100, or one of '
      f'{", ".join(sorted(set(SOURCES) - {"tfds"}))}; got '
      f'{name + colon + builder!r}'
    )
  _check_reading(config, name)
  targets, classes = config.get('targets'), config['classes']
  target = targets and lookup(TARGETS, targets, 'data.targets')
  parts = source(config, builder) if builder else source(config)
  shapes = {split: part.images.shape[1:] for split, part in parts.items()}
  if len(set(shapes.values())) > 1:
    shown = ', '.join(f'{split} {list(s)}' for split, s in shapes.items())
    raise InputError(f'all images must be of one shape [H, W, C]; got {shown}')
  if classes is not None:
    # Of one label, whether an image has it are two classes.
    parts = _of(classes, parts, least=1 if target else 2)
  if target:
    parts = {split: target(part) for split, part in parts.items()}
  return parts


def check_labels(parts: Parts, name: str) -> None:
  """Fails on labels that nothing can be learned from.

  Args:
    parts: Of the data set.
    name: Of it, `data.name`.

  Raises:
    InputError: If there are none, or of one class, or if what is tested on has
      none.
  """
  for split, part in parts.items():
    if split != 'train' and len(part) and part.labels.min() < 0:
      raise InputError(
        f'labels of the {split} part must be at least 0, got '
        f'{part.labels.min()}'
      )
  if parts['train'].labels.max(initial=UNKNOWN) == UNKNOWN:
    raise InputError(
      f'data.name={name} has no labelled image; a table labels.csv with the '
      'columns file and label, in the folder or where data.labels says, is one '
      'way to label a few'
    )
  train = parts['train']
  labels = train.labels[known(train.labels)]
  if train.num_classes < 2 or (not train.multi_label and np.ptp(labels) == 0):
    raise InputError(f'data.name={name} has one class; two are needed')
  if train.multi_label and undecided(labels).all():
    raise InputError(
      f'data.name={name}: each label is on all labelled images or on none of '
      'them, so nothing can be learned'
    )


def _check_reading(config: Mapping[str, Any], name: str) -> None:
  """Fails where images should be read in a way in which they are not."""
  workers, in_memory = fields.workers(config), fields.in_memory(config)
  if not in_memory and name not in _STORED:
    raise InputError(
      f'data.in_memory=False is for {" and ".join(_STORED)}; '
      f'data.name={config["name"]} is read into memory'
    )
  if in_memory and workers:
    raise InputError(
      f'data.workers={workers} read nothing where all images are in memory; '
      'set --config.data.in_memory=False'
    )


def _of(classes: Sequence[int | str], parts: Parts, least: int) -> Parts:
  """The images of some classes, which become the classes 0, 1, and so on.

  Unlabelled images stay: nobody knows what they are of. Of several labels an
  image all images stay, with these labels.

  Args:
    classes: Numbers or names, `data.classes`.
    parts: Of the source.
    least: How many there have to be.
  """
  names = parts['train'].class_names
  for c in classes:
    if isinstance(c, int) and str(c) in names and names.index(str(c)) != c:
      raise InputError(
        f'data.classes={tuple(classes)}: {c} is a number, and the name of '
        f'class {names.index(str(c))}; write a name as {str(c)!r}, with quotes'
      )
  numbers = [names.index(c) if c in names else c for c in classes]
  if not all(isinstance(c, int) and 0 <= c < len(names) for c in numbers):
    raise InputError(
      f'data.classes must be numbers, 0 to {len(names) - 1}, or names, of '
      f'which {", ".join(names[:3])} are the first; got {tuple(classes)}'
    )
  if not least <= len(set(numbers)) == len(numbers):
    count = {1: 'different classes', 2: 'two different classes or more'}[least]
    raise InputError(f'data.classes must be {count}, got {tuple(classes)}')
  kept = tuple(names[c] for c in numbers)
  if parts['train'].multi_label:
    return {
      split: dataclasses.replace(
        part, labels=part.labels[:, numbers], class_names=kept
      )
      for split, part in parts.items()
    }
  number = np.full(len(names), UNKNOWN, np.int32)
  number[numbers] = np.arange(len(numbers))
  found = {}
  for split, part in parts.items():
    unknown = part.labels == UNKNOWN
    labels = np.where(unknown, UNKNOWN, number[part.labels])
    rows = np.flatnonzero(unknown | (labels != UNKNOWN))
    found[split] = dataclasses.replace(
      part, labels=labels, class_names=kept
    ).take(rows)
  return found
