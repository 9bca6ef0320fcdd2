"""Weights that others have published, and ours for others."""

import io
import os
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util

from semisup_jax.types import InputError, Variables
from semisup_jax.weights import caffe, naming, safetensors, torch_files

# What a file that is damaged, or none of weights, was seen to raise.
_UNREADABLE = (
  AttributeError,
  EOFError,
  IndexError,
  KeyError,
  MemoryError,
  NotImplementedError,  # Of zipfile, for a compression that it lacks.
  OSError,
  OverflowError,
  RecursionError,
  RuntimeError,  # Of zipfile, where a flag asks for what it cannot do.
  TypeError,
  ValueError,
  struct.error,
  zipfile.BadZipFile,
  zlib.error,
)
# In pixels: the middle of an image is what published networks were tested with,
# once its shorter side was made this long.
IMAGE_SIZE, SHORTER_SIDE = 224, 256
# How many names of each kind an error has.
_NAMED = 3
# Of what an error quotes, and of a name, in characters.
_LONGEST = 200


class Classifier(NamedTuple):
  """A published network with its last layer.

  Attributes:
    model: Gives logits, float [N, K].
    variables: Its own, on the host.
    image_size: The side of the images that it was tested with, in pixels.
  """

  model: nn.Module
  variables: Variables
  image_size: int


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
  """Reads a file of weights, whichever its format; nothing in it is run.

  Args:
    path: What torch.save has written of a state_dict, or of a dict that has one
      as `state_dict` or `model`; a .safetensors file; or the .npz file of
      `caffe`.

  Returns:
    Arrays under torchvision's names, as torch lays them out, without the prefix
    `module.` that training on several devices leaves.

  Raises:
    InputError: If there is no such file, if it is damaged, or if it asks for
      anything but tensors in plain containers.
  """
  arrays, _ = _read(path)
  return arrays


def _read(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], bool]:
  """The same, and whether it is the file of `caffe`."""
  path = pathlib.Path(path).expanduser()
  if not path.is_file():
    raise InputError(f'there is no file {path} with weights')
  try:
    arrays, of_caffe = _decoded(path.read_bytes())
  except _UNREADABLE as error:
    # It may quote what is in the file, whatever that does to a terminal.
    text = ' '.join(str(error).split())[:_LONGEST]
    why = ''.join(filter(str.isprintable, text)) or type(error).__name__
    if not isinstance(error, ValueError | OSError):
      why = f'it is damaged ({type(error).__name__}: {why})'
    raise InputError(f'{path} cannot be read as weights: {why}') from error
  if not all(name.isprintable() and len(name) <= _LONGEST for name in arrays):
    raise InputError(f'{path} cannot be read as weights: it has odd names')
  if all(name.startswith('module.') for name in arrays):
    arrays = {name.removeprefix('module.'): x for name, x in arrays.items()}
  return arrays, of_caffe


def _decoded(content: bytes) -> tuple[dict[str, np.ndarray], bool]:
  # First: the length before it can begin as any of the others.
  if content[8:9] == b'{':
    return safetensors.decode(content), False
  if content.startswith(b'PK'):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
      names = archive.namelist()
      if any(name.endswith('.npy') for name in names):
        return caffe.read(archive), True
      return torch_files.read_zip(archive, len(content)), False
  if content.startswith(b'\x80'):
    return torch_files.read_legacy(content), False
  raise ValueError('it is none of torch.save, .safetensors or .npz')


def load(
  path: str | os.PathLike,
  model: nn.Module,
  *,
  image_shape: tuple[int, int, int] = (224, 224, 3),
) -> Variables:
  """Loads published weights into the variables of a network.

  Args:
    path: See `read`.
    model: A `ResNet` or a `SqueezeNet`. Where it has no classifier, that of the
      file is left out.
    image_shape: Of what it will be given, (H, W, C).

  Returns:
    Its variables, on the host, of the types that training keeps them in.

  Raises:
    InputError: If the file cannot be read, or has other variables than the
      network, naming those that are missing, too many or of other shapes.
  """
  naming.check(model)
  return _fitted(path, read(path), model, image_shape)


def load_classifier(path: str | os.PathLike, encoder: nn.Module) -> Classifier:
  """Loads a published network as it is, with its last layer.

  Args:
    path: See `read`.
    encoder: A `ResNet` or a `SqueezeNet` without a last layer. Of how many
      classes that is, and how it pads, the file says.

  Raises:
    InputError: As `load`, or if the file has no last layer.
  """
  naming.check(encoder)
  arrays, of_caffe = _read(path)
  bias = naming.name_of(encoder, ('params', 'classifier', 'bias'))
  count = arrays[bias].size if bias in arrays else 0
  if not count:
    raise InputError(
      f'{path} has no {bias}, a part of the classifier of a '
      f'{type(encoder).__name__}; weights with one are needed'
    )
  model, size = encoder.clone(num_classes=count), IMAGE_SIZE
  if of_caffe:
    size = caffe.IMAGE_SIZE
    model = model.clone(classifier_padding=caffe.CLASSIFIER_PADDING)
  shape = size, size, 3
  return Classifier(model, _fitted(path, arrays, model, shape), size)


def _fitted(
  path: str | os.PathLike,
  arrays: Mapping[str, np.ndarray],
  model: nn.Module,
  image_shape: tuple[int, int, int],
) -> Variables:
  """The arrays of a file as variables of a network; see `load`."""
  wanted = _wanted(model, image_shape)
  found = {
    name: array
    for name, array in arrays.items()
    if not name.endswith('.num_batches_tracked')
    and (
      model.num_classes is not None or not naming.is_of_classifier(model, name)
    )
  }
  problems = {
    'it lacks': [name for name in wanted if name not in found],
    'it has besides': [name for name in found if name not in wanted],
    'of another shape': [
      f'{name} {list(found[name].shape)}, not {list(shape)}'
      for name, (_, shape) in wanted.items()
      if name in found and found[name].shape != shape
    ],
  }
  said = [f'{what}: {_list(x)}' for what, x in problems.items() if x]
  if said:
    raise InputError(f'{path} does not fit the network; {"; ".join(said)}')
  dtype = jnp.promote_types(model.dtype, jnp.float32)
  return traverse_util.unflatten_dict(
    {
      path: np.ascontiguousarray(naming.from_torch(found[name]), dtype)
      for name, (path, _) in wanted.items()
    }
  )


def export(
  path: str | os.PathLike, model: nn.Module, variables: Variables
) -> None:
  """Writes a network as a .safetensors file under torchvision's names.

  Args:
    path: Of the file; it is whole, or not there.
    model: A `ResNet` or a `SqueezeNet`.
    variables: Its own.

  Raises:
    InputError: If it is another network, or the file cannot be written.
  """
  naming.check(model)
  arrays = {
    naming.name_of(model, name): naming.to_torch(np.asarray(array))
    for name, array in traverse_util.flatten_dict(variables).items()
  }
  path = pathlib.Path(path).expanduser()
  temporary = path.with_name(f'{path.name}.tmp')
  try:
    temporary.write_bytes(safetensors.encode(arrays))
    temporary.replace(path)
  except OSError as error:
    temporary.unlink(missing_ok=True)
    raise InputError(f'{path} cannot be written ({error.strerror})') from error


def _wanted(
  model: nn.Module, image_shape: tuple[int, int, int]
) -> dict[str, tuple[naming.Path, tuple[int, ...]]]:
  """Of each variable, by torchvision's name, its path and torch's shape."""
  image = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
  variables = jax.eval_shape(
    lambda x: model.init(jax.random.key(0), x, train=False), image
  )
  flat = traverse_util.flatten_dict(variables)
  return {
    naming.name_of(model, path): (
      path,
      naming.to_torch(np.broadcast_to(0, leaf.shape)).shape,
    )
    for path, leaf in flat.items()
  }


def _list(names: list[str]) -> str:
  more = len(names) - _NAMED
  listed = ', '.join(names[:_NAMED])
  return f'{listed} and {more} more' if more > 0 else listed
