"""The ways to fine-tune: what is learned, from which start, when, how fast.

A mode gives each stage of the network (`models.stages_of`) a `Pace`; Optax does
the rest. In a stage that does not move yet, or never, BatchNorm's running
statistics stay where they are as well, unless `batch_norm_statistics` lets them
move.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from semisup_jax import models
from semisup_jax.optim import FROZEN, Pace
from semisup_jax.types import InputError, Method

# `(stages from the input to the head, section of the config, steps)`.
Paces = Callable[[Sequence[str], Any, int], dict[str, Pace]]


class Mode(NamedTuple):
  """A way to fine-tune.

  Attributes:
    paces: How each stage is trained.
    fields: Those that it takes from the section of the config.
    pretrained: Whether the encoder starts as it was pre-trained.
    probed: Whether the head starts as the linear probe on it.
  """

  paces: Paces
  fields: tuple[str, ...] = ()
  pretrained: bool = True
  probed: bool = False


def _all(stages: Sequence[str], section: Any, steps: int) -> dict[str, Pace]:
  del section, steps
  return dict.fromkeys(stages, Pace())


def _head(stages: Sequence[str], section: Any, steps: int) -> dict[str, Pace]:
  del section, steps
  return {**dict.fromkeys(stages, FROZEN), stages[-1]: Pace()}


def _last(stages: Sequence[str], section: Any, steps: int) -> dict[str, Pace]:
  """The head and the last `partial_stages` of the encoder."""
  del steps
  count, of = section.partial_stages, len(stages) - 1
  if not 1 <= count <= of:
    raise InputError(
      f'partial_stages must be 1 to {of}, the stages of the encoder; got '
      f'{count}'
    )
  moving = dict.fromkeys(stages[-1 - count :], Pace())
  return {**dict.fromkeys(stages, FROZEN), **moving}


def _gradual(
  stages: Sequence[str], section: Any, steps: int
) -> dict[str, Pace]:
  """The head first, then one stage more at a time, at even distances.

  Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, Sec. 3.3, where a
  distance is an epoch. Here all stages move from the share `unfrozen_by` of the
  training on.
  """
  share, distances = section.unfrozen_by, len(stages) - 1
  if not distances <= share * steps <= steps - 1:
    raise InputError(
      f'unfrozen_by={share} must leave a step to each stage, of {steps} steps '
      f'and {len(stages)} stages, the head among them'
    )
  depths = reversed(range(len(stages)))
  return {
    stage: Pace(start=round(depth * share * steps / max(1, distances)))
    for stage, depth in zip(stages, depths, strict=True)
  }


def _layerwise(
  stages: Sequence[str], section: Any, steps: int
) -> dict[str, Pace]:
  """The rate of each stage is `layer_decay` times that of the stage above it.

  Clark et al. 2020, https://arxiv.org/abs/2003.10555, and BEiT,
  https://arxiv.org/abs/2106.08254, of each layer of a transformer.
  """
  del steps
  decay = section.layer_decay
  if not 0 < decay <= 1:
    raise InputError(f'layer_decay must be in (0, 1], got {decay}')
  depths = reversed(range(len(stages)))
  return {
    stage: Pace(scale=decay**depth)
    for stage, depth in zip(stages, depths, strict=True)
  }


_STATISTICS = 'batch_norm_statistics'
FINETUNE_MODES = {
  'full': Mode(_all),
  'scratch': Mode(_all, pretrained=False),
  'frozen': Mode(_head, (_STATISTICS,)),
  # Kumar et al. 2022, https://arxiv.org/abs/2202.10054.
  'lp_ft': Mode(_all, probed=True),
  'gradual': Mode(_gradual, ('unfrozen_by', _STATISTICS)),
  'layerwise': Mode(_layerwise, ('layer_decay',)),
  'partial': Mode(_last, ('partial_stages', _STATISTICS)),
}


def frozen_from(paces: Mapping[str, Pace]) -> dict[int, tuple[str, ...]]:
  """The stages that do not move, by the step from which on it is these."""
  starts = {0, *(p.start for p in paces.values() if p.start is not None)}
  return {
    start: tuple(
      stage
      for stage, pace in paces.items()
      if pace.start is None or pace.start > start
    )
    for start in sorted(starts)
  }


def fixed_in(section: Any, frozen: tuple[str, ...]) -> tuple[str, ...]:
  """Of frozen stages, those whose running statistics do not move either.

  Raises:
    InputError: If `batch_norm_statistics` is neither 'fixed' nor 'moving'.
  """
  if not frozen:
    return ()
  choice = section.batch_norm_statistics
  if choice not in ('fixed', 'moving'):
    raise InputError(
      f"batch_norm_statistics must be 'fixed' or 'moving', got {choice!r}"
    )
  return frozen if choice == 'fixed' else ()


def without_gradients(method: Method, frozen: Sequence[str]) -> Method:
  """The method, of whose gradients those of some stages are 0.

  So they are not computed, and count in no norm.
  """
  if not frozen:
    return method

  def loss(params, state, batch, key):
    params = jax.tree.map(
      lambda stage, part: (
        jax.lax.stop_gradient(part) if stage in frozen else part
      ),
      models.stage_labels(params),
      params,
    )
    return method.loss(params, state, batch, key)

  return dataclasses.replace(method, loss=loss)
