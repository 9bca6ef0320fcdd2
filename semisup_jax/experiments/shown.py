"""How a look ends: a page in the workdir, and what was found on the console."""

import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.training import hosts


def show(
  config: Any,
  workdir: pathlib.Path,
  write: Callable[[pathlib.Path], None],
  sentences: Iterable[str],
  console: Console,
) -> None:
  """Makes the page, anew where one was made before, and says what it says.

  Args:
    config: The whole config.
    workdir: Where the page goes.
    write: Writes it, and its figures, in the main process; it is told where.
    sentences: What was found.
    console: Where a person reads them.

  Raises:
    InputError: If the workdir holds something else; then nothing is written.
  """
  page = workdir / 'report.html'
  with workdir_lib.claimed(workdir, config.to_dict()):
    hosts.from_main(lambda: write(page))
  for sentence in sentences:
    console.print(Text(sentence))
  console.print(str(page), highlight=False, soft_wrap=True)
