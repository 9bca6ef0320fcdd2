"""The first signal waits for the end of a step, the second for nothing."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from semisup_jax import training
from semisup_jax.training import interruption

from .conftest import (
  assert_same,
  batch,
  checkpoints_in,
  fit,
  line_method,
  start,
)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def signum(request):
  return request.param


def signalling_batch(signum, at):
  def draw(step):
    if step == at:
      os.kill(os.getpid(), signum)
    return batch(step)

  return draw


def test_a_run_saves_the_step_it_was_in_and_goes_on_to_the_same_end(
  tmp_path, signum
):
  state, step = start(line_method())
  whole = fit(state, step)
  state, step = start(line_method())
  checkpoints = checkpoints_in(tmp_path)
  log = training.MetricsLog(tmp_path, from_step=0)
  with (
    pytest.raises(
      training.Interrupted, match='after step 13 is saved'
    ) as error,
    training.handled(),
  ):
    fit(
      state,
      step,
      batch=signalling_batch(signum, 12),
      checkpoints=checkpoints,
      log=log,
    )
  checkpoints.close()
  log.close()
  assert (error.value.signum, error.value.kept) == (signum, 13)
  rows = training.read_metrics(tmp_path)
  assert [row['step'] for row in rows] == list(range(1, 14))
  fresh, step = start(line_method())
  checkpoints = checkpoints_in(tmp_path)
  resumed, _ = checkpoints.restore(fresh)
  assert int(resumed.step) == 13
  assert_same(whole, fit(resumed, step, checkpoints=checkpoints))
  checkpoints.close()


def test_without_checkpoints_nothing_is_promised(signum):
  state, step = start(line_method())
  with (
    pytest.raises(training.Interrupted, match='what is saved') as error,
    training.handled(),
  ):
    fit(state, step, batch=signalling_batch(signum, 3))
  assert error.value.kept is None


def test_outside_of_a_loop_it_is_raised_at_once(signum):
  with pytest.raises(training.Interrupted), training.handled():
    os.kill(os.getpid(), signum)
  assert interruption.received() is None


def test_one_that_nobody_asked_for_is_raised_at_the_end(signum):
  reached = []

  def ask():
    with training.deferred():
      with training.deferred():
        os.kill(os.getpid(), signum)
        reached.append(interruption.received())
      reached.append('the end')

  with pytest.raises(training.Interrupted), training.handled():
    ask()
  assert reached == [signum, 'the end']


def test_handlers_are_given_back():
  before = [signal.getsignal(s) for s in interruption.SIGNALS]
  with training.handled():
    assert [signal.getsignal(s) for s in interruption.SIGNALS] != before
  assert [signal.getsignal(s) for s in interruption.SIGNALS] == before
  assert interruption.received() is None


def test_in_another_thread_nothing_is_installed():
  seen = []

  def look():
    with training.handled():
      seen.append(signal.getsignal(signal.SIGTERM))

  thread = threading.Thread(target=look)
  thread.start()
  thread.join()
  assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_second_signal_ends_the_process_even_inside_of_a_long_call():
  # Like a compilation it is one call that holds no lock of Python's: no handler
  # runs before its end.
  code = (
    'import hashlib\n'
    'from semisup_jax import training\n'
    'with training.handled(), training.deferred():\n'
    "  print('ready', flush=True)\n"
    "  hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n"
  )
  process = subprocess.Popen(
    [sys.executable, '-c', code], stdout=subprocess.PIPE, text=True
  )
  try:
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
      process.wait(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT
  finally:
    process.kill()
