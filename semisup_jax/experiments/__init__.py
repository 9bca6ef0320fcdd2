"""One run each: config -> objects -> fit -> evaluate -> results."""

import pathlib
from typing import Any

from rich.console import Console

from semisup_jax.experiments import pretrain
from semisup_jax.types import lookup

EXPERIMENTS = {'pretrain': pretrain.run}


def run(
  config: Any,
  workdir: pathlib.Path,
  *,
  console: Console,
  command: str,
  started: float,
) -> dict[str, Any]:
  """Runs the experiment that `config.experiment` names.

  Args:
    config: The resolved config.
    workdir: Where results go; made if it is not there.
    console: Where a person reads how it goes.
    command: The command line, for the report.
    started: `time.monotonic()` at its start.

  Returns:
    What results.json holds.

  Raises:
    InputError: If the config asks for what cannot be; then nothing is written.
  """
  experiment = lookup(EXPERIMENTS, config.experiment, 'experiment')
  return experiment(
    config, workdir, console=console, command=command, started=started
  )
