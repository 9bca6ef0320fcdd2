"""What a part of the page is told, and what it gives."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from semisup_jax import visualize
from semisup_jax.experiments.inside.images import Images, LookedAt
from semisup_jax.experiments.inside.network import Network
from semisup_jax.reporting.inside import Judged, Said


@dataclasses.dataclass(frozen=True)
class Subject:
  """What each part is told.

  Attributes:
    config: The whole config, whose features and patch are no longer None.
    network: It.
    looked_at: The images.
    rows: Which of them are shown, int [M].
  """

  config: Any
  network: Network
  looked_at: LookedAt
  rows: np.ndarray

  @property
  def images(self) -> Images:
    """All of them."""
    return self.looked_at.images

  def said(self, rows: np.ndarray, k: int) -> list[Said]:
    """The k most probable classes of some images."""
    names, images = self.network.class_names, self.images
    found = visualize.top_classes(images.probabilities[rows], k)
    return [
      Said(
        images.names[row],
        images.truths[row],
        [names[label] for label in labels],
        shares.tolist(),
      )
      for row, labels, shares in zip(rows, *found, strict=True)
    ]


class Part(NamedTuple):
  """A part of the page.

  Attributes:
    numbers: For the file of numbers.
    arrays: For the file of arrays, by name.
    figure: Title, caption, and what draws it of `(figures, theme)`; None where
      there is nothing to show.
    left_out: Why there is nothing, as a sentence; empty where there is.
    said: See `reporting.inside.Inside`.
    judged: Likewise.
  """

  numbers: Any
  arrays: Mapping[str, np.ndarray] = MappingProxyType({})
  figure: tuple[str, str, Callable] | None = None
  left_out: str = ''
  said: Sequence[Said] = ()
  judged: Judged | None = None
