"""Files as torch.save writes them, made without torch."""

import io
import pickle
import struct
import zipfile
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

_STORAGES = {
  np.dtype(dtype): f'torch {name}Storage'
  for name, dtype in {
    'BFloat16': ml_dtypes.bfloat16,
    'Bool': np.bool_,
    'Double': np.float64,
    'Float': np.float32,
    'Half': np.float16,
    'Int': np.int32,
    'Long': np.int64,
  }.items()
}


class Name(NamedTuple):
  """What a pickle imports, `module name`."""

  path: str


class Call(NamedTuple):
  """What a pickle calls, and with which arguments."""

  name: str
  arguments: tuple


class Stored:
  """A storage: a flat array."""

  def __init__(self, array):
    self.array = array


def view(stored, offset, shape, strides) -> Call:
  """A tensor that is a part of a storage."""
  arguments = (stored, offset, tuple(shape), tuple(strides), False, {})
  return Call('torch._utils _rebuild_tensor_v2', arguments)


def tensor(array) -> Call:
  """A tensor with a storage of its own."""
  strides = [step // array.itemsize for step in array.strides]
  return view(Stored(np.asarray(array).ravel()), 0, array.shape, strides)


def parameter(array) -> Call:
  return Call('torch._utils _rebuild_parameter', (tensor(array), True, {}))


class _Pickler(pickle._Pickler):
  def __init__(self, file):
    super().__init__(file, 2)
    self.stored = {}

  def persistent_id(self, value):
    if not isinstance(value, Stored):
      return None
    keys = {id(stored): key for key, stored in self.stored.items()}
    key = keys.get(id(value), str(len(keys)))
    self.stored[key] = value
    kind = Name(_STORAGES[value.array.dtype])
    return ('storage', kind, key, 'cpu', value.array.size)

  def _name(self, value):
    path = value.path.replace(' ', '\n')
    self.write(pickle.GLOBAL + path.encode() + b'\n')

  def _call(self, value):
    self._name(Name(value.name))
    self.save(value.arguments)
    self.write(pickle.REDUCE)

  dispatch = {**pickle._Pickler.dispatch, Name: _name, Call: _call}  # noqa: RUF012


def pickled(value: Any) -> tuple[bytes, dict[str, np.ndarray]]:
  """A pickle, and its storages by their keys."""
  file = io.BytesIO()
  pickler = _Pickler(file)
  pickler.dump(value)
  return file.getvalue(), {k: s.array for k, s in pickler.stored.items()}


def zip_content(
  value: Any, *, compression: int = zipfile.ZIP_STORED, **members: bytes
) -> bytes:
  """The file of torch 1.6 and later; `members` replace others, or join them."""
  data, storages = pickled(value)
  content = {
    'data.pkl': data,
    'byteorder': b'little',
    **{f'data/{key}': array.tobytes() for key, array in storages.items()},
    'version': b'3\n',
    **members,
  }
  file = io.BytesIO()
  with zipfile.ZipFile(file, 'w', compression) as archive:
    for name, member in content.items():
      archive.writestr(f'archive/{name}', member)
  return file.getvalue()


def legacy_content(value: Any) -> bytes:
  """The file of before."""
  data, storages = pickled(value)
  heads = (
    0x1950A86A20F9469CFC6C,
    1001,
    {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {}},
  )
  parts = [pickle.dumps(head, 2) for head in heads]
  parts += [data, pickle.dumps(sorted(storages), 2)]
  for key in sorted(storages):
    parts += [struct.pack('<q', storages[key].size), storages[key].tobytes()]
  return b''.join(parts)
