"""The model that a run has learned, in two files: model.npz and model.json.

model.npz has the variables of the encoder, `encoder/params/...`, and a linear
classifier of its embeddings, `head/kernel` and `head/bias`, where the run has
one. model.json says what they are. Nothing in them is ever executed.
"""

import json
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from semisup_jax import models, training
from semisup_jax.experiments import saved_model
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.types import InputError

ARRAYS, CARD = 'model.npz', 'model.json'
# Raised whenever files of before cannot be read any more.
FORMAT = 1
# What a file that is damaged, or none of ours, was seen to raise.
_UNREADABLE = (
  AttributeError,
  EOFError,
  KeyError,
  MemoryError,
  OSError,
  RuntimeError,  # Of zipfile, where a flag asks for what it cannot do.
  TypeError,
  ValueError,
  struct.error,
  zipfile.BadZipFile,
  zlib.error,
)


def write(saved: SavedModel, workdir: pathlib.Path) -> None:
  """Writes both files; each is whole, or is not there.

  Args:
    saved: The model.
    workdir: Of its run.
  """
  tree = {'encoder': saved.variables}
  head = saved.head and saved.head._asdict()
  if head:
    tree['head'] = {name: head.pop(name) for name in ('kernel', 'bias')}
  arrays = traverse_util.flatten_dict(tree, sep='/')
  # What NumPy cannot store: bfloat16, of which float32 has every value.
  narrow = {k: x.dtype.name for k, x in arrays.items() if x.dtype.kind == 'V'}
  arrays |= {name: arrays[name].astype(np.float32) for name in narrow}
  card = {
    'format': FORMAT,
    'method': saved.method,
    'model': saved.section,
    'image_shape': saved.image_shape,
    'mean': saved.mean.tolist(),
    'std': saved.std.tolist(),
    'class_names': saved.class_names,
    'embedding_size': saved.embedding_size,
    'head': head,
    'stored_as_float32': narrow,
    'blake2b': training.digest(arrays),
  }
  _replace(workdir / ARRAYS, lambda file: np.savez(file, **arrays))
  text = json.dumps(card, indent=2) + '\n'
  _replace(workdir / CARD, lambda file: file.write(text.encode()))


def read(workdir: pathlib.Path) -> SavedModel:
  """Reads the model of a finished run.

  Args:
    workdir: Of the run.

  Raises:
    InputError: If there is none, if a file is damaged or not of ours, or if its
      arrays are not those of the network that it names.
  """
  card, path = read_card(workdir), workdir / ARRAYS
  try:
    if not zipfile.is_zipfile(path):
      raise ValueError('it is no .npz file, or a part of one')
    with np.load(path, allow_pickle=False) as file:
      arrays = dict(file)
    if training.digest(arrays) != card['blake2b']:
      raise ValueError(f'its arrays are not those that {CARD} is of')
    for name, dtype in card['stored_as_float32'].items():
      arrays[name] = arrays[name].astype(jnp.dtype(dtype))
    saved = _built(card, traverse_util.unflatten_dict(arrays, sep='/'))
    saved_model.check(saved)
  except _UNREADABLE as error:
    if isinstance(error, InputError):
      raise
    raise InputError(f'{path} cannot be used: {_why(error)}') from error
  return saved


def read_card(workdir: pathlib.Path) -> dict[str, Any]:
  """Reads model.json of a finished run.

  Args:
    workdir: Of the run.

  Raises:
    InputError: If there is none, or it is not of ours, or of another format.
  """
  _check_finished(workdir)
  path = workdir / CARD
  try:
    card = json.loads(path.read_text('utf-8'))
    found = card['format']
    if found == FORMAT:
      _ = card['model']['name']
  except (KeyError, OSError, TypeError, ValueError) as error:
    raise InputError(f'{path} is not a model of ours: {_why(error)}') from error
  if found != FORMAT:
    raise InputError(
      f'{path} has the format {found!r}; this version reads {FORMAT}'
    )
  return card


def _check_finished(workdir: pathlib.Path) -> None:
  """Checks that a folder holds a finished run that has left its model."""
  if not workdir.is_dir():
    raise InputError(f'there is no folder {workdir}')
  if not (workdir / 'config.json').is_file():
    raise InputError(f'{workdir} holds no run of ours')
  if not (workdir / 'results.json').is_file():
    raise InputError(
      f'the run in {workdir} is not finished; its command goes on with it'
    )
  for name in (ARRAYS, CARD):
    if not (workdir / name).is_file():
      raise InputError(
        f'{workdir} has no {name}: points of studies leave none, nor did older '
        'versions; remove results.json and report.html there and give the '
        "run's command again"
      )


def _built(card: Mapping[str, Any], tree: Mapping[str, Any]) -> SavedModel:
  """The model of both files, of which nothing has been checked yet."""
  return SavedModel(
    method=str(card['method']),
    section=card['model'],
    image_shape=tuple(card['image_shape']),
    mean=np.array(card['mean'], np.float64),
    std=np.array(card['std'], np.float64),
    class_names=tuple(map(str, card['class_names'])),
    embedding_size=card['embedding_size'],
    encoder=models.make_encoder(card['model']),
    variables=tree.get('encoder', {}),
    head=card['head'] and Head(**card['head'], **tree['head']),
  )


def _replace(path: pathlib.Path, write: Callable[[BinaryIO], Any]) -> None:
  """Writes a file that appears under its name when it is whole."""
  temporary = path.with_suffix('.tmp')
  with temporary.open('wb') as file:
    write(file)
  temporary.replace(path)


def _why(error: Exception) -> str:
  """What an error says, in one line."""
  text = ' '.join(str(error).split()) or type(error).__name__
  return f'it lacks {text}' if isinstance(error, KeyError) else text
