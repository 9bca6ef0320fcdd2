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
  print(training.keep_freed_memory())
before = memory('VmRSS')
np.ones(2**25)  # 256 MB, freed at once.
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
  assert float(without) < 64
  assert float(kept) > 192


@glibc
def test_what_someone_has_set_stays():
  done, kept = run('keep', MALLOC_ARENA_MAX='4')
  assert done == 'False'
  assert float(kept) < 64
