"""Which processes join, and by what they find each other."""

import jax
import pytest

from semisup_jax import training
from semisup_jax.types import InputError

STEP = {
  'SLURM_JOB_ID': '7',
  'SLURM_STEP_NODELIST': 'node[1-2]',
  'SLURM_NTASKS': '4',
  'SLURM_PROCID': '1',
  'SLURM_LOCALID': '1',
  'SLURM_STEP_NUM_TASKS': '4',
  'SLURM_STEP_NUM_NODES': '2',
  'SLURM_GPUS_ON_NODE': '2',
}
TASK_A_NODE = {**STEP, 'SLURM_STEP_NUM_TASKS': '2', 'SLURM_GPUS_ON_NODE': '8'}
BATCH_SCRIPT = {k: v for k, v in STEP.items() if 'STEP' not in k}
BY_HAND = {
  'coordinator_address': '10.0.0.1:1234',
  'num_processes': 2,
  'process_id': 1,
  'cluster_detection_method': 'deactivate',
}
DETECTED = {}
ALONE = None


@pytest.fixture
def joined(monkeypatch):
  """What `jax.distributed.initialize` was told; None if it was not called."""
  told = []
  monkeypatch.setattr(
    jax.distributed, 'initialize', lambda **arguments: told.append(arguments)
  )

  def join(multihost, environ):
    training.join(multihost, environ, timeout=5)
    if not told:
      return None
    (arguments,) = told
    # Longer than ours, so that ours comes first.
    assert arguments.pop('initialization_timeout') > 5
    assert arguments.pop('shutdown_timeout_seconds') > 0
    return arguments

  return join


@pytest.mark.parametrize(
  ('multihost', 'environ', 'expected'),
  [
    (None, {}, ALONE),
    (None, STEP, DETECTED),
    (None, TASK_A_NODE, {'local_device_ids': list(range(8))}),
    (None, {**TASK_A_NODE, 'JAX_LOCAL_DEVICE_IDS': '0'}, DETECTED),
    ('no', STEP, ALONE),
    # A job array, or srun with one task; a batch script without srun.
    (None, {**STEP, 'SLURM_STEP_NUM_TASKS': '1'}, ALONE),
    (None, BATCH_SCRIPT, ALONE),
    (None, {'TPU_WORKER_HOSTNAMES': 'localhost'}, ALONE),
    (None, {'TPU_WORKER_HOSTNAMES': 'a,b'}, DETECTED),
    ('detect', {}, DETECTED),
    ('detect', TASK_A_NODE, {'local_device_ids': list(range(8))}),
    ('10.0.0.1:1234,2,1', {}, BY_HAND),
    ('10.0.0.1:1234,2,1', STEP, BY_HAND),
    (
      '[fe80::1]:1234,2,1',
      {},
      {**BY_HAND, 'coordinator_address': '[fe80::1]:1234'},
    ),
  ],
)
def test_who_joins_and_what_jax_is_told(joined, multihost, environ, expected):
  assert joined(multihost, environ) == expected


@pytest.mark.parametrize(
  ('multihost', 'message'),
  [
    ('host:1234', 'must be HOST:PORT,N,I, .* got .host:1234.'),
    ('host,2,0', 'must be HOST:PORT,N,I'),
    ('yes', 'must be HOST:PORT,N,I'),
    ('host:1234,2,-1', 'must be HOST:PORT,N,I'),
    ('host:0,2,0', 'ports are 1 to 65535, got 0'),
    ('host:65536,2,0', 'ports are 1 to 65535, got 65536'),
    ('host:1234,2,2', '2 processes are numbered 0 to 1, got 2'),
  ],
)
def test_what_is_no_address_is_refused(joined, multihost, message):
  with pytest.raises(InputError, match=message) as error:
    joined(multihost, {})
  assert '\n' not in str(error.value)


def test_where_jax_detects_nothing_it_is_said_how_to_tell_it(monkeypatch):
  def initialize(**arguments):
    raise ValueError('coordinator_address should be defined.')

  monkeypatch.setattr(jax.distributed, 'initialize', initialize)
  with pytest.raises(InputError, match='give --multihost=HOST:PORT,N,I'):
    training.join('detect', {})


def test_what_jax_cannot_start_is_one_line(monkeypatch):
  def initialize(**arguments):
    raise RuntimeError('UNKNOWN:\nFailed to start RPC server')

  monkeypatch.setattr(jax.distributed, 'initialize', initialize)
  with pytest.raises(training.JoinError, match='a:1: UNKNOWN: Failed to start'):
    training.join('a:1,2,0', {})


def test_one_host_of_a_tpu_slice_does_not_go_alone(monkeypatch):
  monkeypatch.setattr(jax, 'process_count', lambda: 4)
  with pytest.raises(InputError, match='one of 4 hosts of a TPU slice'):
    training.join(None, {})
