"""Optimizers by name, put together from Optax's parts.

All of them clip first where the config says so, read the rate from a schedule,
and leave leaves with at most one axis (biases, the scale and the bias of
BatchNorm) out of weight decay and of LARS's trust ratio.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from semisup_jax.types import InputError, Params, lookup


def make_optimizer(
  config: Mapping[str, Any], schedule: optax.Schedule
) -> optax.GradientTransformation:
  """Makes an optimizer from the config's `optimizer` section.

  Args:
    config: With the fields
      `name`: a key of `OPTIMIZERS`;
      `learning_rate`: positive; checked here, but what is used is `schedule`,
        which has it as its peak;
      `weight_decay`: at least 0;
      `momentum`: in [0, 1); for 'adamw' its b1;
      `clip_norm`: None, or positive: gradients of a greater global norm (over
        all leaves, before weight decay) are scaled down to it.
    schedule: The learning rate as a function of the step, counted from 0.

  Returns:
    Gradients to updates, to be added to the params; `update` needs the params.

  Raises:
    InputError: If the name is unknown or a number is missing or out of range.
  """
  build = lookup(OPTIMIZERS, config['name'], 'optimizer')
  _check(config, 'learning_rate', lambda x: x > 0, 'positive')
  _check(config, 'weight_decay', lambda x: x >= 0, 'at least 0')
  _check(config, 'momentum', lambda x: 0 <= x < 1, 'in [0, 1)')
  return clipped(config, build(config, schedule))


def clipped(
  config: Mapping[str, Any], optimizer: optax.GradientTransformation
) -> optax.GradientTransformation:
  """An optimizer of gradients that are clipped where the config says so.

  Raises:
    InputError: If it is not None or positive.
  """
  if config['clip_norm'] is None:
    return optimizer
  _check(config, 'clip_norm', lambda x: x > 0, 'None or positive')
  return optax.chain(optax.clip_by_global_norm(config['clip_norm']), optimizer)


def decay_mask(params: Params) -> Params:
  """Tells what weight decay and LARS's trust ratio apply to.

  Args:
    params: A pytree of arrays.

  Returns:
    A pytree of bools: true for kernels, the leaves with two axes or more;
    false for biases and for the scale and the bias of BatchNorm.
  """
  return jax.tree.map(lambda leaf: jnp.ndim(leaf) > 1, params)


def _sgd(
  config: Mapping[str, Any], schedule: optax.Schedule
) -> optax.GradientTransformation:
  """SGD with Nesterov momentum and L2, the arithmetic of torch's SGD.

  Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html, in
  torch's form: `g += weight_decay * w; m = momentum * m + g;
  w -= rate * (g + momentum * m)`. The decay is part of the gradient, so that it
  passes through the momentum.
  """
  return optax.chain(
    optax.add_decayed_weights(config['weight_decay'], mask=decay_mask),
    optax.trace(decay=config['momentum'], nesterov=True),
    optax.scale_by_learning_rate(schedule),
  )


def _adamw(
  config: Mapping[str, Any], schedule: optax.Schedule
) -> optax.GradientTransformation:
  """Adam with decoupled weight decay.

  Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101: the decay,
  `rate * weight_decay * w`, does not pass through the moments (but is scaled by
  the rate, as in torch). `momentum` is b1, 0.9 in the paper; b2 is 0.999 and
  eps 1e-8.
  """
  return optax.adamw(
    schedule,
    b1=config['momentum'],
    b2=0.999,
    eps=1e-8,
    weight_decay=config['weight_decay'],
    mask=decay_mask,
  )


def _lars(
  config: Mapping[str, Any], schedule: optax.Schedule
) -> optax.GradientTransformation:
  """LARS: SGD whose rate is scaled by layer, for large batches.

  You et al. 2017, https://arxiv.org/abs/1708.03888, Algorithm 1, with the trust
  coefficient 0.001 and no Nesterov: per leaf, `g += weight_decay * w;
  m = momentum * m + rate * 0.001 * |w| / |g| * g; w -= m`. Biases and BatchNorm
  have neither the decay nor the trust ratio: they move by the plain rate, which
  for LARS is a large one. A leaf or a gradient of norm 0 has the ratio 1.
  """
  return optax.lars(
    schedule,
    weight_decay=config['weight_decay'],
    weight_decay_mask=decay_mask,
    trust_coefficient=0.001,
    trust_ratio_mask=decay_mask,
    momentum=config['momentum'],
    nesterov=False,
  )


OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
  'sgd': _sgd,
  'adamw': _adamw,
  'lars': _lars,
}


def _check(
  config: Mapping[str, Any],
  field: str,
  fits: Callable[[float], bool],
  what: str,
) -> None:
  value = config[field]
  is_number = isinstance(value, int | float) and not isinstance(value, bool)
  if not is_number or not math.isfinite(value) or not fits(value):
    raise InputError(f'optimizer.{field} must be {what}, got {value!r}')
