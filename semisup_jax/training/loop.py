"""The loop: steps, evaluators, checkpoints; it knows no method."""

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax import metrics as metrics_lib
from semisup_jax import optim
from semisup_jax.training import hosts, interruption, progress
from semisup_jax.training.checkpoint import Checkpoints
from semisup_jax.training.metrics_log import MetricsLog
from semisup_jax.training.state import TrainState, copy
from semisup_jax.training.step import TrainStep
from semisup_jax.types import Batch, Variables

Evaluator = Callable[[TrainState], Mapping[str, float]]

# Metrics are fetched this many steps late, so that the device need not wait.
FETCH_EVERY = 20


class NotFiniteError(RuntimeError):
  """The loss or a gradient became infinite or NaN; nothing after it is kept."""


def fit(
  state: TrainState,
  *,
  train_step: TrainStep,
  batch: Callable[[int], Batch],
  steps: int,
  evaluators: Mapping[str, Evaluator],
  evaluate_every: int,
  select_by: tuple[str, ...] | None = None,
  patience: int | None = None,
  plateau: optim.Plateau | None = None,
  chosen: Callable[[TrainState], Variables] = lambda state: state.variables,
  log: MetricsLog | None = None,
  checkpoints: Checkpoints | None = None,
  checkpoint_every: int = 0,
  bar: progress.Bar | None = None,
) -> TrainState:
  """Trains from `state.step` to `steps`, or until nothing gets better.

  A signal that asks to stop (see `interruption`) waits for the end of the step.

  Args:
    state: Where to start; it is donated, so do not use it again.
    train_step: `(state, batch) -> (state, metrics)`.
    batch: The batch of a step.
    steps: The step to stop after.
    evaluators: By name, functions of the state to metrics; they run after every
      `evaluate_every` steps and after the last, on the validation part.
    evaluate_every: In steps.
    select_by: `(evaluator, metric, ...)` that chooses what `state.selection`
      keeps, larger being better but for `metrics.LOWER_IS_BETTER`; of several
      metrics by the mean rank, see `_select`. None where it keeps nothing.
    patience: Stops after so many looks of which none was as good as the best
      before; None never stops early. It needs `select_by`.
    plateau: When the learning rate is lowered; it needs `select_by`, and a
      state that was created for it.
    chosen: The variables that it keeps: those that were evaluated.
    log: Where metrics go; None keeps none.
    checkpoints: Where states go; None keeps none.
    checkpoint_every: In steps; the last state is saved in any case.
    bar: What shows the way.

  Returns:
    The last state.

  Raises:
    NotFiniteError: Naming the step, and the newest checkpoint, which is from
      before it.
    StorageError: If a checkpoint cannot be saved.
    Interrupted: If a signal asked for it; the state is saved before.
  """
  bar = bar or progress.SilentBar()
  stale = _looks_in_vain(patience, evaluate_every)
  pending = []
  done, ended = int(state.step), stale(state)
  with interruption.deferred():
    while done < steps and not ended:
      state, metrics = train_step(state, batch(done))
      done += 1
      pending.append((done, metrics))
      signum = _signal(done)
      last = done == steps
      evaluate = last or done % evaluate_every == 0
      save = (
        last or signum or (checkpoint_every and not done % checkpoint_every)
      )
      if not (evaluate or save or len(pending) >= FETCH_EVERY):
        continue
      loss = _write(pending, log, checkpoints)
      bar.advance(len(pending), f'loss {loss:.3f}')
      pending = []
      if evaluate:
        results = _evaluate(state, done, evaluators, log)
        if select_by:
          evaluator, *by = select_by
          values = metrics_lib.selection_values(results[evaluator], by)
          state = _select(state, values, chosen(state))
          state = _lowered(state, plateau, evaluate_every)
          ended = stale(state)
      if log:
        log.flush()
      if checkpoints and (save or ended):
        checkpoints.save(state)
      if signum:
        raise interruption.Interrupted(signum, done if checkpoints else None)
  return state


def _signal(step: int) -> int:
  """The signal that asked the run to stop, in any process; 0 if none did.

  To ask each other the processes wait for their devices, so they do it seldom.
  """
  signum = interruption.received() or 0
  if jax.process_count() == 1:
    return signum
  return hosts.largest(signum) if step % FETCH_EVERY == 0 else 0


def _looks_in_vain(
  patience: int | None, every: int
) -> Callable[[TrainState], bool]:
  """Whether a state, looked at just now, is `patience` looks past the best.

  It is asked of the state alone, so that a run which is resumed after it has
  stopped early does not begin again.
  """
  if patience is None:
    return lambda state: False
  return lambda state: (
    int(state.step) >= max(int(state.selection.step), 0) + patience * every
  )


def _evaluate(state, step, evaluators, log) -> dict[str, Mapping[str, float]]:
  """Runs and logs the evaluators."""
  results = {name: run(state) for name, run in evaluators.items()}
  if log and results:
    named = {
      f'{name}_{metric}': value
      for name, values in results.items()
      for metric, value in values.items()
    }
    log.write(step, 'validation', named)
  return results


def _lowered(
  state: TrainState, plateau: optim.Plateau | None, every: int
) -> TrainState:
  """Lowers the rate of a state, looked at just now, that got no better."""
  if plateau is None:
    return state
  kept = state.selection
  since = max(int(kept.step), int(kept.plateau_step))
  if int(state.step) < since + plateau.patience * every:
    return state
  scale = max(plateau.factor * float(kept.plateau_scale), plateau.min_scale)
  return state.replace(
    selection=kept.replace(
      plateau_scale=jnp.full_like(kept.plateau_scale, scale),
      plateau_step=jnp.copy(state.step),
    )
  )


def _select(
  state: TrainState, values: np.ndarray, variables: Variables
) -> TrainState:
  """Keeps these variables if they are better; a tie keeps the later ones.

  Small validation parts tie often, and longer training then generalizes better
  than the first step that happened to reach the value.

  Better is what has the higher mean, over the metrics, of its rank among the
  looks so far: with one metric, the higher value. A model that was passed over
  is gone, so one that only later looks would rank first is not found.
  """
  kept = state.selection
  seen = np.asarray(kept.seen)
  look = int((seen > -np.inf).all(axis=1).sum())
  rank = metrics_lib.mean_ranks(np.vstack([seen[:look], values]))
  # Placed as the old ones are, in whichever processes that is.
  kept = kept.replace(seen=kept.seen.at[look].set(values))
  if int(kept.look) < 0 or rank[look] >= rank[int(kept.look)]:
    kept = kept.replace(
      look=jnp.full_like(kept.look, look),
      step=jnp.copy(state.step),
      variables=copy(variables),
    )
  return state.replace(selection=kept)


def _write(pending, log, checkpoints) -> float:
  """Fetches and logs metrics; returns the last loss."""
  loss = math.nan
  for step, metrics in jax.device_get(pending):
    metrics = {name: float(value) for name, value in metrics.items()}
    bad = [
      name for name in ('loss', 'grad_norm') if not math.isfinite(metrics[name])
    ]
    if log:
      log.write(step, 'train', metrics)
    if bad:
      if log:
        log.flush()
      kept = checkpoints.latest_step() if checkpoints else None
      raise NotFiniteError(
        f'{bad[0]} is {metrics[bad[0]]} at step {step}; '
        + (
          f'the last good checkpoint is that of step {kept}'
          if kept is not None
          else 'no checkpoint had been saved yet'
        )
        + '; a lower learning rate or clip_norm=1.0 (in another --workdir) may '
        'help'
      )
    loss = metrics['loss']
  return loss
