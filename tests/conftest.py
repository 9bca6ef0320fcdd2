"""Eight virtual CPU devices for every test, set before JAX starts."""

import os

import jax

# Read by semisup_jax.training.sharding as well: a test sees the same devices
# whatever machine it runs on.
os.environ.setdefault('XLA_FLAGS', '--xla_cpu_multi_thread_eigen=false')
jax.config.update('jax_num_cpu_devices', 8)
