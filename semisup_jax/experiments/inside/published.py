"""A published classifier that can be looked into."""

import functools
import pathlib
from collections import Counter
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from semisup_jax import evaluation, models, visualize, weights
from semisup_jax.experiments.inside.network import Network, Seen, normalization
from semisup_jax.types import InputError, Variables, lookup

# Images that the network sees in one go.
BATCH = 64
NETWORKS = (
  *('resnet18', 'resnet34', 'resnet50'),
  *('squeezenet1_0', 'squeezenet1_1'),
)
# What `model` of a config leaves open.
TORCHVISION = MappingProxyType(
  {
    'stem': 'imagenet',
    'width': 64,
    'dtype': 'float32',
    'batch_norm_momentum': 0.9,
    'batch_norm_groups': 1,
    'remat': False,
  }
)


def of_weights(config: Any) -> Network:
  """The network that a config's `weights`, `model` and `classes` name.

  Args:
    config: The whole config.

  Raises:
    InputError: If they cannot be read, do not fit each other, or if
      `data.image_size` and `data.shorter_side` cannot be.
  """
  section = _section(config.model)
  found = weights.load_classifier(config.weights, models.make_encoder(section))
  names = _class_names(config, found.model.num_classes)
  shorter_side, size = _sizes(config.data, found.image_size)
  mean, std = weights.IMAGENET_MEAN, weights.IMAGENET_STD
  shape = (size, size, 3)
  normalize = normalization(mean, std, shape, jnp.float32)
  apply = functools.partial(found.model.apply, train=False)
  variables = jax.device_put(found.variables)
  return Network(
    name=config.model.name,
    method='published_classifier',
    classifier='The classifier is the one that was published with the '
    'weights; its probabilities are not calibrated.',
    class_names=names,
    multi_label=False,
    image_shape=shape,
    shorter_side=shorter_side,
    mean=np.array(mean),
    notes=(
      f'The shorter side of each image became {shorter_side} px; of that the '
      f'network sees the middle {size} px, normalized by the mean and the '
      'standard deviation of ImageNet.',
    ),
    see=_seeing(apply, normalize, variables),
    normalize=normalize,
    model=found.model,
    variables=variables,
    apply=apply,
  )


def _section(section: Any) -> dict[str, Any]:
  """The section `model`, of which what is None is torchvision's."""
  given = {name: x for name, x in section.items() if x is not None}
  if 'name' not in given:
    raise InputError(
      'model.name is not set; give the network that the weights are of, as '
      '--config.model.name=resnet18'
    )
  known = {name: models.FIELDS[name] for name in NETWORKS}
  fields = lookup(known, given['name'], 'model.name of published weights')
  for name in given.keys() - {'name', *fields}:
    raise InputError(
      f'model.{name}={given[name]} is nothing that {given["name"]} has; leave '
      'it out'
    )
  return {**TORCHVISION, **given}


def _class_names(config: Any, count: int) -> tuple[str, ...]:
  """The lines of `classes`; a name that several have gets its line's number.

  Of ImageNet's classes two are called crane, and two maillot.
  """
  if config.classes is None:
    raise InputError(
      f'classes is not set; give a text file with a line for each of the '
      f'{count:,} classes, as --config.classes=imagenet_classes.txt'
    )
  path = pathlib.Path(config.classes).expanduser()
  try:
    lines = [line.strip() for line in path.read_text('utf-8').splitlines()]
  except (OSError, ValueError) as error:
    why = getattr(error, 'strerror', None) or 'it is no text in UTF-8'
    raise InputError(f'classes: {path} cannot be read: {why}') from error
  if len(lines) != count:
    raise InputError(
      f'classes: {path} has {len(lines):,} lines, and the classifier in '
      f'{config.weights} has {count:,} classes; a line for each is needed, in '
      'their order'
    )
  times = Counter(lines)
  return tuple(
    f'{name} ({i})' if times[name] > 1 else name
    for i, name in enumerate(lines, 1)
  )


def _sizes(section: Any, image_size: int) -> tuple[int, int]:
  """The shorter side of images, and the side of what is cut out."""
  shorter, size = section.shorter_side, section.image_size
  shorter = weights.SHORTER_SIDE if shorter is None else shorter
  size = image_size if size is None else size
  if not 1 <= size <= shorter:
    raise InputError(
      f'data.image_size must be 1 to {shorter} px, which is '
      f'data.shorter_side; got {size}'
    )
  return shorter, size


def _seeing(
  apply: visualize.Network, normalize: Callable, variables: Variables
) -> Callable[[np.ndarray], Seen]:
  """What `Network.see` is: embeddings and probabilities of one pass."""

  @jax.jit
  def forward(variables, pixels):
    logits, features = apply(variables, normalize(pixels))
    return features['pooled'], jax.nn.softmax(logits)

  def see(pixels):
    # A power of two, so that few sizes are compiled.
    size = min(BATCH, 1 << (len(pixels) - 1).bit_length())
    seen = []
    for start in range(0, len(pixels), size):
      some = pixels[start : start + size]
      outputs = forward(variables, evaluation.padded(some, size))
      seen.append(Seen(*(np.asarray(x)[: len(some)] for x in outputs)))
    return Seen.joined(seen)

  return see
