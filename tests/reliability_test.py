"""Runs that are killed, again and again, end as if nobody had touched them.

The same as `python -m benchmarks.kills`, fewer times.
"""

import pytest

from benchmarks import kills


@pytest.fixture(autouse=True)
def _one_device_for_all(monkeypatch, tmp_path_factory):
  """Compiled once: of a killed run most of the time is compilation."""
  cache = tmp_path_factory.getbasetemp() / 'compiled'
  monkeypatch.setenv('JAX_COMPILATION_CACHE_DIR', str(cache))
  monkeypatch.setenv('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')
  monkeypatch.setenv('JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES', '-1')


@pytest.mark.parametrize(
  ('job', 'times'), [('simclr', 5), ('early_stopping', 2), ('study', 1)]
)
def test_a_killed_run_ends_with_the_bits_of_the_undisturbed(
  job, times, tmp_path
):
  killed, differing = kills.compare(job, times, tmp_path)
  assert sum(killed.values()) == times
  assert differing == []
