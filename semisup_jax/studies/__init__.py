"""Many runs: a sweep of points, their rows, one page."""

import functools
import pathlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from rich.console import Console

from semisup_jax.studies import (
  batch_norm_shift,
  cartoon_transfer,
  few_labels,
  medical_transfer,
  methods,
  page,
  runner,
  stl10,
)

# `config.study` to the function that writes its page: `(config, rows, workdir,
# console)`, rows as in rows.jsonl. A study that is not named here gets tables.
STUDIES = MappingProxyType(
  {
    'batch_norm_shift': batch_norm_shift.write_page,
    'cartoon_transfer': cartoon_transfer.write_page,
    'few_labels': few_labels.write_page,
    'medical_transfer': medical_transfer.write_page,
    'methods': methods.write_page,
    'stl10': stl10.write_page,
  }
)
# Those whose page can be about images with several labels.
SEVERAL_LABELS = frozenset({'medical_transfer'})


def run(
  config: Any,
  sweep: Iterable[tuple[Mapping[str, Any], Any]],
  workdir: pathlib.Path,
  *,
  part: tuple[int, int],
  console: Console,
  command: str,
) -> None:
  """Runs the study that `config.study` names; see `runner.run`."""
  runner.run(
    config,
    sweep,
    workdir,
    part=part,
    console=console,
    command=command,
    write_page=STUDIES.get(config.study, page.write_page),
    check=functools.partial(
      runner.prepare, several_labels=config.study in SEVERAL_LABELS
    ),
  )
