"""Learning from few labels in JAX; `load` gives back what a run has learned."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from semisup_jax.experiments.learned import Learned


def load(workdir: 'str | os.PathLike') -> 'Learned':
  """Loads the encoder of a finished run and the linear classifier on it.

  Args:
    workdir: The run's folder, with model.npz and model.json.

  Returns:
    `(model, variables, class_names, embed, classify)`: `embed(images)` maps
    uint8 [N, H, W, C], of the run's H, W and C, to float32 [N, D], and
    `classify(images)` to calibrated probabilities, float32 [N, K]; it is None
    where the run has fitted no classifier to the embeddings. Its method
    `export(path)` writes the encoder for users of torch. See
    `semisup_jax.experiments.learned.Learned`.

  Raises:
    InputError: In one line, if there is no such run, if it is not finished, or
      if its files are damaged.
  """
  # What is heavy is imported once it is needed: --help needs none of it.
  from semisup_jax.experiments import learned

  return learned.load(workdir)
