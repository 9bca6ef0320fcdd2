"""Eight virtual CPU devices for every test, set before JAX starts."""

import os

import jax

# Read by semisup_jax.training.sharding as well: a test sees the same devices
# whatever machine it runs on. Most of a test is compilation, which takes half
# as long where LLVM does not optimize.
os.environ.setdefault(
  'XLA_FLAGS',
  '--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=0',
)
jax.config.update('jax_num_cpu_devices', 8)
