"""What is freed stays with the process."""

import os
import pathlib
import platform
import subprocess
import sys

import pytest

from semisup_jax.training import allocation

# Resident memory, not page faults: how many there are depends on the huge pages
# that Linux has at that moment.
CODE = """
import sys
import numpy as np
from benchmarks.worker import memory
from semisup_jax import training

if 'keep' in sys.argv:
  print(training.keep_freed_memory(*map(int, sys.argv[2:])))
before = memory('VmRSS')
np.ones(2**23)  # 64 MB, freed at once.
print((memory('VmRSS') - before) / 2**20)
"""
glibc = pytest.mark.skipif(
  platform.libc_ver()[0] != 'glibc', reason='it has an effect on glibc only'
)


def run(*words, **environment):
  done = subprocess.run(
    [sys.executable, '-c', CODE, *words],
    cwd=pathlib.Path(__file__).parents[2],  # Where benchmarks are.
    env={
      **{k: v for k, v in os.environ.items() if k not in allocation.OPTIONS},
      **environment,
    },
    capture_output=True,
    text=True,
    check=True,
  )
  return done.stdout.split()


@glibc
def test_what_is_freed_stays_with_the_process():
  (without,) = run()
  done, kept = run('keep')
  assert done == 'True'
  assert float(without) < 16
  assert float(kept) > 48


@glibc
@pytest.mark.parametrize(('largest', 'stays'), [(2**25, False), (2**27, True)])
def test_what_is_large_does_not_stay(largest, stays):
  done, kept = run('keep', str(largest))
  assert done == 'True'
  assert (float(kept) > 48) == stays


def test_a_container_has_less_than_its_machine(tmp_path, monkeypatch):
  limit = tmp_path / 'memory.max'
  monkeypatch.setattr(allocation, 'CONTAINER', limit)
  machine = allocation._memory()
  limit.write_text('max\n')
  assert allocation._memory() == machine
  limit.write_text(f'{machine // 4}\n')
  assert allocation._memory() == machine // 4


@glibc
def test_what_someone_has_set_stays():
  done, kept = run('keep', MALLOC_ARENA_MAX='4')
  assert done == 'False'
  assert float(kept) < 16
