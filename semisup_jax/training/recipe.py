"""What a training takes besides its method and its images."""

import dataclasses

import jax
import optax

from semisup_jax import optim
from semisup_jax.training import sharding


@dataclasses.dataclass(frozen=True)
class Recipe:
  """How a training goes.

  Attributes:
    tx: The optimizer.
    schedule: Its learning rate, to be logged.
    steps: How long.
    batch_size: Of an update, global.
    evaluate_every: Steps between two looks at validation.
    patience: Looks without a better one, or one as good, after which training
      stops; None trains to the end.
    accumulate: Micro-batches that the batch is divided into.
    select_by: The metrics of validation that choose the model that is kept,
      keys of `metrics.Scoring.selection`; several do by their mean rank.
    plateau: When the learning rate is lowered; None leaves it to the schedule.
  """

  tx: optax.GradientTransformation
  schedule: optax.Schedule
  steps: int
  batch_size: int
  evaluate_every: int
  patience: int | None = None
  accumulate: int = 1
  select_by: tuple[str, ...] = ('top1',)
  plateau: optim.Plateau | None = None

  @property
  def looks(self) -> int:
    """At validation, if it is looked at after the last step, too."""
    return -(-self.steps // self.evaluate_every)

  def mesh(self) -> jax.sharding.Mesh:
    """The mesh that its micro-batches are divided over.

    Raises:
      InputError: If accelerators do not divide them.
    """
    return sharding.make_mesh(self.batch_size, accumulate=self.accumulate)
