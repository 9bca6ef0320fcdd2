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
    patience: Looks without a better one, or one as good, after which training
      stops; None trains to the end.
  """

  tx: optax.GradientTransformation
  schedule: optax.Schedule
  steps: int
  batch_size: int
  evaluate_every: int
  patience: int | None = None
