"""Files of every format: the same arrays, or one line that says why."""

import collections
import contextlib
import json
import os
import pickle
import re
import struct
import tracemalloc
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest

from semisup_jax import weights
from semisup_jax.types import InputError
from semisup_jax.weights import safetensors

from . import made
from .made import Call, Name, Stored

FORMATS = {'zip': made.zip_content, 'legacy': made.legacy_content}
ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture(params=FORMATS)
def content(request):
  """Makes the content of a file, in one of torch's formats."""
  return FORMATS[request.param]


@pytest.fixture
def read(tmp_path):
  """Reads a content as a file."""

  def read(content):
    (tmp_path / 'x.pth').write_bytes(content)
    return weights.read(tmp_path / 'x.pth')

  return read


@pytest.fixture
def refused(tmp_path, read):
  """Checks that a content is refused in one line, which has these words."""

  def refused(content, words):
    with pytest.raises(InputError) as caught:
      read(content)
    message = str(caught.value)
    assert message.startswith(f'{tmp_path}/x.pth cannot be read as weights: ')
    assert re.search(words, message)
    assert '\n' not in message
    assert len(message) < 400

  return refused


def test_tensors_are_read_as_they_are(content, read):
  value = collections.OrderedDict(
    a=made.tensor(ARRAY),
    b=made.parameter(np.float64([[1, 2]])),
    scalar=made.tensor(np.array(3)),
    empty=made.tensor(np.zeros((0, 4), np.float32)),
  )
  found = read(content(value))
  assert list(found) == list(value)
  np.testing.assert_array_equal(found['a'], ARRAY)
  np.testing.assert_array_equal(found['b'], [[1, 2]])
  assert (found['scalar'], found['scalar'].dtype) == (3, np.int64)
  assert found['empty'].shape == (0, 4)


@pytest.mark.parametrize(
  'dtype', ['float64', 'float16', 'bfloat16', 'int64', 'int32', 'bool']
)
def test_every_type_of_number_is_read(content, read, dtype):
  array = np.asarray(jnp.array([0, 1, 1.5, -2])).astype(jnp.dtype(dtype))
  found = read(content({'x': made.tensor(array)}))['x']
  assert found.dtype == array.dtype
  np.testing.assert_array_equal(found, array)


def test_strides_and_offsets_are_followed(content, read):
  stored = Stored(ARRAY.ravel())
  parts = {
    'transposed': (0, (4, 6), (1, 4), ARRAY.reshape(6, 4).T),
    'column': (1, (6,), (4,), ARRAY.reshape(6, 4)[:, 1]),
    'last': (23, (1, 1), (7, 9), [[23]]),
    'repeated': (2, (3,), (0,), [2, 2, 2]),
  }
  value = {k: made.view(stored, *part) for k, (*part, _) in parts.items()}
  found = read(content(value))
  for name, (*_, expected) in parts.items():
    np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
  'part',
  [
    (1, (24,), (1,)),
    (0, (4, 7), (1, 4)),
    (0, (2, 3), (1, 12)),
    (-1, (2,), (1,)),
    (5, (2,), (-1,)),
    (0, (-1,), (1,)),
    (0, (2**62, 4), (0, 0)),
    (2**70, (1,), (1,)),
  ],
)
def test_what_lies_outside_of_a_storage_is_refused(content, refused, part):
  value = {'x': made.view(Stored(ARRAY.ravel()), *part)}
  refused(content(value), r'a tensor of shape \[.*\] leaves its storage')


@pytest.mark.parametrize('key', ['state_dict', 'model'])
def test_what_training_code_wraps_around_weights_is_taken_off(
  content, read, key
):
  state = {f'module.{name}': made.tensor(ARRAY) for name in ('a.weight', 'b')}
  optimizer = {'state': {0: {'step': 3, 'rate': 0.1, 'm': made.tensor(ARRAY)}}}
  wrapped = {'epoch': 90, 'arch': 'x', key: state, 'optimizer': optimizer}
  assert list(read(content(wrapped))) == ['a.weight', 'b']
  mixed = read(
    content({'module.a': made.tensor(ARRAY), **state, 'c': state['module.b']})
  )
  assert 'module.a' in mixed


def test_an_ordered_dict_of_python_2_is_read(content, read):
  value = Call('collections OrderedDict', ([['x', made.tensor(ARRAY)]],))
  np.testing.assert_array_equal(read(content(value))['x'], ARRAY)


def test_attributes_of_a_dict_are_passed_over(read):
  state = {'x': made.tensor(ARRAY)}
  data, _ = made.pickled(state)
  # A state_dict has its `_metadata` as an attribute.
  attributes = b'}X\x09\x00\x00\x00_metadata}s' + pickle.BUILD + pickle.STOP
  content = made.zip_content(state, **{'data.pkl': data[:-1] + attributes})
  np.testing.assert_array_equal(read(content)['x'], ARRAY)


OUT = 'opened-by-a-pickle'


class Opened:
  """A pickle of it makes a folder when Python's unpickler reads it."""

  def __reduce__(self):
    return os.mkdir, (OUT,)


@pytest.mark.parametrize(
  ('value', 'name'),
  [
    (Call('os system', ('touch x',)), 'os.system'),
    (Call('builtins eval', ('1',)), 'builtins.eval'),
    (Name('torch.nn.modules.linear Linear'), 'torch.nn.modules.linear.Linear'),
    (Call('collections Counter', ()), 'collections.Counter'),
    (Opened(), 'posix.mkdir'),
  ],
)
def test_a_file_that_asks_for_more_than_tensors_is_refused_and_nothing_runs(
  content, refused, tmp_path, monkeypatch, value, name
):
  monkeypatch.chdir(tmp_path)
  state = {'x': made.tensor(ARRAY), 'y': value}
  refused(content(state), f'it asks for {name!r}; tensors in plain containers')
  assert [path.name for path in tmp_path.iterdir()] == ['x.pth']
  # The file is as hostile as it should be.
  if isinstance(value, Opened):
    pickle.loads(pickle.dumps(value, 2))
    assert (tmp_path / OUT).is_dir()


def raw(data):
  """A file of torch with another pickle."""
  return made.zip_content({}, **{'data.pkl': data})


@pytest.mark.parametrize(
  ('data', 'words'),
  [
    # What is called must be called as torch does.
    (b'\x80\x02ccollections\nOrderedDict\nK\x01\x85R.', 'another way than'),
    (b'\x80\x02K\x01)R.', 'calls something in another way'),
    (b'\x80\x02ctorch\nFloatStorage\n)R.', 'calls something in another way'),
    (b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.', 'in another way'),
    (b'\x80\x02K\x01Q.', 'names a storage in another way'),
    # Attributes belong to a dict.
    (b'\x80\x02ccollections\nOrderedDict\n}b.', 'treats a _Name as a dict'),
    (b'\x80\x02]K\x01K\x02s.', 'treats a list as a dict'),
    # A hash of a tuple of tuples can take for ever.
    (b'\x80\x02})2\x86K\x01s.', 'opcode DUP'),
    (b'\x80\x02})K\x01s.', 'a tuple as a key'),
    (b'\x80\x02cos\nsystem\n\x81.', "asks for 'os.system'"),
    (b'\x80\x02)\x81.', 'opcode NEWOBJ'),
    (b'\x80\x04\x8c\x02os\x8c\x06system\x93.', "asks for 'os.system'"),
    (b'\x80\x02(ios\nsystem\n.', 'opcode INST'),
    (b'\x80\x02R.', r'damaged \(IndexError'),
    (b'\x80\x02h\x07.', r'damaged \(KeyError'),
    (b'\x80\x02K', r'not enough data|expected'),
    (b'\x80\x02}', 'pickle exhausted'),
    (b'\x80\x02\x8e' + b'\xff' * 7 + b'\x7f', 'BINBYTES8|only 0 remain'),
    (b'', 'pickle exhausted'),
    (b'\x80\x02K\x01.', 'no state_dict'),
    (b'\x80\x02}.', 'no state_dict'),
    (b'\x80\x02}X\x01\x00\x00\x00aK\x01s.', "'a' is no tensor"),
    (b'\x80\x02c' + b'x' * 5000 + b'\ny\n.', "asks for 'xxx"),
  ],
)
def test_a_strange_pickle_is_refused(refused, data, words):
  refused(raw(data), words)


def test_what_is_named_again_and_again_is_not_copied_as_often(read):
  pairs = ([[str(i), made.tensor(ARRAY)] for i in range(300)],)
  dicts = [Call('collections OrderedDict', pairs) for _ in range(3000)]
  content = made.zip_content({'model': dicts[0], 'more': dicts})
  tracemalloc.start()
  assert len(read(content)) == 300
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert peak < 10 * len(content)


@pytest.mark.parametrize('share', [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(content, refused, share):
  whole = content({f'{i}': made.tensor(ARRAY) for i in range(20)})
  refused(whole[: int(share * len(whole))], '.')


def test_no_altered_byte_does_more_than_fail(content, read):
  whole = content({f'{i}': made.tensor(ARRAY) for i in range(3)})
  random = np.random.default_rng(0)
  for place in random.integers(0, len(whole), 300):
    altered = bytearray(whole)
    altered[place] ^= 1 << random.integers(0, 8)
    with contextlib.suppress(InputError):
      read(bytes(altered))


def test_a_zip_file_that_unpacks_to_more_than_itself_is_refused(refused):
  zeros = {'x': made.tensor(np.zeros(10**6, np.float32))}
  bomb = made.zip_content(zeros, compression=zipfile.ZIP_DEFLATED)
  assert len(bomb) < 10**5
  refused(bomb, 'compressed or overlap')


@pytest.mark.parametrize(
  ('members', 'words'),
  [
    ({'byteorder': b'big'}, 'big-endian'),
    ({'data/0': b'\0' * 95}, 'storage 0 has not the size it should'),
    ({'more/data.pkl': b''}, 'a zip file, but not of torch.save'),
  ],
)
def test_what_torch_does_not_write_is_refused(refused, members, words):
  refused(made.zip_content({'x': made.tensor(ARRAY)}, **members), words)


def test_other_files_are_refused(tmp_path, refused):
  refused(b'years of work', r'none of torch.save, .safetensors or .npz')
  refused(b'', 'none of torch.save')
  refused(pickle.dumps({'a': 1}), 'a pickle, but not of torch.save')
  with pytest.raises(InputError, match=r'there is no file .*/y\.pth with'):
    weights.read(tmp_path / 'y.pth')
  with pytest.raises(InputError, match='there is no file'):
    weights.read(tmp_path)


ARRAYS = {
  'a': ARRAY,
  'b': np.float64([[1], [2]]),
  'c': np.array([1.5, -2], jnp.bfloat16),
  'd': np.arange(5, dtype=np.int64),
  'e': np.zeros((0, 3), np.float16),
  'f': np.array(True),
}


def test_safetensors_come_back_as_they_were(read):
  found = read(safetensors.encode(ARRAYS))
  assert found.keys() == ARRAYS.keys()
  for name, array in ARRAYS.items():
    assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found[name], array)


def with_header(change):
  """The arrays' file with another header, or its text."""
  whole = safetensors.encode({'a': ARRAY, 'b': ARRAY})
  (length,) = struct.unpack_from('<Q', whole)
  header = json.loads(whole[8 : 8 + length])
  changed = change(header)
  text = changed if isinstance(changed, bytes) else json.dumps(header).encode()
  return struct.pack('<Q', len(text)) + text + whole[8 + length :]


def entry(**fields):
  return lambda header: header['b'].update(fields)


@pytest.mark.parametrize(
  ('change', 'words'),
  [
    (entry(dtype='F8_E4M3'), 'b is F8_E4M3; known: BF16'),
    (entry(data_offsets=[96, 191]), 'the offsets of b are not'),
    (entry(data_offsets=[95, 191]), 'the offsets of b are not'),
    (entry(data_offsets=[97, 193]), 'the offsets of b are not'),
    (entry(data_offsets=[0, 96]), 'the offsets of b are not'),
    (entry(shape=[2, 3, 5]), 'the offsets of b are not'),
    (entry(shape=[-2, -3, 4]), 'the offsets of b are not'),
    (entry(shape=[2.0, 3, 4]), 'b has no shape'),
    (entry(shape=['x', 10**9]), 'b has no shape'),
    (entry(shape=[1] * 65), 'b has no shape'),
    (entry(shape=[50, 3, 4], data_offsets=[96, 2496]), 'it ends within b'),
    (entry(data_offsets=[96]), 'not enough values'),
    (lambda header: header['b'].pop('dtype'), r'damaged \(KeyError'),
    (lambda header: header.update(b=3), r'damaged \(TypeError'),
    (lambda header: b'{"a": [' * 10**5, r'damaged \(RecursionError'),
    (lambda header: b'{"a": ', 'Expecting value'),
  ],
)
def test_a_damaged_header_of_safetensors_is_refused(refused, change, words):
  refused(with_header(change), words)


@pytest.mark.parametrize('start', [b'\x80\x02', b'PK'])
def test_safetensors_are_not_taken_for_what_their_length_begins_as(read, start):
  (length,) = struct.unpack('<H', start)
  content = with_header(
    lambda header: json.dumps(header).encode().ljust(length)
  )
  assert content.startswith(start)
  np.testing.assert_array_equal(read(content)['b'], ARRAY)


@pytest.mark.parametrize('end', [9, 40, 300])
def test_truncated_safetensors_are_refused(refused, end):
  refused(safetensors.encode({'a': ARRAY, 'b': ARRAY})[:end], 'it ends within')


def test_names_that_would_upset_a_terminal_are_refused(refused):
  refused(safetensors.encode({'\x1b[2J': ARRAY}), 'it has odd names')
  content = safetensors.encode({'\x1b[2J' + 'x' * 999: ARRAY})
  refused(content[:-1], r'it ends within \[2Jxxx')
