"""The first variables of a network."""

import functools
from typing import Any

import jax
from flax import linen as nn


@functools.partial(jax.jit, static_argnames='model')
def fresh_variables(
  model: nn.Module, key: jax.Array, x: jax.Array
) -> dict[str, Any]:
  """A network's variables before any step, made by one program.

  By itself JAX compiles one for each operation, and tries on an accelerator how
  each convolution is fastest. The program leaves out what the network makes of
  x.

  Args:
    model: Called as `model(x, train=False)`.
    key: Of the initialization.
    x: Images like those that it will see, float [N, H, W, C].
  """
  return model.init(key, x, train=False)
