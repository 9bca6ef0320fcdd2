"""The linear probe: converged logistic regression on frozen embeddings."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from semisup_jax import metrics, training

# On the norm of the gradient, in float32.
TOLERANCE = 1e-5


class LinearClassifier(NamedTuple):
  """`logits = features @ kernel + bias`, kernel [D, K], bias [K]."""

  kernel: jax.Array | np.ndarray
  bias: jax.Array | np.ndarray


class Standardization(NamedTuple):
  """Mean and standard deviation of each feature, float [D]."""

  mean: np.ndarray
  std: np.ndarray

  def __call__(self, features: np.ndarray) -> np.ndarray:
    """Centres and scales features [N, D]; constant ones become 0."""
    return ((features - self.mean) / self.std).astype(np.float32)


def standardization(features: np.ndarray) -> Standardization:
  """Measures features [N, D]; no labels are needed for it.

  So it is measured on all unlabelled images: with one label a class, the
  labelled ones could not tell.
  """
  features = features.astype(np.float64)
  std = features.std(axis=0)
  return Standardization(features.mean(axis=0), np.where(std > 1e-6, std, 1.0))


@partial(jax.jit, static_argnames=('num_classes',))
def fit_linear(
  features: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
  l2: jax.Array,
  *,
  num_classes: int,
  tolerance: float = TOLERANCE,
  max_iterations: int = 1000,
) -> tuple[LinearClassifier, jax.Array]:
  """Multinomial logistic regression by L-BFGS, from zero.

  Minimizes `mean cross-entropy + l2 / 2 * |kernel|^2`, the bias not penalized:
  scikit-learn's `LogisticRegression(C=1 / (n * l2))`. Of several labels an
  image it is one such regression for each, against having it not: the sum of
  their cross-entropies.

  Args:
    features: float [N, D], standardized.
    labels: int [N], or 0 and 1 [N, K].
    weights: float [N], 1 for a row that counts and 0 for padding.
    l2: Scalar, positive: the minimum is then unique.
    num_classes: K.
    tolerance: On the gradient's norm.
    max_iterations: A bound, in case it is never reached.

  Returns:
    `(classifier, norm)`; the gradient's norm says how far it converged.
  """
  weights = weights / weights.sum()
  highest = jax.lax.Precision.HIGHEST

  def objective(classifier):
    logits = jnp.matmul(features, classifier.kernel, precision=highest)
    losses = _losses(logits + classifier.bias, labels)
    penalty = 0.5 * l2 * jnp.sum(classifier.kernel**2)
    return jnp.sum(weights * losses) + penalty

  solver = optax.lbfgs()
  value_and_grad = optax.value_and_grad_from_state(objective)

  def step(carry):
    classifier, state, _, count = carry
    value, grad = value_and_grad(classifier, state=state)
    updates, state = solver.update(
      grad, state, classifier, value=value, grad=grad, value_fn=objective
    )
    classifier = optax.apply_updates(classifier, updates)
    # The line search has already evaluated the new point.
    norm = optax.tree.norm(optax.tree.get(state, 'grad'))
    return classifier, state, norm, count + 1

  def unfinished(carry):
    _, _, norm, count = carry
    return (norm > tolerance) & (count < max_iterations)

  start = LinearClassifier(
    jnp.zeros((features.shape[1], num_classes), features.dtype),
    jnp.zeros(num_classes, features.dtype),
  )
  carry = (start, solver.init(start), jnp.inf, 0)
  classifier, _, norm, _ = jax.lax.while_loop(unfinished, step, carry)
  return classifier, norm


def _losses(logits: jax.Array, labels: jax.Array) -> jax.Array:
  """The cross-entropy of each row, float [N]; that of labels is a sum."""
  if labels.ndim == 2:
    return optax.sigmoid_binary_cross_entropy(logits, labels).sum(axis=-1)
  targets = jax.nn.one_hot(labels, logits.shape[-1])
  return optax.softmax_cross_entropy(logits, targets)


class Probe(NamedTuple):
  """A fitted probe, and what validation chose for it."""

  classifier: LinearClassifier
  l2: float
  gradient_norm: float

  def __call__(self, features: np.ndarray) -> np.ndarray:
    """Standardized features [N, D] to logits [N, K]."""
    kernel, bias = jax.device_get(self.classifier)
    return features @ kernel + bias


def unstandardized(
  classifier: LinearClassifier, standardize: Standardization
) -> LinearClassifier:
  """The same classifier, of features as the encoder gives them.

  Args:
    classifier: Of standardized features.
    standardize: How they were.

  Returns:
    Kernel and bias in float64: where a feature hardly varies, its weight is
    large, and so is what the bias takes away again.
  """
  kernel, bias = jax.device_get(classifier)
  kernel = kernel.astype(np.float64) / standardize.std[:, None]
  return LinearClassifier(kernel, bias - standardize.mean @ kernel)


def linear_probe(
  features: np.ndarray,
  labels: np.ndarray,
  validation_features: np.ndarray,
  validation_labels: np.ndarray,
  *,
  l2: Sequence[float],
  num_classes: int,
) -> Probe:
  """Fits a probe for each `l2` and keeps the best on validation.

  Best is the highest accuracy, or macro ROC-AUC of several labels an image, and
  among equals the lowest negative log-likelihood, since few validation images
  tie often.

  Args:
    features: Standardized, float [N, D].
    labels: int [N], or 0 and 1 [N, K].
    validation_features: Standardized, float [V, D].
    validation_labels: int [V] or [V, K].
    l2: What to choose from.
    num_classes: K.

  Raises:
    NotFiniteError: If the features are not finite.
  """
  # Padded to a power of two, as in kNN: few compilations for all draws.
  size = 1 << (len(features) - 1).bit_length()
  padding = size - len(features)
  padded = jnp.asarray(np.pad(features, ((0, padding), (0, 0))))
  of_rows = ((0, padding), (0, 0))[: labels.ndim]
  padded_labels = jnp.asarray(np.pad(labels, of_rows))
  weights = jnp.asarray(
    np.pad(np.ones(len(features), np.float32), (0, padding))
  )
  fits = [
    (
      strength,
      *fit_linear(
        padded, padded_labels, weights, strength, num_classes=num_classes
      ),
    )
    for strength in l2
  ]

  fits = [fit for fit in fits if np.isfinite(fit[2])]
  if not fits:
    raise training.NotFiniteError('no linear probe could be fitted')

  scoring = metrics.scoring_of(validation_labels)

  def quality(fit):
    _, (kernel, bias), _ = jax.device_get(fit)
    judged = validation_features @ kernel + bias, validation_labels
    return scoring.score(*judged), -scoring.loss(*judged)

  strength, classifier, norm = max(fits, key=quality)
  if norm > 100 * TOLERANCE:
    warnings.warn(
      f'a linear probe with l2={strength} stopped at a gradient of {norm:.1e}, '
      f'not {TOLERANCE}',
      stacklevel=2,
    )
  return Probe(classifier, float(strength), float(norm))
