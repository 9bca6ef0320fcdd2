"""What a training takes besides its method and its images."""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class Recipe:
  """How a training goes.

  Attributes:
    tx: The optimizer.
    schedule: Its learning rate, to be logged.
    steps: How long.
    batch_size: Global.
    evaluate_every: Steps between two looks at validation.
  """

  tx: optax.GradientTransformation
  schedule: optax.Schedule
  steps: int
  batch_size: int
  evaluate_every: int
