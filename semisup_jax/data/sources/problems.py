"""What is wrong with single files or rows: an end at once, or a count."""

from collections.abc import Iterable
from typing import Any

from semisup_jax.types import InputError

HINT = '--config.data.skip_unreadable=True goes on without such'


class Problems:
  """Fails on the first problem; with `skip` it collects them instead.

  Attributes:
    lines: One a problem, of those that were passed over.
  """

  def __init__(self, *, skip: bool):
    """Takes `data.skip_unreadable`."""
    self.lines: list[str] = []
    self._skip = skip

  def met(self, line: str) -> None:
    """Says what is wrong with a file or a row, which is then left out.

    Raises:
      InputError: If nothing is to be passed over.
    """
    if not self._skip:
      raise InputError(f'{line}; {HINT}')
    self.lines.append(line)

  def good(self, results: Iterable[Any]) -> list[bool]:
    """Whether each result is one; an `InputError` among them is a problem."""
    found = []
    for result in results:
      found.append(not isinstance(result, InputError))
      if not found[-1]:
        self.met(str(result))
    return found

  def in_words(self) -> list[str]:
    """One sentence of all; none, if there were none."""
    if not self.lines:
      return []
    return [
      f'{len(self.lines):,} file(s) or row(s) were passed over, the first: '
      f'{self.lines[0]}.'
    ]
