"""State, step and loop: how any method is trained."""

from semisup_jax.training import (
  allocation,
  checkpoint,
  cluster,
  compilation,
  hosts,
  interruption,
  loop,
  metrics_log,
  places,
  progress,
  recipe,
  sharding,
  state,
  step,
)

Checkpoints = checkpoint.Checkpoints
Interrupted = interruption.Interrupted
JoinError = cluster.JoinError
join = cluster.join
keep_compiled = compilation.kept
keep_freed_memory = allocation.keep_freed_memory
ElsewhereError = hosts.ElsewhereError
MetricsLog = metrics_log.MetricsLog
NotFiniteError = loop.NotFiniteError
Places = places.Places
Recipe = recipe.Recipe
Selection = state.Selection
StorageError = checkpoint.StorageError
TrainState = state.TrainState
create_state = state.create_state
deferred = interruption.deferred
digest = checkpoint.digest
divided = sharding.divided
everywhere = sharding.everywhere
fit = loop.fit
handled = interruption.handled
make_mesh = sharding.make_mesh
make_train_step = step.make_train_step
progress_bar = progress.bar
read_metrics = metrics_log.read_metrics
replicated = sharding.replicated
TrainStep = step.TrainStep
train_step = step.train_step
use_a_device_for_each_core = sharding.use_a_device_for_each_core
