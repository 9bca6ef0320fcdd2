"""The format .safetensors: a header of JSON, then raw numbers.

https://huggingface.co/docs/safetensors: eight bytes with the header's length,
little-endian; `{name: {dtype, shape, data_offsets}}` and `__metadata__`; and
the numbers of all tensors, little-endian, without holes.
"""

import json
import math
import struct
from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np

from semisup_jax.weights.pickles import MOST_AXES

_DTYPES = MappingProxyType(
  {
    'BF16': np.dtype(jnp.bfloat16),
    'BOOL': np.dtype(np.bool_),
    'F16': np.dtype(np.float16),
    'F32': np.dtype(np.float32),
    'F64': np.dtype(np.float64),
    'I16': np.dtype(np.int16),
    'I32': np.dtype(np.int32),
    'I64': np.dtype(np.int64),
    'I8': np.dtype(np.int8),
    'U8': np.dtype(np.uint8),
  }
)
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def decode(content: bytes) -> dict[str, np.ndarray]:
  """Reads a file's content.

  Returns:
    Arrays by name; views of `content`, which is not copied.

  Raises:
    ValueError: If it is damaged, or has numbers of another type.
    KeyError, RecursionError, TypeError, struct.error: If it is damaged.
  """
  (length,) = struct.unpack_from('<Q', content)
  if length > len(content) - 8:
    raise ValueError('it ends within its header')
  header = json.loads(content[8 : 8 + length])
  header.pop('__metadata__', None)
  numbers = memoryview(content)[8 + length :]
  arrays, end = {}, 0
  for name in sorted(header, key=lambda name: header[name]['data_offsets']):
    entry = header[name]
    if entry['dtype'] not in _DTYPES:
      known = ', '.join(_DTYPES)
      raise ValueError(f'{name} is {entry["dtype"]}; known: {known}')
    dtype, shape = _DTYPES[entry['dtype']], entry['shape']
    if len(shape) > MOST_AXES or not all(type(n) is int for n in shape):
      raise ValueError(f'{name} has no shape')
    start, stop = entry['data_offsets']
    size = math.prod(shape) * dtype.itemsize
    if min((0, *shape)) < 0 or start != end or stop - start != size:
      raise ValueError(f'the offsets of {name} are not what they should be')
    if stop > len(numbers):
      raise ValueError(f'it ends within {name}')
    arrays[name] = np.frombuffer(numbers[start:stop], dtype).reshape(shape)
    end = stop
  return arrays


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
  """The content of a file with these arrays.

  Args:
    arrays: By name, of types that the format knows.
  """
  header, end = {'__metadata__': {'format': 'pt'}}, 0
  for name, array in arrays.items():
    header[name] = {
      'dtype': _NAMES[array.dtype],
      'shape': array.shape,
      'data_offsets': (end, end + array.nbytes),
    }
    end += array.nbytes
  text = json.dumps(header).encode()
  text += b' ' * (-len(text) % 8)  # The numbers begin at a multiple of 8.
  parts = [struct.pack('<Q', len(text)), text]
  return b''.join([*parts, *(array.tobytes() for array in arrays.values())])
