"""What several processes that run one program have to agree on.

Each process runs the same code on the same data, and a collective waits for all
of them: one that takes another branch leaves the others waiting. So what only
one of them can know is asked here, by all of them at the same place. With one
process nothing is sent and nothing waits.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

from semisup_jax.training import sharding
from semisup_jax.types import DATA_AXIS, InputError

T = TypeVar('T')


class ElsewhereError(RuntimeError):
  """Another process failed, and says there why."""


def is_main() -> bool:
  """Whether this is the process that writes and speaks: that of index 0."""
  return jax.process_index() == 0


def any_of(flag: bool) -> bool:
  """Whether the flag is true in any process.

  It waits for what the devices are still doing, so ask seldom.
  """
  return bool(largest(int(flag)))


def largest(number: int) -> int:
  """The largest of the processes' numbers, int32; it waits as `any_of` does."""
  if jax.process_count() == 1:
    return number
  return int(_gather(np.array(number, np.int32)).max())


def from_main(function: Callable[[], T]) -> T:
  """Calls a function in the main process alone, for all.

  Args:
    function: What it returns is what JSON keeps unchanged.

  Returns:
    In every process what it returned in the main one.

  Raises:
    InputError: In every process, if it was raised in the main one.
    ElsewhereError: In the others, if it raised anything else there.
  """
  if jax.process_count() == 1:
    return function()
  value, error = None, None
  if is_main():
    try:
      value = function()
    except BaseException as caught:  # The others must not be left waiting.
      error = caught
  kind = type(error).__name__ if error else None
  if isinstance(error, InputError):
    kind = InputError.__name__
  text = json.dumps([kind, str(error) if error else value])
  kind, value = json.loads(_exchange(text)[0])
  if error:
    raise error
  if kind == InputError.__name__:
    raise InputError(value)
  if kind:
    raise ElsewhereError(f'process 0 failed: {kind}: {value}')
  return value


def together(function: Callable[[], T]) -> T:
  """Calls a function in every process; if any refuses, all do.

  Raises:
    InputError: In every process, the first that was raised in any.
  """
  if jax.process_count() == 1:
    return function()
  value, refused = None, ''
  try:
    value = function()
  except InputError as error:
    refused = str(error)
  answers = _exchange(refused)
  for index, answer in enumerate(answers):
    if answer:
      where = '' if answers[0] else f'process {index}: '
      raise InputError(where + answer)
  return value


def check_same(text: str, what: str) -> None:
  """Fails, in every process, if they were not started alike.

  Args:
    text: What has to be the same.
    what: In words, for the message.

  Raises:
    InputError: Naming a process whose text is another.
  """
  if jax.process_count() == 1:
    return
  texts = _exchange(text)
  for index, other in enumerate(texts):
    if other != texts[0]:
      raise InputError(
        f'process {index} has another {what} than process 0; start the same '
        'command on every host'
      )


def _exchange(text: str) -> list[str]:
  """The texts of all processes, by index."""
  mine = np.frombuffer(text.encode(), np.uint8)
  sizes = _gather(np.array(len(mine), np.int32))
  # Of few sizes, so that few programs are compiled.
  room = 1 << int(sizes.max()).bit_length()
  rows = _gather(np.pad(mine, (0, room - len(mine))))
  return [
    row[:size].tobytes().decode() for row, size in zip(rows, sizes, strict=True)
  ]


def _gather(mine: np.ndarray) -> np.ndarray:
  """The values of all processes, [processes, *shape], by index."""
  devices = jax.devices()
  # All of them, as in training: on CPU the first meeting of a set of devices
  # fails where one is 30 s late, and this one comes when all have just started.
  mesh = jax.sharding.Mesh(np.array(devices), (DATA_AXIS,))
  shared = jax.make_array_from_callback(
    (len(devices), *mine.shape),
    sharding.divided(mesh),
    lambda index: mine[None],
  )
  everywhere = jax.jit(_same, out_shardings=sharding.replicated(mesh))(shared)
  first = {d.process_index: i for i, d in reversed([*enumerate(devices)])}
  return np.asarray(everywhere)[[first[i] for i in sorted(first)]]


def _same(x: Any) -> Any:
  return x
