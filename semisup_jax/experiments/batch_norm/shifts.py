"""The test images as they are, and as they become under every shift."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax import augment
from semisup_jax.augment import corruptions
from semisup_jax.evaluation import batch_norm
from semisup_jax.types import InputError, lookup

CLEAN, UNNORMALISED = 'clean', 'unnormalised_input'
# Names that stand for several corruptions.
SUITES = {'common': corruptions.COMMON, 'extra': corruptions.EXTRA}
# Images that a device corrupts together: a core is fastest with one.
_AT_ONCE = {'cpu': 1}
_AT_ONCE_ELSEWHERE = 256
# Shifts of the look of a data set, written as ops are.
_LOOKS = {'appearance': augment.OPS['appearance']}


@dataclasses.dataclass(frozen=True)
class Shift:
  """What is done to test images.

  Attributes:
    name: As in the config, or the corruption's.
    severity: Of a corruption, 1 to 5; None of the others.
  """

  name: str
  severity: int | None = None

  @property
  def is_normalised(self) -> bool:
    """Whether a network is given what it was trained on."""
    return self.name != UNNORMALISED

  def scale(self, mean: np.ndarray, std: np.ndarray) -> batch_norm.Scale:
    """How pixels become input, of a data set with these statistics."""
    if self.is_normalised:
      return batch_norm.Scale(mean, std)
    return batch_norm.UNNORMALISED

  def __call__(
    self, images: np.ndarray, rows: np.ndarray, *, seed: int
  ) -> np.ndarray:
    """Changes images.

    Args:
      images: uint8 [N, H, W, C].
      rows: Each image's number in its data set, int [N]: what is drawn for an
        image depends on it, and not on the images beside it.
      seed: Of what is drawn.

    Returns:
      uint8 [N, H, W, C].
    """
    if self.severity is not None:
      return corruptions.corrupt_all(
        images,
        rows=rows,
        name=self.name,
        severity=self.severity,
        seed=seed,
        at_once=_AT_ONCE.get(jax.default_backend(), _AT_ONCE_ELSEWHERE),
      )
    if self.name in (CLEAN, UNNORMALISED):
      return images
    look = augment.parse(self.name, _LOOKS, image_shape=images.shape[1:])
    return np.asarray(_apply(look, images))


def _apply(look: augment.Transform, images: np.ndarray) -> jax.Array:
  """Applies what is not random, and rounds to the nearest level."""
  changed = jax.jit(lambda x: augment.preprocess(look, x))(images)
  return jnp.round(255 * changed).astype(jnp.uint8)


def make_shifts(
  names: Sequence[str], image_shape: tuple[int, int, int]
) -> list[Shift]:
  """The global shifts that a config names.

  Args:
    names: `clean`, `unnormalised_input`, or ops as `appearance(0.5)`.
    image_shape: [H, W, C].

  Raises:
    InputError: If one is unknown, or there twice.
  """
  for name in names:
    if name not in (CLEAN, UNNORMALISED):
      augment.parse(name, _LOOKS, image_shape=image_shape)
  check_once('shifts', names)
  return [Shift(name) for name in names]


def make_corruptions(
  names: Sequence[str], severities: Sequence[int], channels: int
) -> list[Shift]:
  """The corruptions that a config names, severity after severity.

  Args:
    names: Of corruptions, or `common`, the fifteen, and `extra`, the other
      four.
    severities: Each 1 to 5.
    channels: Of the images.

  Raises:
    InputError: If one is unknown, or there twice.
  """
  found = [c for name in names for c in SUITES.get(name, (name,))]
  for name in found:
    lookup(
      {**corruptions.CORRUPTIONS, **SUITES},
      name,
      'evaluation.batch_norm.corruptions',
    )
  if channels == 1 and 'saturate' in found:
    raise InputError(
      'the corruption saturate needs images with colour; these have 1 channel'
    )
  check_once('corruptions', found)
  check_once('severities', severities)
  if not set(severities) <= set(corruptions.SEVERITIES):
    raise InputError(
      'evaluation.batch_norm.severities must be among 1 to 5, got '
      f'{tuple(severities)}'
    )
  return [Shift(name, severity) for severity in severities for name in found]


def check_once(field: str, values: Sequence[Any]) -> None:
  """Fails if a field of `evaluation.batch_norm` names a value twice.

  Raises:
    InputError: If so.
  """
  if len(set(values)) < len(values):
    raise InputError(
      f'evaluation.batch_norm.{field} names one twice: {tuple(values)}'
    )
