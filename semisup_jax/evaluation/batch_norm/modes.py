"""The ways to choose BatchNorm's statistics, and what each makes of a batch."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from semisup_jax.types import InputError, lookup


class Mode(NamedTuple):
  """A way to evaluate.

  Attributes:
    name: A key of `MODES`.
    amount: The N of `alpha`, the momentum of `ema`; None of the others.
  """

  name: str
  amount: float | None = None


class Shares(NamedTuple):
  """What the statistics of each batch are made of; see `grouped.Groups`."""

  prior: np.ndarray
  own: np.ndarray
  carry: np.ndarray | None = None


def _source(sizes, amount):
  del amount  # None.
  return Shares(np.ones_like(sizes), 0 * sizes)


def _batch(sizes, amount):
  del amount  # None.
  return Shares(0 * sizes, np.ones_like(sizes))


def _alpha(sizes, amount):
  """Schneider et al. 2020, https://arxiv.org/abs/2006.16971, Eq. 3."""
  total = amount + sizes
  return Shares(amount / total, sizes / total)


def _ema(sizes, amount):
  """Running averages that go on at test time, a batch after the other."""
  kept = np.full_like(sizes, amount)
  return Shares(0 * sizes, 1 - kept, kept)


# How the statistics of a batch of so many images, float [n], are mixed.
MIXTURES: MappingProxyType[str, Callable[..., Shares]] = MappingProxyType(
  {'source': _source, 'batch': _batch, 'alpha': _alpha, 'ema': _ema}
)
# What is done before, or meanwhile; `recalibrated` then predicts as `source`.
ADAPTATIONS = ('recalibrated', 'tent', 'tent_continual')
MODES = (*MIXTURES, *ADAPTATIONS)


def make_modes(
  names: Sequence[str],
  *,
  alpha_priors: Sequence[float],
  ema_momenta: Sequence[float],
) -> list[Mode]:
  """The modes that a config asks for.

  Args:
    names: Keys of `MODES`.
    alpha_priors: Each is the N of a mode `alpha`: of how many images the
      statistics of training count for, > 0.
    ema_momenta: Each is the momentum of a mode `ema`, in [0, 1).

  Raises:
    InputError: If a name is unknown or there twice, or an amount out of range.
  """
  table = dict.fromkeys(MODES)
  for name in names:
    lookup(table, name, 'evaluation.batch_norm.modes')
  if len(set(names)) < len(names):
    raise InputError(f'evaluation.batch_norm.modes has one twice: {names}')
  amounts = {'alpha': alpha_priors, 'ema': ema_momenta}
  if not all(_is_number(n) and n > 0 for n in alpha_priors):
    raise InputError(
      'evaluation.batch_norm.alpha_priors must be numbers above 0, got '
      f'{tuple(alpha_priors)}'
    )
  if not all(_is_number(m) and 0 <= m < 1 for m in ema_momenta):
    raise InputError(
      'evaluation.batch_norm.ema_momenta must be numbers in [0, 1), got '
      f'{tuple(ema_momenta)}'
    )
  return [
    Mode(name, amount)
    for name in names
    for amount in amounts.get(name, (None,))
  ]


def _is_number(value) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool)
