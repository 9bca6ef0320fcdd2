"""What sits on an encoder while it learns: projectors and classifiers."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from semisup_jax.models.batch_norm import BatchNorm


class ProjectionHead(nn.Module):
  """An MLP with BatchNorm, whose output the objective sees.

  SimCLR's projector (https://arxiv.org/abs/2002.05709, Sec. 4.2) with BatchNorm
  in the hidden layers; the authors' code has one after the output as well.

  Attributes:
    hidden: Width of each hidden layer.
    output: Width of the output.
    hidden_layers: Number of hidden layers; 0 makes the head linear.
    dtype: Computation type; the output is float32 or wider in any case.
    batch_norm_momentum: Share of the old running statistics that is kept.
    batch_norm_groups: See `BatchNorm`.
    batch_norm_output: Whether BatchNorm, without scale and bias, comes last, as
      in SimSiam's projector.
  """

  hidden: int
  output: int
  hidden_layers: int
  dtype: Any
  batch_norm_momentum: float
  batch_norm_groups: int
  batch_norm_output: bool = False

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps float [N, D] to `(projections [N, output], {})`."""
    wide = jnp.promote_types(self.dtype, jnp.float32)
    norm = partial(
      BatchNorm,
      use_running_average=not train,
      momentum=self.batch_norm_momentum,
      groups=self.batch_norm_groups,
      epsilon=1e-5,
      dtype=self.dtype,
      param_dtype=wide,
    )
    for _ in range(self.hidden_layers):
      x = nn.Dense(
        self.hidden, use_bias=False, dtype=self.dtype, param_dtype=wide
      )(x)
      x = nn.relu(norm()(x))
    x = nn.Dense(
      self.output,
      use_bias=not self.batch_norm_output,
      dtype=self.dtype,
      param_dtype=wide,
    )(x)
    if self.batch_norm_output:
      x = norm(use_bias=False, use_scale=False)(x)
    return x.astype(wide), {}


class ClassificationHead(nn.Module):
  """One linear layer.

  Attributes:
    num_classes: K.
    dtype: Computation type of the features; the layer computes in float32 or
      wider.
    kernel_init: Of its weights. At zero every class starts equally likely, and
      the first step moves no encoder.
  """

  num_classes: int
  dtype: Any
  kernel_init: nn.initializers.Initializer = nn.initializers.zeros

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
      kernel_init=self.kernel_init,
    )
    return dense(x), {}


class EncoderWithHead(nn.Module):
  """An encoder and a head, their variables side by side.

  `variables['params']` has the keys `encoder` and `head` (and `predictor`), and
  so has `batch_stats`, where there are any: `encoder_variables` takes them
  apart.

  Attributes:
    encoder: Images to embeddings.
    head: Embeddings to the output.
    predictor: From the output on, to the feature `prediction`; None where the
      method has none.
  """

  encoder: nn.Module
  head: nn.Module
  predictor: nn.Module | None = None

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Maps images to the head's output.

    Returns:
      `(output, features)`: the encoder's features, `embedding`, its output, and
      `prediction`, where there is a predictor.
    """
    embedding, features = self.encoder(x, train=train)
    output, _ = self.head(embedding, train=train)
    features = {**features, 'embedding': embedding}
    if self.predictor is not None:
      features['prediction'], _ = self.predictor(output, train=train)
    return output, features


def encoder_variables(variables: Any) -> dict[str, Any]:
  """Picks the encoder's own variables out of a model's that has one."""
  return {
    collection: tree['encoder']
    for collection, tree in variables.items()
    if 'encoder' in tree
  }


def linear_head(variables: Any) -> tuple[jax.Array, jax.Array]:
  """Picks a `ClassificationHead` out of the variables of a model that has one.

  Args:
    variables: Of an `EncoderWithHead`.

  Returns:
    `(kernel, bias)`, float [D, K] and [K]: logits are `x @ kernel + bias`.
  """
  (dense,) = variables['params']['head'].values()
  return dense['kernel'], dense['bias']


def head_params(kernel: jax.Array, bias: jax.Array) -> dict[str, Any]:
  """The parameters of the `ClassificationHead` that has these: the inverse of
  `linear_head`."""
  return {'Dense_0': {'kernel': kernel, 'bias': bias}}
