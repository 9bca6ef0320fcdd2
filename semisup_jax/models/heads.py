"""What sits on an encoder while it learns: projectors and classifiers."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


class ProjectionHead(nn.Module):
  """An MLP with BatchNorm, whose output the objective sees.

  SimCLR's projector (https://arxiv.org/abs/2002.05709, Sec. 4.2) with BatchNorm
  in the hidden layers, as in the authors' code.

  Attributes:
    hidden: Width of each hidden layer.
    output: Width of the output.
    hidden_layers: Number of hidden layers; 0 makes the head linear.
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: Share of the old running statistics that is kept.
  """

  hidden: int
  output: int
  hidden_layers: int
  dtype: Any
  batch_norm_momentum: float

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, D] to `(projections [N, output], {})`."""
    wide = jnp.promote_types(self.dtype, jnp.float32)
    for _ in range(self.hidden_layers):
      x = nn.Dense(
        self.hidden, use_bias=False, dtype=self.dtype, param_dtype=wide
      )(x)
      x = nn.BatchNorm(
        use_running_average=not train,
        momentum=self.batch_norm_momentum,
        epsilon=1e-5,
        dtype=self.dtype,
        param_dtype=wide,
      )(x)
      x = nn.relu(x)
    x = nn.Dense(self.output, dtype=self.dtype, param_dtype=wide)(x)
    return x.astype(wide), {}


class ClassificationHead(nn.Module):
  """One linear layer that starts at zero, so every class starts equally likely.

  Attributes:
    num_classes: K.
    dtype: Computation type of the features; the layer computes in float32 or
      wider.
  """

  num_classes: int
  dtype: Any

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, D] to `(logits [N, K], {})`; `train` changes nothing."""
    del train
    wide = jnp.promote_types(self.dtype, jnp.float32)
    dense = nn.Dense(
      self.num_classes,
      dtype=wide,
      param_dtype=wide,
      kernel_init=nn.initializers.zeros,
    )
    return dense(x), {}


class EncoderWithHead(nn.Module):
  """An encoder and a head, their variables side by side.

  `variables['params']` has the keys `encoder` and `head`, and so has
  `batch_stats`, where there are any: `encoder_variables` takes them apart.
  """

  encoder: nn.Module
  head: nn.Module

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps images to the head's output.

    Returns:
      `(output, features)`: the encoder's features and `embedding`, its output.
    """
    embedding, features = self.encoder(x, train=train)
    output, _ = self.head(embedding, train=train)
    return output, {**features, 'embedding': embedding}


def encoder_variables(variables: Any) -> dict[str, Any]:
  """Picks the encoder's own variables out of an `EncoderWithHead`'s."""
  return {collection: tree['encoder'] for collection, tree in variables.items()}
