"""One optimizer for all of a network, at a pace of its own for each stage."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import optax

from semisup_jax.optim.optimizers import clipped, make_optimizer
from semisup_jax.types import Params


class Pace(NamedTuple):
  """How a stage of a network is trained.

  Attributes:
    scale: What the learning rate is multiplied by, positive.
    start: The step that first moves it, at least 0; None never does.
  """

  scale: float = 1.0
  start: int | None = 0


FROZEN = Pace(start=None)


def make_staged_optimizer(
  config: Mapping[str, Any],
  schedule: optax.Schedule,
  paces: Mapping[str, Pace],
  stage_labels: Callable[[Params], Any],
) -> optax.GradientTransformation:
  """Makes an optimizer under which each stage goes at its own pace.

  What is frozen is not moved by weight decay either. A stage that starts later
  has fresh moments then, and the rate that the others have. Gradients are
  clipped by the norm over all stages, so those of what is frozen should be 0.

  Args:
    config: As `make_optimizer` takes it.
    schedule: Likewise.
    paces: By stage.
    stage_labels: Names the stage of each leaf: params to a tree of names, or to
      a prefix of one.

  Returns:
    Gradients to updates; `make_optimizer` itself where all paces are one.

  Raises:
    InputError: As `make_optimizer`.
  """
  if all(pace == Pace() for pace in paces.values()):
    return make_optimizer(config, schedule)
  unclipped = {**config, 'clip_norm': None}
  staged = optax.multi_transform(
    {
      stage: _at_pace(unclipped, schedule, pace)
      for stage, pace in paces.items()
    },
    stage_labels,
  )
  return clipped(config, staged)


def _at_pace(config, schedule, pace) -> optax.GradientTransformation:
  if pace.start is None:
    return optax.set_to_zero()
  # It is counted from its own start on.
  optimizer = make_optimizer(
    config, lambda step: pace.scale * schedule(pace.start + step)
  )
  if not pace.start:
    return optimizer
  return optax.conditionally_mask(optimizer, lambda step: step >= pace.start)
