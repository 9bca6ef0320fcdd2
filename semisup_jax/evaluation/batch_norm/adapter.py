"""A classifier's logits under every mode, batch by batch of a test set."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from semisup_jax import data
from semisup_jax.evaluation.batch_norm import grouped, tent
from semisup_jax.evaluation.batch_norm.modes import MIXTURES, Mode, Shares
from semisup_jax.evaluation.batch_norm.scale import Scale
from semisup_jax.evaluation.features import padded
from semisup_jax.training import sharding
from semisup_jax.types import Variables

# Rows that go through the network at once, whatever the test batch is.
ROWS = 1024


class Adapter:
  """One classifier, and its logits on images in the order in which they come.

  Attributes:
    model: Returns `(logits, features)`; it has BatchNorm layers.
    tent_learning_rate: Adam's, of the modes `tent`.
    rows: That go through at once; no batch can be larger.
  """

  def __init__(
    self,
    model: nn.Module,
    *,
    tent_learning_rate: float,
    dtype: Any = jnp.float32,
    rows: int = ROWS,
  ):
    """Takes the model; nothing is compiled yet.

    Args:
      model: See above.
      tent_learning_rate: See above.
      dtype: Of the images that the model is given.
      rows: See above.
    """
    self.model = model
    self.tent_learning_rate = tent_learning_rate
    self.rows = rows
    self._dtype = dtype
    self._mesh = _mesh(rows)
    whole = sharding.replicated(self._mesh)
    part = sharding.divided(self._mesh)
    self._apply = jax.jit(
      self._normalized,
      in_shardings=(whole, part, whole, whole),
      out_shardings=(whole, whole),
    )

  def _normalized(self, variables, images, scale, groups):
    x = scale(images, self._dtype)
    return grouped.apply(self.model, variables, x, groups)

  def logits(
    self,
    variables: Variables,
    images: np.ndarray,
    mode: Mode,
    *,
    batch_size: int,
    scale: Scale,
  ) -> np.ndarray:
    """Predicts images, `batch_size` after `batch_size`.

    Args:
      variables: The classifier's; they stay what they are.
      images: uint8 [N, H, W, C], in the order in which they come. The last
        batch may be short.
      mode: One of `MIXTURES`; ema begins with the statistics of `variables`.
      batch_size: Of the test batches, at most `rows`.
      scale: How pixels become input.

    Returns:
      Float [N, K].
    """
    per_pass = self.rows // batch_size * batch_size
    if mode.name == 'source':
      # It looks at no batch, so a pass may end within one. An image then has
      # the same row at every batch size, on which its last bits depend on some
      # CPUs.
      per_pass = self.rows
    found = []
    for start in range(0, len(images), per_pass):
      part = images[start : start + per_pass]
      sizes = _sizes(len(part), batch_size)
      shares = MIXTURES[mode.name](sizes, mode.amount)
      logits, statistics = self._pass(variables, part, sizes, shares, scale)
      if mode.name == 'ema':
        variables = {**variables, 'batch_stats': statistics}
      found.append(np.asarray(logits)[: len(part)])
    return np.concatenate(found)

  def _pass(self, variables, images, sizes, shares, scale):
    """One pass over at most `rows` images, padded to that number."""
    count = len(sizes)
    of_row = np.full(self.rows, self.rows, np.int32)
    of_row[: len(images)] = np.repeat(np.arange(count), sizes.astype(int))
    of_group = jax.tree.map(
      lambda share: np.pad(share, (0, self.rows - count)), shares
    )
    groups = grouped.Groups(of_row, *self._cast(of_group))
    return self._apply(
      variables,
      self._put(images, self.rows, self._mesh),
      self._cast(scale),
      groups,
    )

  def _cast(self, floats):
    """Numbers as arrays in the dtype of the images."""
    return jax.tree.map(lambda x: np.asarray(x, self._dtype), floats)

  def _put(self, images, rows, mesh):
    return data.put(padded(images, rows), sharding.divided(mesh))

  def recalibrated(
    self, variables: Variables, images: np.ndarray, *, scale: Scale
  ) -> Variables:
    """Measures the statistics anew, on unlabelled images ("precise BN").

    One pass in which every layer normalizes by its batch of up to `rows`
    images; the batches' moments are pooled as those of one set.

    Args:
      variables: The classifier's; they stay what they are.
      images: uint8 [N, H, W, C], of the target.
      scale: How pixels become input.

    Returns:
      The variables with other `batch_stats`.
    """
    total, pooled = 0, None
    for start in range(0, len(images), self.rows):
      part = images[start : start + self.rows]
      sizes = _sizes(len(part), self.rows)
      shares: Shares = MIXTURES['batch'](sizes, None)
      _, statistics = self._pass(variables, part, sizes, shares, scale)
      raw, count = _raw(statistics), len(part)
      if pooled is None:
        pooled = jax.tree.map(np.zeros_like, raw)
      total += count
      # A running mean over images.
      pooled = jax.tree.map(
        lambda old, new, share=count / total: old + share * (new - old),
        pooled,
        raw,
      )
    statistics = _central(pooled)
    like = variables['batch_stats']
    statistics = jax.tree.map(
      lambda x, old: x.astype(old.dtype), statistics, like
    )
    return {**variables, 'batch_stats': statistics}

  def tent_logits(
    self,
    variables: Variables,
    images: np.ndarray,
    *,
    batch_size: int,
    scale: Scale,
    state: tent.TentState | None = None,
  ) -> tuple[np.ndarray, tent.TentState]:
    """Predicts images by `tent`, which learns from every batch.

    Args:
      variables: The classifier's; they stay what they are.
      images: uint8 [N, H, W, C], in the order in which they come.
      batch_size: Of the test batches.
      scale: How pixels become input.
      state: Where an earlier call has left off; None begins anew.

    Returns:
      Float [N, K], and the state to go on from.
    """
    state = state or tent.begin(variables, self.tent_learning_rate)
    # On one device: steps of few images are as fast there, and XLA on CPU can
    # wait forever for the sums over devices of many small steps in flight.
    mesh = sharding.make_mesh(batch_size, jax.devices()[:1])
    variables, state = sharding.everywhere((variables, state), mesh)
    scale, rate = self._cast((scale, self.tent_learning_rate))
    found = []
    for start in range(0, len(images), batch_size):
      part = images[start : start + batch_size]
      logits, state = tent.step(
        self.model,
        variables,
        state,
        self._put(part, batch_size, mesh),
        scale,
        np.int32(len(part)),
        rate,
      )
      found.append((logits, len(part)))
    rows = [np.asarray(logits)[:count] for logits, count in found]
    return np.concatenate(rows), state


def _mesh(rows: int) -> jax.sharding.Mesh:
  """As many devices as divide the rows: no test batch is refused."""
  devices = jax.devices()
  count = sharding.largest_divisor(rows, len(devices))
  return sharding.make_mesh(rows, devices[:count])


def _sizes(count: int, batch_size: int) -> np.ndarray:
  """The sizes of the batches, the last one perhaps short, float64 [n]."""
  sizes = np.full(-(-count // batch_size), batch_size, np.float64)
  sizes[-1] = count - batch_size * (len(sizes) - 1)
  return sizes


def _raw(statistics: Any) -> Any:
  """Means and mean squares of means and variances, in float64."""
  return _each_norm(statistics, lambda m, v: {'mean': m, 'var': v + m * m})


def _central(statistics: Any) -> Any:
  """The way back."""
  return _each_norm(statistics, lambda m, v: {'mean': m, 'var': v - m * m})


def _each_norm(statistics: Any, change: Any) -> Any:
  def of_norm(norm):
    mean, var = (np.asarray(norm[k], np.float64) for k in ('mean', 'var'))
    return change(mean, var)

  return jax.tree.map(
    of_norm,
    statistics,
    is_leaf=lambda x: isinstance(x, dict) and set(x) == {'mean', 'var'},
  )
