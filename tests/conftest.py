"""Eight virtual CPU devices for every test, set before JAX starts; and no test
reads or writes the compiled programs of the person who runs it."""

import os

import jax
import pytest

# Read by semisup_jax.training.sharding as well: a test sees the same devices
# whatever machine it runs on. Most of a test is compilation, which takes half
# as long where LLVM does not optimize.
os.environ.setdefault(
  'XLA_FLAGS',
  '--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=0',
)
jax.config.update('jax_num_cpu_devices', 8)


@pytest.fixture(autouse=True, scope='session')
def _cache_of_their_own(tmp_path_factory):
  """Of a worker's tests together: what one has compiled, the others read."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
    yield
