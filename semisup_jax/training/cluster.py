"""How the processes of one program find each other, by `jax.distributed`."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import jax

from semisup_jax.training import hosts
from semisup_jax.types import InputError

TIMEOUT = 300  # Seconds, as in JAX.

# `--multihost` with no value, and what keeps the tasks of srun apart.
DETECT, APART = 'detect', 'no'

# What JAX reads to find the other tasks of a step. A batch script's own shell
# and a job array have no step of several tasks.
_SLURM = (
  'SLURM_JOB_ID',
  'SLURM_STEP_NODELIST',
  'SLURM_NTASKS',
  'SLURM_PROCID',
  'SLURM_LOCALID',
)


class JoinError(RuntimeError):
  """The processes did not meet; the message is one line."""


def join(
  multihost: str | None,
  environ: Mapping[str, str] = os.environ,
  *,
  timeout: int = TIMEOUT,
) -> None:
  """Makes this process one of several; call it before JAX starts its backends.

  On CPU the processes talk through gloo, on GPU and TPU as JAX does.

  Args:
    multihost: 'HOST:PORT,N,I' is process I, counted from 0, of N, of which
      process 0 is on HOST; `DETECT` what JAX finds; `APART` one process alone;
      None what is plain to see, a SLURM step of several tasks or the hosts of a
      TPU slice, and else one process.
    environ: The environment's variables.
    timeout: Seconds to wait for the others. When they are over, the program
      ends with one line and status 1: JAX would abort it with a stack trace.

  Raises:
    InputError: If `multihost` is of no such form, or there is nothing to find.
    JoinError: If JAX cannot start or reach the process 0.
  """
  arguments = _arguments(multihost, environ)
  if arguments is None:
    _check_alone(multihost)
    return
  jax.config.update('jax_cpu_collectives_implementation', 'gloo')
  # It would take SIGTERM for itself, and the process would not end by it.
  jax.config.update('jax_enable_preemption_service', False)
  place = arguments.get('coordinator_address', 'the address that JAX detected')
  try:
    with _bounded(place, timeout):
      jax.distributed.initialize(
        **arguments,
        # Ours comes first, unless the machine sleeps.
        initialization_timeout=timeout + 30,
        # What one process does at the end alone, the others wait for: a long
        # wait at the exit means that one of them is lost.
        shutdown_timeout_seconds=60,
      )
  except (OSError, RuntimeError) as error:
    text = ' '.join(str(error).split())
    raise JoinError(f'the processes cannot meet at {place}: {text}') from error
  except ValueError as error:
    # JAX has looked and knows no address.
    raise InputError(
      '--multihost found no TPU slice, SLURM step or Open MPI job here; give '
      '--multihost=HOST:PORT,N,I'
    ) from error
  hosts.any_of(False)


def _arguments(
  multihost: str | None, environ: Mapping[str, str]
) -> dict[str, Any] | None:
  """What `jax.distributed.initialize` is told; None for a process alone."""
  if multihost == APART:
    return None
  if multihost in (None, DETECT):
    in_step = all(name in environ for name in _SLURM)
    tasks = int(environ.get('SLURM_STEP_NUM_TASKS', 1)) if in_step else 1
    workers = environ.get('TPU_WORKER_HOSTNAMES', '').count(',') + 1
    if multihost is None and tasks == workers == 1:
      return None
    return _all_devices_of_a_task_a_node(environ) if tasks > 1 else {}
  return _by_hand(multihost)


def _by_hand(multihost: str) -> dict[str, Any]:
  """Reads `HOST:PORT,N,I`."""
  fields = re.fullmatch(r'([^,\s]+):(\d+),(\d+),(\d+)', multihost)
  if not fields:
    raise InputError(
      '--multihost must be HOST:PORT,N,I, as 10.0.0.1:1234,2,0 for the first '
      f'of 2 processes, or {APART!r}, or have no value; got {multihost!r}'
    )
  host, *numbers = fields.groups()
  port, processes, index = map(int, numbers)
  if not 1 <= port < 2**16:
    raise InputError(
      f'--multihost={multihost}: ports are 1 to 65535, got {port}'
    )
  if not index < processes:
    raise InputError(
      f'--multihost={multihost}: {processes} processes are numbered 0 to '
      f'{max(0, processes - 1)}, got {index}'
    )
  return {
    'coordinator_address': f'{host}:{port}',
    'num_processes': processes,
    'process_id': index,
    'cluster_detection_method': 'deactivate',
  }


def _all_devices_of_a_task_a_node(environ: Mapping[str, str]) -> dict[str, Any]:
  """Gives the only task of a node all its GPUs; JAX gives a task one GPU."""
  names = ('SLURM_STEP_NUM_TASKS', 'SLURM_STEP_NUM_NODES')
  tasks, nodes = (environ.get(name) for name in names)
  gpus = environ.get('SLURM_GPUS_ON_NODE', '')
  if tasks != nodes or not gpus.isdigit() or 'JAX_LOCAL_DEVICE_IDS' in environ:
    return {}
  return {'local_device_ids': list(range(int(gpus)))}


def _check_alone(multihost: str | None) -> None:
  """Fails in a TPU slice, whose devices JAX shows to a process alone, too."""
  if jax.process_count() > 1:
    raise InputError(
      f'this is one of {jax.process_count()} hosts of a TPU slice, which work '
      'together only; start one run on all of them with --multihost, got '
      f'--multihost={multihost}'
    )


@contextlib.contextmanager
def _bounded(place: str, timeout: int) -> Iterator[None]:
  """Ends the program if the block, which cannot be stopped, takes too long."""

  def give_up():
    print(
      f'error: not all processes met at {place} within {timeout} s; start the '
      'same command on every host, each with an index of its own',
      file=sys.stderr,
      flush=True,
    )
    os._exit(1)

  timer = threading.Timer(timeout, give_up)
  timer.daemon = True
  timer.start()
  try:
    yield
  finally:
    timer.cancel()
