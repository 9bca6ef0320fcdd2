"""What is measured on, and with; and how much of it, to be quick or exact."""

import dataclasses
import datetime
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import re
from typing import Any

from benchmarks.racing import Form, Runner


@dataclasses.dataclass(frozen=True)
class Machine:
  """This one, and how long it is measured.

  Attributes:
    platform: 'cpu', 'gpu' or 'tpu', as JAX finds it.
    device: What computes.
    devices: How many of them; of CPUs, cores.
    turns: Of each form.
    seconds: That a turn takes at least.
    quick: Whether everything is as small as it can be, to see that it runs;
      the numbers then mean nothing.
    turns_of_a_job: Of whole runs, which take minutes.
  """

  platform: str
  device: str
  devices: int
  turns: int = 7
  seconds: float = 3.0
  quick: bool = False
  turns_of_a_job: int = 3

  @property
  def is_cpu(self) -> bool:
    """Whether there is no accelerator."""
    return self.platform == 'cpu'

  @property
  def dtype(self) -> str:
    """Of networks."""
    return 'float32' if self.is_cpu else 'bfloat16'

  @property
  def name(self) -> str:
    """For a file: `amd-epyc-2`."""
    return re.sub(r'[^a-z0-9]+', '-', f'{self.device} {self.devices}'.lower())

  def described(self) -> dict[str, Any]:
    """For whoever reads the numbers."""
    names = ('jax', 'jaxlib', 'flax', 'optax', 'torch', 'kornia')
    return {
      'platform': self.platform,
      'device': self.device,
      'devices': self.devices,
      'cores': cores(),
      'processor': _processor(),
      'python': platform.python_version(),
      'date': str(datetime.date.today()),
      'load': round(os.getloadavg()[0], 1),
      'versions': {
        name: importlib.metadata.version(name)
        for name in names
        if importlib.util.find_spec(name)
      },
    }


def cores() -> int:
  """That may be used."""
  return len(os.sched_getaffinity(0))


def find(quick: bool) -> Machine:
  """Asks JAX, in another process, since it would take the accelerator."""
  runner = Runner(Form('JAX', 'benchmarks.jax_forms:describe', {}))
  facts = runner.end()['facts']
  runner.close()
  if facts['platform'] == 'cpu':
    facts |= {'device': _processor(), 'devices': cores()}
  if quick:
    facts |= {'turns': 2, 'seconds': 0.0, 'quick': True, 'turns_of_a_job': 1}
  return Machine(**facts)


def why_no(*modules: str) -> str | None:
  """Why what needs these modules cannot be measured; None if it can."""
  missing = [name for name in modules if importlib.util.find_spec(name) is None]
  return f'{", ".join(missing)} not installed' if missing else None


def _processor() -> str:
  text = pathlib.Path('/proc/cpuinfo').read_text()
  found = re.search(r'model name\s*: (.*)', text)
  return found[1] if found else platform.machine()
