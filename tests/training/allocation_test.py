"""What is freed is there again without a page fault."""

import os
import platform
import subprocess
import sys

import pytest

from semisup_jax.training import allocation

CODE = """
import resource, sys
import numpy as np
from semisup_jax import training

if 'keep' in sys.argv:
  print(training.keep_freed_memory())
for turn in range(2):
  before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
  np.ones(25_000_000)  # 200 MB.
  faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""
glibc = pytest.mark.skipif(
  platform.libc_ver()[0] != 'glibc', reason='it has an effect on glibc only'
)


def run(*words, **environment):
  done = subprocess.run(
    [sys.executable, '-c', CODE, *words],
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
def test_memory_that_was_freed_is_handed_out_again():
  (without,) = run()
  done, faults = run('keep')
  assert done == 'True'
  assert int(faults) < int(without) / 10


@glibc
def test_what_someone_has_set_stays():
  done, faults = run('keep', MALLOC_ARENA_MAX='4')
  assert done == 'False'
  (without,) = run()
  assert int(faults) > int(without) / 2
