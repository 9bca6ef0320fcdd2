"""Images of noise, and many draws of one random op."""

import jax
import numpy as np
import pytest

# Most of the time here is LLVM's, on code that runs once.
_COMPILE_FAST = {'xla_backend_optimization_level': 0}


@pytest.fixture(scope='session')
def make_image():
  """`(height, width, channels) -> float32 [H, W, C]` in [0, 1), fixed."""

  def make(height, width, channels):
    rng = np.random.default_rng(0)
    return rng.random((height, width, channels), np.float32)

  return make


@pytest.fixture(scope='session')
def draw():
  """`(count, op, image, *arguments) -> [count, ...]`, each with its own key."""

  def draw(count, op, image, *args, **kwargs):
    def one(key):
      return op(key, image, *args, **kwargs)

    keys = jax.random.split(jax.random.key(0), count)
    many = jax.jit(jax.vmap(one), compiler_options=_COMPILE_FAST)
    return np.asarray(many(keys), np.float64)

  return draw
