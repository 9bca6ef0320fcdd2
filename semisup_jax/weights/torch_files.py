"""What torch.save has written: a zip file, or, before torch 1.6, pickles."""

import functools
import io
import struct
import zipfile
from typing import Any

import numpy as np

from semisup_jax.weights import pickles
from semisup_jax.weights.pickles import Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
# Under which training code keeps a state_dict beside its own things.
_WRAPPED = ('state_dict', 'model')


def read_zip(archive: zipfile.ZipFile, size: int) -> dict[str, np.ndarray]:
  """Reads a zip file of torch 1.6 and later.

  Args:
    archive: With a member data.pkl, and data/KEY for each storage.
    size: Of the file, in bytes.

  Returns:
    Arrays by name; views of the storages, which are not copied.

  Raises:
    ValueError: If it is not as torch writes it, or what `pickles.load` raises.
  """
  members = archive.infolist()
  plain = all(m.compress_type == zipfile.ZIP_STORED for m in members)
  if not plain or sum(m.file_size for m in members) > size:
    raise ValueError(
      'its members are compressed or overlap, unlike those of torch'
    )
  names = {member.filename for member in members}
  pickled = [name for name in names if name.endswith('data.pkl')]
  if len(pickled) != 1:
    raise ValueError('it is a zip file, but not of torch.save')
  root = pickled[0].removesuffix('data.pkl')
  if f'{root}byteorder' in names:
    _check_little(archive.read(f'{root}byteorder') == b'little')
  found = pickles.load(io.BytesIO(archive.read(f'{root}data.pkl')))

  @functools.cache
  def data(key):
    if f'{root}data/{key}' not in names:
      raise ValueError(f'it lacks its storage {key}')
    return archive.read(f'{root}data/{key}')

  return {
    name: pickles.array(tensor, data(tensor.storage.key))
    for name, tensor in _tensors(found.value).items()
  }


def read_legacy(content: bytes) -> dict[str, np.ndarray]:
  """Reads a file of before torch 1.6: five pickles, and raw storages.

  Args:
    content: Of the whole file.

  Returns:
    Arrays by name; views of `content`, which is not copied.

  Raises:
    ValueError: If it is not as torch writes it, or what `pickles.load` raises.
    struct.error: If it ends too early.
  """
  file = io.BytesIO(content)
  if pickles.load(file).value != _MAGIC:
    raise ValueError('it is a pickle, but not of torch.save')
  if pickles.load(file).value != _PROTOCOL:
    raise ValueError(f'its protocol is not {_PROTOCOL}')
  _check_little(pickles.load(file).value['little_endian'])
  found = pickles.load(file)
  storages = {}
  view = memoryview(content)
  for key in pickles.load(file).value:
    storage = found.storages[key]
    (size,) = struct.unpack('<q', file.read(8))
    if size != storage.size:
      raise ValueError(f'its storage {key} has not the size it should')
    start = file.tell()
    end = start + size * storage.dtype.itemsize
    if end > len(content):
      raise ValueError(f'it ends within its storage {key}')
    storages[key] = view[start:end]
    file.seek(end)
  return {
    name: pickles.array(tensor, storages[tensor.storage.key])
    for name, tensor in _tensors(found.value).items()
  }


def _check_little(little: bool) -> None:
  if not little:
    raise ValueError('its numbers are big-endian')


def _tensors(value: Any) -> dict[str, Tensor]:
  """The state_dict in what a file holds: that, or a dict that has it."""
  if isinstance(value, dict):
    for name in _WRAPPED:
      if isinstance(value.get(name), dict):
        value = value[name]
        break
  if not isinstance(value, dict) or not value:
    raise ValueError('it has no state_dict')
  for name, tensor in value.items():
    if not isinstance(name, str) or not isinstance(tensor, Tensor):
      raise ValueError(f'it has no state_dict: {name!r} is no tensor')
  return value
