"""Training a whole network on few labels, from any start, many times over."""

import contextlib
from collections.abc import Callable, Mapping

import jax
import numpy as np

from semisup_jax import data, training
from semisup_jax.evaluation.features import Forward
from semisup_jax.training import progress
from semisup_jax.types import Method, Variables


class Finetuner:
  """One recipe, compiled once, for any number of labelled sets.

  Fine-tuning and training from scratch are the same code: what differs is where
  the encoder starts, and the recipe. The model that is best on validation is
  kept.
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
      labels: int [T].
    """
    self._method = method
    self._forward = forward
    self._recipe = recipe
    self._mesh = mesh
    self._images = images
    self._labels = labels
    self._train_step = training.make_train_step(
      method, recipe.schedule, mesh, accumulate=recipe.accumulate
    )

  def __call__(
    self,
    rows: np.ndarray,
    validation: data.Dataset,
    *,
    seed: tuple[int, ...],
    encoder: Variables | None = None,
    bar: progress.Bar | None = None,
  ) -> training.TrainState:
    """Trains on some rows of the images.

    Args:
      rows: Which are labelled, int [M].
      validation: Chooses among the states that were looked at.
      seed: Of initialization, order and augmentation.
      encoder: The encoder's first variables (copied), or None for fresh ones.
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
    with contextlib.closing(stream):
      state = training.create_state(
        self._method,
        self._recipe.tx,
        jax.random.key(np.random.SeedSequence(seed).generate_state(1)[0]),
        {'labelled': stream.batch(0)},
        initial=encoder and {k: {'encoder': v} for k, v in encoder.items()},
        select=True,
      )
      return training.fit(
        training.everywhere(state, self._mesh),
        train_step=self._train_step,
        batch=lambda step: {'labelled': stream.batch(step)},
        steps=self._recipe.steps,
        evaluators={
          'classifier': accuracy_of(self._forward, validation, self._method)
        },
        evaluate_every=self._recipe.evaluate_every,
        select_by=('classifier', 'top1'),
        patience=self._recipe.patience,
        chosen=self._method.predict_variables,
        bar=bar,
      )


def accuracy_of(
  forward: Forward, dataset: data.Dataset, method: Method
) -> Callable[[training.TrainState], Mapping[str, float]]:
  """An evaluator: the share of `dataset` that a method's model gets right.

  It raises `training.NotFiniteError` on logits that are not finite: their
  argmax would be a class like any other.
  """

  def evaluate(state):
    logits = forward(method.predict_variables(state), dataset.images)
    if not np.isfinite(logits).all():
      raise training.NotFiniteError(
        f'the model of step {int(state.step)} gives logits that are not '
        'finite; a lower learning rate or clip_norm=1.0 may help'
      )
    predictions = logits.argmax(-1)
    return {'top1': float(np.mean(predictions == dataset.labels))}

  return evaluate
