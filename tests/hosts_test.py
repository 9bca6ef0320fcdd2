"""Two processes of two devices each do what one process does."""

import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from semisup_jax import command_line, training
from semisup_jax.training.loop import FETCH_EVERY

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = ROOT / 'tests' / 'hosts_program.py'
SECONDS = 300  # A bound; alone on two cores they take some twenty.


def load_program():
  spec = importlib.util.spec_from_file_location('hosts_program', PROGRAM)
  program = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(program)
  return program


program = load_program()


def free_port():
  with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    return s.getsockname()[1]


def start(*arguments):
  environment = {
    **os.environ,
    'PYTHONPATH': str(ROOT),
    'JAX_PLATFORMS': 'cpu',
    'JAX_ENABLE_X64': '1',
    'JAX_NUM_CPU_DEVICES': '2',
    'XLA_FLAGS': '--xla_cpu_multi_thread_eigen=false '
    '--xla_backend_optimization_level=0',
  }
  return subprocess.Popen(
    [sys.executable, *map(str, arguments)],
    cwd=ROOT,
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def finish(processes):
  """Statuses, what was said, and errors, once all have ended."""
  try:
    said = [p.communicate(timeout=SECONDS) for p in processes]
  finally:
    for process in processes:
      process.kill()
  return [
    (p.returncode, *texts) for p, texts in zip(processes, said, strict=True)
  ]


def start_two(*arguments):
  """Starts a program twice; `{}` becomes what --multihost is given."""
  address = f'127.0.0.1:{free_port()}'
  return [
    start(*(str(a).replace('{}', f'{address},2,{i}') for a in arguments))
    for i in (0, 1)
  ]


@pytest.fixture(scope='module')
def found(tmp_path_factory):
  """The folder that hosts_program.py has filled."""
  folder = tmp_path_factory.mktemp('found')
  for status, out, err in finish(start_two(PROGRAM, '{}', folder)):
    assert status == 0, out + err
  return folder


@pytest.fixture(scope='module')
def by_process(found):
  return [json.loads((found / f'process{i}.json').read_text()) for i in (0, 1)]


@pytest.mark.parametrize('name', program.METHODS)
def test_two_processes_of_two_devices_train_as_one_of_four(found, name):
  with jax.enable_x64(True):
    _, _, one = program.trained(program.load_toy(), name)
  two = np.load(found / f'{name}.npz')
  assert one.keys() == set(two.files)
  assert len(one['loss']) == program.STEPS
  for key, value in one.items():
    assert value.dtype in (np.float64, np.int32), key
    np.testing.assert_allclose(value, two[key], rtol=0, atol=1e-9, err_msg=key)


def test_processes_agree_on_what_one_of_them_knows(by_process):
  both = {
    'any of them': True,
    'none of them': False,
    'value': {'from': 0},
    'refused by the main one': 'InputError: no folder 0',
    'refused by the other': 'InputError: process 1: no data',
    'refused by both': 'InputError: no seed',
    'same': None,
    'another': 'InputError: process 1 has another config than process 0; start '
    'the same command on every host',
  }
  failed = (
    'OSError: disk 0 is full',
    'ElsewhereError: process 0 failed: OSError: disk 0 is full',
  )
  for i in (0, 1):
    assert by_process[i]['agreements'] == {
      **both,
      'failed in the main one': failed[i],
      'each its own': i,
    }


def test_every_process_has_as_many_devices_in_a_mesh(by_process):
  for each in by_process:
    assert each['meshes'] == {
      '12': [2, 2],
      '6': [1, 1],
      '7': 'InputError: batch_size=7 cannot be divided over 2 processes; use 6 '
      'or 8',
    }


def test_each_process_places_the_rows_of_its_own_devices(by_process):
  # Images on the host, on the devices and stored; three arrays; two devices.
  assert [each['streams'] for each in by_process] == [[18, True]] * 2


def test_what_all_processes_save_they_restore(by_process):
  assert [each['checkpoints'] for each in by_process] == [
    [program.STEPS, True]
  ] * 2


LAUNCH = (
  '--config=configs/simclr.py',
  '--config.model.dtype=float64',
  '--config.model.width=4',
  '--config.model.strides=(2,)',
  '--config.data.views=noise(0.1)|normalize',
  '--config.batch_size=32',
  '--config.data.test_fraction=0.1',
  '--config.schedule.steps=4',
  '--config.schedule.warmup=1',
  '--config.checkpoint.every=2',
  '--config.evaluation.every=2',
  '--config.evaluation.protocols=knn,fine_tune',
  '--config.evaluation.labels_per_class=2',
  '--config.evaluation.draws=1',
  '--config.evaluation.fine_tune.augment=normalize',
  # 9 images a process: a mesh of one device each, and not of two.
  '--config.evaluation.fine_tune.batch_size=18',
  '--config.evaluation.fine_tune.schedule.steps=2',
)


def launch_two(workdir, *more):
  more = [*LAUNCH, f'--workdir={workdir}', *more]
  return finish(start_two('launch.py', '--multihost={}', *more))


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  """Of a run in two processes."""
  path = tmp_path_factory.mktemp('runs') / 'two'
  (status, out, err), (other_status, other_out, other_err) = launch_two(path)
  assert (status, other_status) == (0, 0), err + other_err
  assert 'on 4 cpu device(s)' in ' '.join(out.split())
  assert 'report.html' in out
  # All that the other may say is what gloo says when it connects.
  assert all(line.startswith('[Gloo]') for line in other_out.splitlines())
  assert 'error' not in err + other_err
  return path


def rows_in(workdir):
  rows = json.loads((workdir / 'results.json').read_text())['rows']
  return {(r['protocol'], r['labels_per_class']): r['values'] for r in rows}


def test_a_run_in_two_processes_leaves_one_report_like_that_of_one(
  workdir, tmp_path, monkeypatch
):
  monkeypatch.chdir(ROOT)
  monkeypatch.syspath_prepend(ROOT)
  with jax.enable_x64(True):
    assert command_line.main([*LAUNCH, f'--workdir={tmp_path / "one"}']) == 0
  one, two = tmp_path / 'one', workdir
  names = {p.relative_to(one) for p in one.rglob('*') if 'tb' not in p.parts}
  for name in (
    'report.html',
    'figures/embeddings.png',
    'checkpoints/4',
    'model.npz',
    'model.json',
  ):
    assert pathlib.Path(name) in names
    assert (two / name).exists()
  assert rows_in(one) == rows_in(two)
  logs = [training.read_metrics(path) for path in (one, two)]
  for a, b in zip(*logs, strict=True):
    assert a.pop('split') == b.pop('split')
    assert a == pytest.approx(b, rel=1e-9, abs=1e-9)
  steps = [row['step'] for row in logs[1] if 'loss' in row]
  assert steps == [1, 2, 3, 4]


def test_the_same_command_again_is_finished_in_both(workdir):
  before = (workdir / 'results.json').read_bytes()
  (status, out, _), (other_status, other_out, _) = launch_two(workdir)
  assert (status, other_status) == (0, 0)
  assert 'is finished' in out
  assert 'is finished' not in other_out
  assert (workdir / 'results.json').read_bytes() == before


def test_another_config_ends_both_with_one_line(workdir):
  first, second = launch_two(workdir, '--config.seed=7')
  assert (first[0], second[0]) == (2, 2)
  lines = [x for x in first[2].splitlines() if x.startswith('error')]
  assert len(lines) == 1
  assert 'seed is 0 there, 7 here' in lines[0]
  assert 'error' not in second[2]


@pytest.mark.parametrize('signalled', [0, 1])
def test_a_signal_to_one_of_two_processes_saves_and_ends_both(
  tmp_path, signalled
):
  checkpoints = tmp_path / 'run' / 'checkpoints'
  processes = start_two(
    'launch.py',
    '--multihost={}',
    *LAUNCH,
    '--config.schedule.steps=100_000',
    '--config.evaluation.every=100_000',
    f'--config.checkpoint.every={FETCH_EVERY}',
    f'--workdir={checkpoints.parent}',
  )
  try:
    deadline = time.monotonic() + SECONDS
    while not (checkpoints / str(FETCH_EVERY)).exists():
      assert all(p.poll() is None for p in processes), finish(processes)
      assert time.monotonic() < deadline
      time.sleep(0.05)
    processes[signalled].terminate()
    first, second = finish(processes)
  finally:
    for process in processes:
      process.kill()
  assert (first[0], second[0]) == (143, 143), first[2] + second[2]
  newest = max(int(p.name) for p in checkpoints.iterdir() if p.name.isdigit())
  (line,) = [x for x in first[2].splitlines() if 'step' in x]
  assert f'step {newest:,}' in line
  assert 'same command' in line
  assert newest % FETCH_EVERY == 0
  steps = [r['step'] for r in training.read_metrics(checkpoints.parent)]
  assert steps == list(range(1, newest + 1))


def test_processes_that_nobody_joins_end_with_one_line():
  code = (
    'import sys\n'
    'from semisup_jax import training\n'
    'training.join(sys.argv[1], {}, timeout=1)'
  )
  addresses = [f'127.0.0.1:{free_port()}' for _ in range(2)]
  ended = finish(
    [start('-c', code, f'{a},2,{i}') for i, a in enumerate(addresses)]
  )
  for address, (status, _, err) in zip(addresses, ended, strict=True):
    assert status == 1
    *_, line = err.splitlines()
    assert line.startswith(f'error: not all processes met at {address} within')
    assert 'Traceback' not in err
