"""What an experiment is, once its config has been checked."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from semisup_jax import evaluation
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.head import Head
from semisup_jax.experiments.ingredients import Ingredients


@dataclasses.dataclass(frozen=True)
class Measured:
  """What came out of an experiment.

  Attributes:
    outcomes: One for each model that was tested.
    embeddings: Of the encoder that is shown in the plane, and saved.
    views: Float [rows, columns, H, W, C] in [0, 1], images as they are learned
      from, the originals in the first column; None if nothing was learned.
    reconstructions: Float [2, N, H, W, C] in [0, 1], images and what a decoder
      makes of them; None where there is none.
    tables: For results.json, by name.
    notes: Sentences for the report.
    head: Of that encoder, where the run has trained it to classify; else its
      linear probe is what classifies, if there is one.
  """

  outcomes: Sequence[evaluation.Outcome]
  embeddings: Embeddings
  views: np.ndarray | None = None
  reconstructions: np.ndarray | None = None
  tables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  notes: Sequence[str] = ()
  head: Head | None = None


@dataclasses.dataclass(frozen=True)
class Job:
  """An experiment that can begin: nothing is compiled or written yet.

  Attributes:
    method: What the report calls it.
    plan: In words, what will be done.
    execute: `(workdir, console) -> Measured`; where it was begun before, it
      goes on.
    ingredients: What results are of, where it is not what `config.data` alone
      would be.
  """

  method: str
  plan: str
  execute: Callable[[pathlib.Path, Console], Measured]
  ingredients: Ingredients | None = None
