"""Reads out of a compiled program what it sends between devices.

The text of an executable, `jax.stages.Compiled.as_text()`, names every
collective with the shapes it moves, and with the line of Python that it comes
from. XLA writes them all; none stands in the library.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

KINDS = (
  'all-reduce',
  'all-gather',
  'reduce-scatter',
  'all-to-all',
  'ragged-all-to-all',
  'collective-permute',
  'collective-broadcast',
)
_COMPUTATION = re.compile(r'^(ENTRY )?%([\w.-]+) \(.*\{$')
_INSTRUCTION = re.compile(
  r'^\s+(?:ROOT )?%(?P<name>[\w.-]+) = '
  r'(?P<shape>\(.*?\)(?= [a-z])|\S+) (?P<opcode>[a-z][\w-]*)\((?P<rest>.*)$'
)
_ARRAY = re.compile(r'\b([a-z]+\d*\w*)\[([\d,]*)\]')


@dataclasses.dataclass(frozen=True)
class Array:
  """A shape as XLA writes it: `f32[3,3,64,64]`.

  Attributes:
    dtype: XLA's name of it.
    shape: On one device.
  """

  dtype: str
  shape: tuple[int, ...]

  @property
  def bytes(self) -> int:
    """The size of the array, bytes."""
    bits = 8 if self.dtype == 'pred' else int(re.search(r'\d+', self.dtype)[0])
    return math.ceil(math.prod(self.shape) * bits / 8)

  def __str__(self):
    return f'{self.dtype}[{",".join(map(str, self.shape))}]'


@dataclasses.dataclass(frozen=True)
class Sent:
  """One array that one collective moves.

  Attributes:
    kind: One of `KINDS`.
    message: The name of the collective; XLA combines several arrays into one.
    array: The whole of what is reduced or gathered, on one device.
    times: How often it is sent in one run of the program, more than once in a
      loop.
    op_name: The path of JAX's operation, `jit(f)/.../dot_general`.
    source: The file of Python that called it; '' where XLA names none.
  """

  kind: str
  message: str
  array: Array
  times: int
  op_name: str
  source: str

  @property
  def bytes(self) -> int:
    """All the bytes of this array in one run of the program."""
    return self.array.bytes * self.times


@dataclasses.dataclass(frozen=True)
class _Instruction:
  name: str
  arrays: tuple[Array, ...]
  opcode: str
  operands: tuple[str, ...]
  attributes: str

  @property
  def kind(self) -> str | None:
    """The collective's; of a pair of start and done, `done` has its shape."""
    kind = self.opcode.removesuffix('-done')
    return kind if kind in KINDS else None


def collectives(text: str) -> list[Sent]:
  """Lists what one run of a compiled program sends.

  Args:
    text: Of the executable, as XLA prints it.

  Returns:
    One entry for every array, in the order of the text.

  Raises:
    ValueError: If a collective lies in a loop whose length XLA does not state,
      or if the text has no entry computation.
  """
  entry, computations = _computations(text)
  program = {i.name: i for body in computations.values() for i in body}
  files = _files(text)
  sent = []
  for name, times in _times(entry, computations).items():
    for instruction in computations[name]:
      if instruction.kind is None:
        continue
      if times is None:
        raise ValueError(
          f'{instruction.name} lies in a loop of unknown length; what it sends '
          'cannot be counted'
        )
      sent += _arrays_of(instruction, times, program, files)
  return sent


def _arrays_of(instruction, times, program, files) -> Iterator[Sent]:
  """One entry for each array of a collective, by its operand's own source."""
  operands = [program.get(name) for name in instruction.operands]
  combined = len(instruction.arrays) > 1
  for i, array in enumerate(instruction.arrays):
    operand = operands[min(i, len(operands) - 1)] if operands else None
    # XLA keeps one source for a combined collective: that of its first array.
    op_name, frame = _origin(operand if combined else instruction, program)
    whole = [array]
    if instruction.kind == 'reduce-scatter' and operand:
      whole = operand.arrays[:1]
    yield Sent(
      instruction.kind,
      instruction.name,
      whole[0],
      times,
      op_name,
      files.get(frame, ''),
    )


def _origin(instruction, program) -> tuple[str, int]:
  """The op_name and the stack frame, through copies that have none."""
  while instruction is not None:
    op_name = re.search(r'op_name="([^"]*)"', instruction.attributes)
    if op_name:
      frame = re.search(r'stack_frame_id=(\d+)', instruction.attributes)
      return op_name[1], int(frame[1]) if frame else 0
    operands = instruction.operands
    instruction = program.get(operands[0]) if operands else None
  return '', 0


def _computations(text: str) -> tuple[str, dict[str, list[_Instruction]]]:
  """The name of the entry, and every computation's instructions."""
  entry, body, computations = None, None, {}
  for line in text.splitlines():
    if head := _COMPUTATION.match(line):
      body = computations[head[2]] = []
      entry = head[2] if head[1] else entry
    elif body is not None and (found := _INSTRUCTION.match(line)):
      body.append(_instruction(found))
  if entry is None:
    raise ValueError('this is no text of a compiled program: it has no ENTRY')
  return entry, computations


def _instruction(found: re.Match) -> _Instruction:
  operands, _, attributes = found['rest'].partition(')')
  return _Instruction(
    found['name'],
    tuple(
      Array(dtype, tuple(map(int, shape.split(',') if shape else ())))
      for dtype, shape in _ARRAY.findall(found['shape'])
    ),
    found['opcode'],
    tuple(re.findall(r'%([\w.-]+)', operands)),
    attributes,
  )


def _times(
  entry: str, computations: Mapping[str, list[_Instruction]]
) -> dict[str, int | None]:
  """How often each computation runs; None where XLA does not know."""
  runs: dict[str, int | None] = {}

  def visit(name, times):
    before = runs.get(name, 0)
    runs[name] = None if None in (before, times) else before + times
    for instruction in computations[name]:
      inner = times
      if instruction.opcode == 'while':
        trips = re.search(
          r'"known_trip_count":\{"n":"(\d+)"\}', instruction.attributes
        )
        inner = times * int(trips[1]) if trips and times is not None else None
      for called in re.findall(r'%([\w.-]+)', instruction.attributes):
        if called in computations:
          visit(called, inner)

  visit(entry, 1)
  return runs


def _files(text: str) -> dict[int, str]:
  """The file of Python of every stack frame, from the tables at the top."""
  names = dict(re.findall(r'^(\d+) "(.*)"$', _table(text, 'FileNames'), re.M))
  locations = dict(
    re.findall(
      r'^(\d+) \{file_name_id=(\d+)', _table(text, 'FileLocations'), re.M
    )
  )
  frames = re.findall(
    r'^(\d+) \{file_location_id=(\d+)', _table(text, 'StackFrames'), re.M
  )
  return {int(i): names[locations[place]] for i, place in frames}


def _table(text: str, title: str) -> str:
  found = re.search(rf'^{title}\n(.*?)\n\n', text, re.M | re.S)
  return found[1] if found else ''
