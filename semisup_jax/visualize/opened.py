"""A network opened at one of its features, without a change to its code.

A model here returns `(output, features)`. What a feature was made of, and how
the output hangs on it, stands in what JAX traces of the model, its jaxpr: a
feature is one variable of that, and one equation gives it. So the jaxpr is cut
there. No module has to be named or rewritten, and what lies before the
non-linearity of a residual block, which is no module's output, is found as
well. A block that is computed again in the backward pass (`remat`) is one
equation, and cannot be looked into: build the network without that.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from semisup_jax.types import Variables

# `(variables, images) -> (output, features)`; images are normalized.
Network = Callable[
  [Variables, jax.Array], tuple[jax.Array, Mapping[str, jax.Array]]
]


class Activations(NamedTuple):
  """A feature of some images.

  Attributes:
    before: What its ReLU was given, float32 [N, ...]; None where the feature is
      not the ReLU of anything.
    after: The feature, float32 [N, ...].
  """

  before: np.ndarray | None
  after: np.ndarray


def map_features(
  network: Network, variables: Variables, images: jax.Array
) -> tuple[str, ...]:
  """The features that are maps, [N, h, w, F], in the network's order.

  Args:
    network: See `Network`.
    variables: Its variables, or their shapes.
    images: float [N, H, W, C], or their shape.
  """
  names = []

  def look(variables, images):
    output, features = network(variables, images)
    # Here, as JAX sorts what is returned.
    names.extend(name for name, value in features.items() if value.ndim == 4)
    return output

  jax.eval_shape(look, variables, images)
  return tuple(names)


def activations(
  network: Network, variables: Variables, images: jax.Array, feature: str
) -> Activations:
  """A feature of images, and what it was before its non-linearity.

  Args:
    network: See `Network`.
    variables: Its variables.
    images: float [N, H, W, C].
    feature: As the network names it.

  Raises:
    KeyError: If there is no such feature.
  """
  run = jax.jit(lambda *given: _open(network, feature, *given)[0])
  after, *made_of = (np.asarray(x, np.float32) for x in run(variables, images))
  # By its values: what equations are called is JAX's own business.
  before = (x for x in made_of if _is_relu(x, after))
  return Activations(next(before, None), after)


def grad_cam(
  network: Network,
  variables: Variables,
  images: jax.Array,
  feature: str,
  score: Callable[[jax.Array], jax.Array],
) -> np.ndarray:
  """Where in an image a feature speaks for a class.

  Grad-CAM, Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391, Eq. 1 and
  2: the ReLU of the sum of the feature's maps, each with the weight that is the
  mean over its pixels of the slope of the score. Where the score is linear in
  the maps' means, that is the class activation map over the number of pixels.

  Args:
    network: See `Network`; it must not mix images, as BatchNorm in training
      does.
    variables: Its variables.
    images: float [N, H, W, C].
    feature: The name of one that is a map, [N, h, w, F].
    score: The network's output [N, ...] to the class's logit of each, [N].

  Returns:
    float32 [N, h, w], at least 0, in units of the score.

  Raises:
    KeyError: If there is no such feature.
  """

  @jax.jit
  def maps(variables, images):
    (after, *_), output = _open(network, feature, variables, images)
    slopes = jax.grad(lambda x: jnp.sum(score(output(x))))(after)
    weights = slopes.astype(jnp.float32).mean(axis=(1, 2))
    after = after.astype(jnp.float32)
    return jax.nn.relu(jnp.einsum('nhwf,nf->nhw', after, weights))

  return np.asarray(maps(variables, images))


def enlarged(maps: np.ndarray, height: int, width: int) -> np.ndarray:
  """Maps float [N, h, w] as large as the images, bilinear, float32."""
  shape = len(maps), height, width
  return np.asarray(jax.image.resize(maps, shape, 'bilinear'), np.float32)


def _is_relu(before: np.ndarray, after: np.ndarray) -> bool:
  """Whether one is the ReLU of the other, and not merely the same.

  But for rounding: compiled, the two may have been computed apart.
  """
  apart = np.abs(np.maximum(before, 0) - after).max()
  return apart <= 1e-3 * np.abs(after).max() and before.min() < 0


def _open(
  network: Network, feature: str, variables: Variables, images: jax.Array
) -> tuple[list[jax.Array], Callable[[jax.Array], jax.Array]]:
  """Cuts a network in two.

  Returns:
    The feature, and after it what goes, in its shape, into the equation that
    gives it; and the network's output as a function of the feature.
  """

  def outputs(variables, images):
    output, features = network(variables, images)
    return output, features[feature]

  closed = jax.make_jaxpr(outputs)(variables, images)
  jaxpr, given = closed.jaxpr, jax.tree.leaves((variables, images))
  output, watched = jaxpr.outvars

  def run(*more, **changed):
    part = core.ClosedJaxpr(jaxpr.replace(**changed), closed.consts)
    return core.jaxpr_as_fun(part)(*given, *more)

  (maker,) = (e for e in jaxpr.eqns if watched in e.outvars)
  made_of = [
    x
    for x in maker.invars
    if isinstance(x, core.Var) and x.aval.shape == watched.aval.shape
  ]
  others = [e for e in jaxpr.eqns if e is not maker]
  return run(outvars=[watched, *made_of]), lambda value: run(
    value, invars=[*jaxpr.invars, watched], outvars=[output], eqns=others
  )[0]
