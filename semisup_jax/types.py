"""Names for what flows between the layers.

Everything else in the package may import this module; it imports none of it.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

Params = Any  # A pytree of arrays, as Flax makes it.
Variables = Mapping[str, Any]  # {'params': ..., 'batch_stats': ...}
Metrics = dict[str, jax.Array]  # Scalars by name.

# A batch is a dict of named streams, `unlabelled` and `labelled`, each a dict
# of `image` (uint8 [N, H, W, C]), `label` (int32 [N], or [N, K] where an image
# has several labels; only in `labelled`) and `index` (int32 [N], the row in the
# data set). N is global: `batch_size` times the method's number for the stream.
Batch = dict[str, dict[str, jax.Array]]
DATA_AXIS = 'data'  # Of the mesh: what a batch is divided over.


class InputError(ValueError):
  """What a person asked for cannot be done; the message is one line.

  It says what was wrong, the value, and what would be right. The command line
  prints it and exits with status 2; any other exception is a defect of ours.
  """


def lookup(table: Mapping[str, Any], name: str, what: str) -> Any:
  """Returns `table[name]`, or fails with the list of known names.

  Args:
    table: What can be chosen, by name.
    name: The choice.
    what: What is being chosen, for the message: 'model', 'data set', ...

  Raises:
    InputError: If `name` is not in `table`.
  """
  if name not in table:
    known = ', '.join(sorted(table))
    raise InputError(f'unknown {what} {name!r}; known: {known}')
  return table[name]


def require(
  section: Mapping[str, Any], fields: Iterable[str], choice: str, name: str
) -> None:
  """Checks that a section of the config has the fields that a choice needs.

  Args:
    section: Of the config.
    fields: What the choice needs.
    choice: What was chosen, as 'model.name=resnet18'.
    name: Of the section.

  Raises:
    InputError: Naming the fields that are missing.
  """
  missing = [f'{name}.{field}' for field in fields if field not in section]
  if missing:
    raise InputError(
      f'{choice} needs {", ".join(missing)}, which this recipe does not have; '
      'choose a recipe or a variant that does'
    )


@dataclasses.dataclass(frozen=True)
class Task:
  """What a method is told of what it learns from.

  Attributes:
    num_classes: K.
    num_images: Images of the training part; every `index` is below it.
    num_unlabelled: How many of them are unlabelled.
    image_shape: Of each, (H, W, C).
    transform: Makes a string of ops, as a config has it, a function
      `(key, image) -> image`.
    steps: The length of the training, given the `streams` of a `Method`.
    multi_label: Whether an image has any number of the K labels: then `label`
      in a batch is int32 [N, K] of 0 and 1.
  """

  num_classes: int
  num_images: int
  num_unlabelled: int
  image_shape: tuple[int, int, int]
  transform: Callable[[str], Callable[[jax.Array, jax.Array], jax.Array]]
  steps: Callable[[Mapping[str, int]], int]
  multi_label: bool = False


@dataclasses.dataclass(frozen=True)
class Method:
  """A way of learning, as pure functions.

  Attributes:
    streams: The streams of a batch that `loss` reads, by name: how many images
      of each there are for every one of `batch_size`.
    model: The network that is evaluated: an encoder with a head.
    classifies: Whether the head's output are logits over the classes.
    init: `(key, batch) -> (variables, method_state)`.
    loss: `(params, state, batch, key) -> (loss, (metrics, batch_stats,
      method_state))`, the value and what the step carries on. `state` is the
      whole `TrainState` with its params still from before the update; gradients
      flow through `params` alone.
    after_update: `state -> state`, once the optimizer has moved the params,
      where the method keeps something that follows them.
    predict_variables: `state -> variables` of `model` that evaluation uses (raw
      or averaged weights, as the method documents).
    ops: The field of the section `data` with the string of ops that images are
      seen through: 'views' or 'augment'.
    state_of_labels: The labels that are learned from, int32 [M] or [M, K] on
      the host, to the first `method_state`; None where `init` gives it.
    ema_decay: What `state.ema` keeps of itself at each step, in [0, 1); None
      where a method has no averaged weights.
    after_initial: `(variables, method_state) -> method_state`, once others have
      taken the place of the first variables, as published weights do, where the
      method keeps something that begins as these.
  """

  streams: Mapping[str, int]
  model: Any
  classifies: bool
  init: Callable[[jax.Array, Batch], tuple[Variables, Any]]
  loss: Callable[..., tuple[jax.Array, tuple[Metrics, Any, Any]]]
  after_update: Callable[[Any], Any] = lambda state: state
  predict_variables: Callable[[Any], Variables] = lambda state: state.variables
  ops: str = 'views'
  state_of_labels: Callable[[Any], Any] | None = None
  ema_decay: float | None = None
  after_initial: Callable[[Variables, Any], Any] = (
    lambda variables, method_state: method_state
  )
