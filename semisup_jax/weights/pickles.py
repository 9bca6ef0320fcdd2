"""A pickle of tensors, followed by hand: nothing in it is ever called.

Python's unpickler imports and calls what a file names. Here each opcode builds
plain values, and the few names that torch's own files have are looked up in a
table; a file that asks for another is refused. Storages are not read here.
"""

import math
import pickletools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import jax.numpy as jnp
import numpy as np

_DTYPES = MappingProxyType(
  {
    'torch.BFloat16Storage': np.dtype(jnp.bfloat16),
    'torch.BoolStorage': np.dtype(np.bool_),
    'torch.ByteStorage': np.dtype(np.uint8),
    'torch.CharStorage': np.dtype(np.int8),
    'torch.DoubleStorage': np.dtype(np.float64),
    'torch.FloatStorage': np.dtype(np.float32),
    'torch.HalfStorage': np.dtype(np.float16),
    'torch.IntStorage': np.dtype(np.int32),
    'torch.LongStorage': np.dtype(np.int64),
    'torch.ShortStorage': np.dtype(np.int16),
  }
)
# Of an array, by NumPy; of more, even the product of the sizes takes long.
MOST_AXES = 64
_CALLED = frozenset(
  {
    'collections.OrderedDict',
    'torch._utils._rebuild_parameter',
    'torch._utils._rebuild_tensor',
    'torch._utils._rebuild_tensor_v2',
  }
)


class Storage(NamedTuple):
  """Where the numbers of a tensor are.

  Attributes:
    key: Its name in the file.
    dtype: Of each number.
    size: How many there are.
  """

  key: str
  dtype: np.dtype
  size: int


class Tensor(NamedTuple):
  """A tensor whose numbers have not been read.

  Attributes:
    storage: Where they are.
    offset: Of the first, in numbers.
    shape: Of the tensor.
    strides: From one number to the next along each axis, in numbers.
  """

  storage: Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


class Unpickled(NamedTuple):
  """What a pickle holds.

  Attributes:
    value: Plain containers, numbers, strings and `Tensor`s.
    storages: Those that it names, by their keys.
  """

  value: Any
  storages: Mapping[str, Storage]


class _Name(NamedTuple):
  """What a file names: a storage's type, or what builds a tensor."""

  path: str


def load(file: BinaryIO) -> Unpickled:
  """Reads a pickle, up to its end; the file then stands behind it.

  Raises:
    ValueError: If it is damaged, or asks for anything but tensors in plain
      containers, naming that.
    IndexError, TypeError: If it is damaged.
  """
  machine = _Machine()
  for opcode, argument, _ in pickletools.genops(file):
    machine.step(opcode.name, argument)
  return Unpickled(machine.stack.pop(), machine.storages)


def array(tensor: Tensor, data: Any) -> np.ndarray:
  """The numbers of a tensor: a view of its storage, which is not copied.

  Args:
    tensor: From `load`.
    data: The bytes of its storage, little-endian.

  Raises:
    ValueError: If it reaches beyond its storage.
  """
  storage, offset, shape, strides = tensor
  if len(data) != storage.size * storage.dtype.itemsize:
    raise ValueError(f'its storage {storage.key} has not the size it should')
  flat = np.frombuffer(data, storage.dtype)
  count = math.prod(shape)  # Of Python's integers, which do not overflow.
  steps = zip(shape, strides, strict=True)
  last = offset + sum((size - 1) * step for size, step in steps)
  fits = min((offset, *shape, *strides)) >= 0 and count <= flat.size
  if not fits or (count and last >= flat.size):
    raise ValueError(f'a tensor of shape {list(shape)} leaves its storage')
  if not count:
    return np.zeros(shape, storage.dtype)
  return np.lib.stride_tricks.as_strided(
    flat[offset:],
    shape,
    [step * storage.dtype.itemsize for step in strides],
    writeable=False,
  )


class _Machine:
  """The stack that a pickle works on."""

  def __init__(self):
    self.stack: list[Any] = []
    self.storages: dict[str, Storage] = {}
    self._marks: list[int] = []
    self._memo: dict[int, Any] = {}

  def step(self, opcode: str, argument: Any) -> None:
    """Does what one opcode says."""
    stack = self.stack
    match opcode:
      case 'PROTO' | 'FRAME' | 'STOP':
        pass
      case 'NONE' | 'NEWTRUE' | 'NEWFALSE':
        stack.append({'NONE': None, 'NEWTRUE': True}.get(opcode, False))
      case 'EMPTY_DICT' | 'EMPTY_LIST' | 'EMPTY_TUPLE':
        empty = {'EMPTY_DICT': dict, 'EMPTY_LIST': list, 'EMPTY_TUPLE': tuple}
        stack.append(empty[opcode]())
      case (
        'BININT' | 'BININT1' | 'BININT2' | 'LONG1' | 'BINFLOAT'
        | 'BINUNICODE' | 'SHORT_BINUNICODE' | 'BINSTRING' | 'SHORT_BINSTRING'
      ):  # fmt: skip
        stack.append(argument)
      case 'MARK':
        self._marks.append(len(stack))
      case 'TUPLE':
        stack.append(tuple(self._since_mark()))
      case 'TUPLE1' | 'TUPLE2' | 'TUPLE3':
        count = int(opcode[-1])
        stack.append(tuple(stack.pop() for _ in range(count))[::-1])
      case 'APPEND' | 'APPENDS':
        items = [stack.pop()] if opcode == 'APPEND' else self._since_mark()
        _typed(stack[-1], list).extend(items)
      case 'SETITEM' | 'SETITEMS':
        items = self._since_mark() if opcode[-1] == 'S' else _last_two(stack)
        _put(_typed(stack[-1], dict), zip(items[::2], items[1::2], strict=True))
      case 'BINPUT' | 'LONG_BINPUT' | 'MEMOIZE':
        place = len(self._memo) if argument is None else argument
        self._memo[place] = stack[-1]
      case 'BINGET' | 'LONG_BINGET':
        stack.append(self._memo[argument])
      case 'GLOBAL':
        stack.append(_named(argument.replace(' ', '.')))
      case 'STACK_GLOBAL':
        stack.append(_named('.'.join(_last_two(stack))))
      case 'BINPERSID':
        stack.append(self._storage(stack.pop()))
      case 'REDUCE':
        name, arguments = _last_two(stack)
        stack.append(_called(name, arguments))
      case 'BUILD':
        stack.pop()  # Attributes, as of a state_dict: its `_metadata`.
        _typed(stack[-1], dict)
      case _:
        raise ValueError(f'it has the opcode {opcode}, as torch writes none')

  def _since_mark(self) -> list[Any]:
    start = self._marks.pop()
    items = self.stack[start:]
    del self.stack[start:]
    return items

  def _storage(self, identity: Any) -> Storage:
    match identity:
      case ('storage', _Name(path), str(key), _, int(size), *view) if (
        path in _DTYPES and size >= 0 and not any(view)
      ):
        storage = Storage(key, _DTYPES[path], size)
        self.storages[key] = storage
        return storage
    raise ValueError('it names a storage in another way than torch does')


def _last_two(stack: list[Any]) -> list[Any]:
  second, first = stack.pop(), stack.pop()
  return [first, second]


def _typed(value: Any, kind: type) -> Any:
  if type(value) is not kind:
    raise ValueError(f'it treats a {type(value).__name__} as a {kind.__name__}')
  return value


def _put(target: dict, items: Any) -> None:
  for key, value in items:
    # A tuple may hold itself so often that its hash takes for ever.
    if not isinstance(key, str | int):
      raise ValueError(f'it has a {type(key).__name__} as a key')
    target[key] = value


def _named(path: str) -> _Name:
  if path not in _CALLED and path not in _DTYPES:
    raise ValueError(
      f'it asks for {path[:80]!r}; tensors in plain containers are read, as '
      'torch.save(model.state_dict(), ...) writes them, and nothing is run'
    )
  return _Name(path)


def _called(name: Any, arguments: Any) -> Any:
  """What the call of a name would give; nothing is called."""
  match name, arguments:
    case _Name('collections.OrderedDict'), ():
      return {}
    case _Name('collections.OrderedDict'), (list(pairs),):
      ordered = {}
      _put(ordered, pairs)
      pairs.clear()  # Else a file could have it copied without end.
      return ordered
    case _Name('torch._utils._rebuild_parameter'), (Tensor() as tensor, *_):
      return tensor
    case (
      _Name('torch._utils._rebuild_tensor' | 'torch._utils._rebuild_tensor_v2'),
      (Storage() as storage, int(offset), tuple(shape), tuple(strides), *_),
    ) if max(len(shape), len(strides)) <= MOST_AXES and all(
      isinstance(n, int) for n in (*shape, *strides)
    ):
      return Tensor(storage, offset, shape, strides)
  raise ValueError('it calls something in another way than torch does')
