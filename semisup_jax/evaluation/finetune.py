"""Training a whole network on few labels, from any start, many times over."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np

from semisup_jax import data, metrics, models, training
from semisup_jax.evaluation.courses import Course
from semisup_jax.evaluation.features import Forward
from semisup_jax.evaluation.linear_probe import LinearClassifier
from semisup_jax.training import progress
from semisup_jax.types import Batch, Method, Variables


class Finetuner:
  """One recipe, compiled once, for any number of labelled sets.

  Fine-tuning and training from scratch are the same code: what differs is where
  the network starts, the recipe, and what is learned in which phase. The model
  that is best on validation is kept.
  """

  def __init__(
    self,
    method: Method,
    forward: Forward,
    recipe: training.Recipe,
    *,
    mesh: jax.sharding.Mesh,
    images: np.ndarray | jax.Array | data.StoredImages,
    labels: np.ndarray,
    phases: Mapping[int, Method] | None = None,
  ):
    """Takes what all trainings share.

    Args:
      method: Learns from the stream `labelled`.
      forward: Logits of the method's model on images.
      recipe: How.
      mesh: Divides the batches.
      images: uint8 [T, H, W, C], of which each training uses some rows; placed
        once for all trainings (see `data.ResidentStream`). Of stored ones a
        batch is read by threads: no training is long enough for processes.
      labels: int [T], or [T, K] of several labels an image.
      phases: The methods that take turns, each by the step that it begins with,
        ascending from 0; they have the variables of `method`. Where a phase
        ends, validation is looked at too. None is `method` all the way.
    """
    self._method = method
    self._forward = forward
    self._recipe = recipe
    self._mesh = mesh
    self._images = images
    self._labels = labels
    self._train_steps = {
      start: training.make_train_step(
        learned, recipe.schedule, mesh, accumulate=recipe.accumulate
      )
      for start, learned in (phases or {0: method}).items()
    }

  def __call__(
    self,
    rows: np.ndarray,
    validation: data.Dataset,
    *,
    seed: tuple[int, ...],
    encoder: Variables | None = None,
    head: LinearClassifier | None = None,
    steps: int | None = None,
    log: training.MetricsLog | Course | None = None,
    bar: progress.Bar | None = None,
  ) -> training.TrainState:
    """Trains on some rows of the images.

    Args:
      rows: Which are labelled, int [M].
      validation: Chooses among the states that were looked at.
      seed: Of initialization, order and augmentation.
      encoder: The encoder's first variables (copied), or None for fresh ones.
      head: The classifier's, or None for fresh ones.
      steps: The step to stop after; None is the recipe's last.
      log: Takes the metrics of the way; None keeps none.
      bar: What shows the way.

    Returns:
      The last state; its `selection` has the best model.
    """
    stream = data.make_stream(
      self._images,
      self._labels,
      rows,
      batch_size=self._recipe.batch_size,
      seed=seed,
      sharding=training.divided(self._mesh),
    )
    look = score_of(
      self._forward,
      validation,
      self._method,
      (*self._recipe.select_by, 'nll'),
    )
    steps = steps or self._recipe.steps
    ends = [*self._train_steps, self._recipe.steps][1:]
    with contextlib.closing(stream):
      first = {'labelled': stream.batch(0)}
      state = self.start(first, rows, seed=seed, encoder=encoder, head=head)
      for end, train_step in zip(ends, self._train_steps.values(), strict=True):
        state = training.fit(
          state,
          train_step=train_step,
          batch=lambda step: {'labelled': stream.batch(step)},
          steps=min(end, steps),
          evaluators={'classifier': look},
          evaluate_every=self._recipe.evaluate_every,
          select_by=('classifier', *self._recipe.select_by),
          patience=self._recipe.patience,
          plateau=self._recipe.plateau,
          chosen=self._method.predict_variables,
          log=log,
          bar=bar,
        )
    return state

  def start(
    self,
    batch: Batch,
    rows: np.ndarray,
    *,
    seed: tuple[int, ...],
    encoder: Variables | None = None,
    head: LinearClassifier | None = None,
  ) -> training.TrainState:
    """The state before the first step; any `batch` will do, see `__call__`."""
    initial = {k: {'encoder': v} for k, v in (encoder or {}).items()}
    if head is not None:
      initial.setdefault('params', {})['head'] = models.head_params(*head)
    state = training.create_state(
      self._method,
      self._recipe.tx,
      jax.random.key(np.random.SeedSequence(seed).generate_state(1)[0]),
      batch,
      initial=initial or None,
      labels=self._labels[rows],
      # A phase ends with a look of its own.
      select=(
        self._recipe.looks + len(self._train_steps) - 1,
        len(self._recipe.select_by),
      ),
      plateau=self._recipe.plateau is not None,
    )
    return training.everywhere(state, self._mesh)


def score_of(
  forward: Forward,
  dataset: data.Dataset,
  method: Method,
  select_by: Sequence[str] = (),
) -> Callable[[training.TrainState], Mapping[str, float]]:
  """An evaluator: the primary metric of a method's model on `dataset`, and
  `select_by`, keys of `metrics.Scoring.selection`.

  It raises `training.NotFiniteError` on logits that are not finite: their
  argmax would be a class like any other.
  """
  scoring = metrics.scoring_of(dataset.labels)

  def evaluate(state):
    logits = forward(method.predict_variables(state), dataset.images)
    if not np.isfinite(logits).all():
      raise training.NotFiniteError(
        f'the model of step {int(state.step)} gives logits that are not '
        'finite; a lower learning rate or clip_norm=1.0 may help'
      )
    return {
      name: scoring.selection[name](logits, dataset.labels)
      for name in dict.fromkeys((scoring.primary, *select_by))
    }

  return evaluate
