"""Everything a run needs to go on, as one value."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct
from flax.training import train_state

from semisup_jax.types import Batch, Method, Variables


@struct.dataclass
class Selection:
  """The best model so far, by what was measured on the validation part.

  Attributes:
    seen: What each look measured, float32 [looks, metrics], larger being
      better; -inf in those to come.
    look: The row of the best one, int32 scalar; -1 before any.
    step: The step after which it was measured, int32 scalar; -1 before any.
    variables: The model then, raw or averaged, as the method evaluates it.
    plateau_scale: What the learning rate has been lowered to, a share of it,
      float32 scalar; None where no plateau lowers it.
    plateau_step: The step after which it was last lowered, int32 scalar; 0
      before; or None.
  """

  seen: jax.Array
  look: jax.Array
  step: jax.Array
  variables: Variables
  plateau_scale: jax.Array | None = None
  plateau_step: jax.Array | None = None


class TrainState(train_state.TrainState):
  """Flax's `TrainState` and what else carries over from step to step.

  Attributes:
    batch_stats: BatchNorm's running statistics: a value, like the params.
    key: The run's root key; step t uses `fold_in(key, t)`.
    ema: Averaged `{'params', 'batch_stats'}`, or None where a method has none.
    method_state: What a method keeps besides: a target network, counters, a
      queue; or None.
    selection: A `Selection`, or None where the last state is the result.
  """

  batch_stats: Any
  key: jax.Array
  ema: Any
  method_state: Any
  selection: Selection | None

  @property
  def variables(self) -> Variables:
    """The model's variables as they are now (not averaged)."""
    return {'params': self.params, 'batch_stats': self.batch_stats}

  @property
  def plateau_scale(self) -> jax.Array | None:
    """What scales the learning rate; None where no plateau lowers it."""
    return self.selection and self.selection.plateau_scale


def copy(tree: Any) -> Any:
  """Copies every array, since a donated one is gone after the step."""
  return jax.tree.map(jnp.copy, tree)


def create_state(
  method: Method,
  tx: optax.GradientTransformation,
  key: jax.Array,
  batch: Batch,
  *,
  initial: Variables | None = None,
  labels: np.ndarray | None = None,
  select: tuple[int, int] | None = None,
  plateau: bool = False,
) -> TrainState:
  """Initializes a method's state.

  Args:
    method: What is trained.
    tx: The optimizer.
    key: Root key of the run.
    batch: Any batch; its shapes and types count.
    initial: Variables that replace those of the same names among the fresh
      ones, such as `{'params': {'encoder': ...}, ...}` after pre-training.
    labels: That are learned from, for a method with `state_of_labels`.
    select: `(looks, metrics)`: how often validation is looked at, and by how
      many metrics, to keep the best model; None keeps none.
    plateau: Whether the learning rate follows validation; it needs `select`.
  """
  # Its values do not count, and may lie where this process cannot read them.
  batch = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), batch)
  init_key, run_key = jax.random.split(key)
  variables, method_state = method.init(init_key, batch)
  if method.state_of_labels is not None:
    method_state = jax.tree.map(jnp.asarray, method.state_of_labels(labels))
  if initial is not None:
    variables = {
      name: {**variables.get(name, {}), **copy(tree)}
      for name, tree in {**variables, **initial}.items()
    }
    method_state = method.after_initial(variables, method_state)
  params = variables['params']
  batch_stats = variables.get('batch_stats', {})
  state = TrainState(
    step=jnp.int32(0),
    apply_fn=None,
    params=params,
    tx=tx,
    opt_state=tx.init(params),
    batch_stats=batch_stats,
    key=run_key,
    ema=None,
    # It may begin as the variables themselves, and each is donated once.
    method_state=copy(method_state),
    selection=None,
  )
  if method.ema_decay is not None:
    state = state.replace(ema=copy(state.variables))
  if select:
    selection = Selection(
      seen=jnp.full(select, -jnp.inf, jnp.float32),
      look=jnp.int32(-1),
      step=jnp.int32(-1),
      variables=copy(method.predict_variables(state)),
      plateau_scale=jnp.float32(1) if plateau else None,
      plateau_step=jnp.int32(0) if plateau else None,
    )
    state = state.replace(selection=selection)
  return state
