"""One step of learning, for any method, on any number of devices."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from semisup_jax.training import sharding
from semisup_jax.training.state import TrainState
from semisup_jax.types import Batch, Method, Metrics, Variables

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, Metrics]]


def train_step(
  state: TrainState,
  batch: Batch,
  *,
  method: Method,
  schedule: optax.Schedule,
) -> tuple[TrainState, Metrics]:
  """The step as a pure function of global arrays, before `jit`.

  Args:
    state: The state after `state.step` steps.
    batch: The global batch.
    method: What is learned.
    schedule: The learning rate that `state.tx` uses, to be logged.

  Returns:
    The next state, and metrics of the parameters *before* the update: `loss`,
    the method's own, `grad_norm` and `learning_rate`.
  """
  key = jax.random.fold_in(state.key, state.step)
  value_and_grad = jax.value_and_grad(method.loss, has_aux=True)
  (loss, (metrics, batch_stats, method_state)), grads = value_and_grad(
    state.params, state, batch, key
  )
  updates, opt_state = state.tx.update(grads, state.opt_state, state.params)
  metrics = {
    'loss': loss,
    **metrics,
    'grad_norm': optax.tree.norm(grads),
    'learning_rate': schedule(state.step),
  }
  state = state.replace(
    step=state.step + 1,
    params=optax.apply_updates(state.params, updates),
    opt_state=opt_state,
    batch_stats=batch_stats,
    method_state=method_state,
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
  method: Method, schedule: optax.Schedule, mesh: jax.sharding.Mesh
) -> TrainStep:
  """Compiles `train_step` over a mesh; the state is donated.

  It is global-batch code under `jit`: the loss with its negatives, BatchNorm's
  statistics and the gradients are those of the whole batch on any number of
  devices, and XLA writes the collectives. The mesh is in context for an
  objective that divides its work by hand, as the block-wise NT-Xent does.
  """

  def step(state, batch):
    with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
      return train_step(state, batch, method=method, schedule=schedule)

  whole = sharding.replicated(mesh)
  return jax.jit(
    step,
    in_shardings=(whole, sharding.divided(mesh)),
    out_shardings=(whole, whole),
    donate_argnums=0,
  )
