"""One step of learning, for any method, on any number of devices."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from semisup_jax.training import accumulation, sharding
from semisup_jax.training.state import TrainState
from semisup_jax.types import Batch, Method, Metrics, Variables

# On CPU XLA removes barriers early. It then takes what `jax.checkpoint` would
# compute again for what was computed before, which it keeps after all, and
# computes micro-batches side by side. A step without barriers stays what it is.
CPU_OPTIONS = {'xla_disable_hlo_passes': 'cse_barrier_expander'}
# XLA's usual order of the work of a device is for several threads to share,
# where each device here has one: in an order by memory, what was just written
# is still in the cache for what reads it next. But that order does not see what
# barriers save, and would lose it.
BY_MEMORY = {'xla_cpu_scheduler_type': 'CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED'}

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, Metrics]]


def train_step(
  state: TrainState,
  batch: Batch,
  *,
  method: Method,
  schedule: optax.Schedule,
  accumulate: int = 1,
) -> tuple[TrainState, Metrics]:
  """The step as a pure function of global arrays, before `jit`.

  Args:
    state: The state after `state.step` steps.
    batch: The global batch.
    method: What is learned.
    schedule: The learning rate that `state.tx` uses, to be logged; where the
      state has a `plateau_scale`, that scales it, and the updates.
    accumulate: Micro-batches whose gradients are averaged for the one update
      (see `accumulation.gradients`).

  Returns:
    The next state, and metrics of the parameters *before* the update: `loss`,
    the method's own, `grad_norm` and `learning_rate`.
  """
  key = jax.random.fold_in(state.key, state.step)
  grads, metrics, kept = accumulation.gradients(
    state, batch, key, method=method, accumulate=accumulate
  )
  updates, opt_state = state.tx.update(grads, state.opt_state, state.params)
  rate = schedule(state.step)
  if (scale := state.plateau_scale) is not None:
    updates = jax.tree.map(lambda x: scale.astype(x.dtype) * x, updates)
    rate = scale * rate
  metrics = {
    **metrics,
    'grad_norm': optax.tree.norm(grads),
    'learning_rate': rate,
  }
  state = state.replace(
    step=state.step + 1,
    params=optax.apply_updates(state.params, updates),
    opt_state=opt_state,
    **kept,
  )
  if method.ema_decay is not None:
    state = state.replace(ema=_averaged(state, method.ema_decay))
  return method.after_update(state), metrics


def _averaged(state: TrainState, decay: float) -> Variables:
  """The moving average of the variables, after a step.

  Until the decay is reached it is the plain mean of all states so far, as in
  Mean Teacher (https://arxiv.org/abs/1703.01780): the first weights, which are
  random, would else be in it for 1 / (1 - decay) steps.
  """
  rate = jnp.maximum(1 - decay, 1 / (state.step + 1))
  return jax.tree.map(
    lambda old, new: old + rate.astype(old.dtype) * (new - old),
    state.ema,
    state.variables,
  )


def make_train_step(
  method: Method,
  schedule: optax.Schedule,
  mesh: jax.sharding.Mesh,
  *,
  accumulate: int = 1,
) -> TrainStep:
  """Compiles `train_step` over a mesh; the state is donated.

  It is global-batch code under `jit`: the loss with its negatives, BatchNorm's
  statistics and the gradients are those of the whole batch (or of each of
  `accumulate` micro-batches) on any number of devices, and XLA writes the
  collectives. The mesh is in context for an objective that divides its work by
  hand, as the block-wise NT-Xent does.
  """

  def step(state, batch):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      return train_step(
        state, batch, method=method, schedule=schedule, accumulate=accumulate
      )

  whole = sharding.replicated(mesh)
  return jax.jit(
    step,
    in_shardings=(whole, sharding.divided(mesh)),
    out_shardings=(whole, whole),
    donate_argnums=0,
    compiler_options=_options(method, mesh, accumulate),
  )


def _options(
  method: Method, mesh: jax.sharding.Mesh, accumulate: int
) -> dict[str, str] | None:
  """Of XLA, for a step."""
  if mesh.devices.flat[0].platform != 'cpu':
    return None
  encoder = getattr(method.model, 'encoder', method.model)
  has_barriers = accumulate > 1 or getattr(encoder, 'remat', False)
  return CPU_OPTIONS if has_barriers else CPU_OPTIONS | BY_MEMORY
