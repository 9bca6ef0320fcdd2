"""Objectives that let no two features of an embedding say the same.

Both need the sum of the squares off the diagonal of a [dim, dim] matrix
`X' Y`, where X and Y are [batch, dim]. With fewer rows than dimensions it is
taken from two [batch, batch] Gram matrices instead, since

  ||X' Y||^2 = <X X', Y Y'>,

which is the same value for fewer operations and without the large matrix: 2
instead of 34 GFLOP and 268 MB less at batch 256 and dim 8192. The shapes
decide, so that a compiled program holds one of the two.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from semisup_jax.objectives.views import check_views, widen

# Added to a variance before its root: that of the authors' BatchNorm, and that
# of the authors' hinge on the standard deviation.
BARLOW_TWINS_EPSILON = 1e-5
VICREG_EPSILON = 1e-4


class BarlowTwinsTerms(NamedTuple):
  """The terms of `barlow_twins`, without weights.

  Attributes:
    invariance: Scalar, the sum over i of (1 - C_ii)^2.
    redundancy: Scalar, the sum over i != j of C_ij^2.
  """

  invariance: jax.Array
  redundancy: jax.Array


class VICRegTerms(NamedTuple):
  """The terms of `vicreg`, without weights.

  Attributes:
    invariance: Scalar, the mean squared difference of the views.
    variance: Scalar, what the features' standard deviations lack to 1.
    covariance: Scalar, the squared covariances of different features.
  """

  invariance: jax.Array
  variance: jax.Array
  covariance: jax.Array


def barlow_twins(
  z_a: jax.Array, z_b: jax.Array, *, redundancy_weight: float
) -> jax.Array:
  """Cross-correlation of two views, pulled to the identity.

  Zbontar et al. 2021, https://arxiv.org/abs/2103.03230, Eq. 1, with the biased
  standard deviation of the authors' code (BatchNorm without affine, eps 1e-5);
  the paper's pseudocode divides by the unbiased one and gives other values.

  Args:
    z_a: Projections of view A, float [batch, dim].
    z_b: Projections of view B of the same images, float [batch, dim].
    redundancy_weight: The paper's lambda, on the off-diagonal terms; the paper
      uses 0.0051 at dim 8192.

  Returns:
    Scalar, float32 or wider, summed over the [dim, dim] terms (so it grows
    with dim).

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim].
  """
  terms = barlow_twins_terms(z_a, z_b)
  return terms.invariance + redundancy_weight * terms.redundancy


def barlow_twins_terms(z_a: jax.Array, z_b: jax.Array) -> BarlowTwinsTerms:
  """The two terms of `barlow_twins`, to be weighted or logged.

  With the columns of both views standardised over the batch, C = Za' Zb / N.

  Args:
    z_a: Projections of view A, float [batch, dim].
    z_b: Projections of view B of the same images, float [batch, dim].

  Returns:
    Scalars, float32 or wider, sums over the entries of C.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim].
  """
  check_views(z_a, z_b, smallest_batch=2)
  z_a, z_b = (_standardised(z) for z in widen(z_a, z_b))
  diagonal = jnp.mean(z_a * z_b, axis=0)
  return BarlowTwinsTerms(
    invariance=jnp.sum(jnp.square(1 - diagonal)),
    redundancy=_off_diagonal_squares(z_a, z_b) / z_a.shape[0] ** 2,
  )


def vicreg(
  z_a: jax.Array,
  z_b: jax.Array,
  *,
  invariance_weight: float,
  variance_weight: float,
  covariance_weight: float,
) -> jax.Array:
  """Variance-invariance-covariance regularisation.

  Bardes et al. 2022, https://arxiv.org/abs/2105.04906, Eq. 6, as the authors'
  code averages, see `vicreg_terms`. The paper's equations differ from that by
  constant factors: weights from elsewhere may have to be converted.

  Args:
    z_a: Projections of view A, float [batch, dim].
    z_b: Projections of view B of the same images, float [batch, dim].
    invariance_weight: The paper's lambda, 25 there.
    variance_weight: The paper's mu, 25 there.
    covariance_weight: The paper's nu, 1 there.

  Returns:
    Scalar, float32 or wider, the weighted sum of the three terms.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim].
  """
  terms = vicreg_terms(z_a, z_b)
  return (
    invariance_weight * terms.invariance
    + variance_weight * terms.variance
    + covariance_weight * terms.covariance
  )


def vicreg_terms(z_a: jax.Array, z_b: jax.Array) -> VICRegTerms:
  """The three terms of `vicreg`, to be weighted or logged.

  * invariance: the mean of (z_a - z_b)^2 over all batch * dim entries;
  * variance: the mean over the features of max(0, 1 - sqrt(var + 1e-4)), with
    the unbiased variance, and the mean of that over the two views;
  * covariance: the sum over i != j of Cov_ij^2 / dim, unbiased, and the sum of
    that over the two views.

  Args:
    z_a: Projections of view A, float [batch, dim].
    z_b: Projections of view B of the same images, float [batch, dim].

  Returns:
    Scalars, float32 or wider.

  Raises:
    ValueError: If the shapes differ or are not [batch >= 2, dim].
  """
  check_views(z_a, z_b, smallest_batch=2)
  z_a, z_b = widen(z_a, z_b)
  invariance = jnp.mean(jnp.square(z_a - z_b))
  variance, covariance = 0.0, 0.0
  for z in (z_a, z_b):
    n, dim = z.shape
    z = _centred(z)
    variances = jnp.sum(jnp.square(z), axis=0) / (n - 1)
    deviations = jnp.sqrt(variances + VICREG_EPSILON)
    variance += jnp.mean(jax.nn.relu(1 - deviations)) / 2
    covariance += _off_diagonal_squares(z, z) / (n - 1) ** 2 / dim
  return VICRegTerms(invariance, variance, covariance)


def _centred(z: jax.Array) -> jax.Array:
  """Subtracts from every column its mean."""
  return z - jnp.mean(z, axis=0)


def _standardised(z: jax.Array) -> jax.Array:
  """BatchNorm without affine: columns of mean 0 and biased variance 1."""
  z = _centred(z)
  variances = jnp.mean(jnp.square(z), axis=0)
  return z * jax.lax.rsqrt(variances + BARLOW_TWINS_EPSILON)


def _off_diagonal_squares(x: jax.Array, y: jax.Array) -> jax.Array:
  """Sums the squares of `x' y` off its diagonal; x and y are [batch, dim].

  Through the Gram matrices the diagonal has to be subtracted. Centred columns
  leave `x' y` a rank below batch, so that with batch < dim much of its square
  lies off the diagonal and little is lost: the error is a few roundings of the
  whole sum, of which the diagonal makes up about batch / dim.
  """
  batch, dim = x.shape
  precision = jax.lax.Precision.HIGHEST
  if batch < dim:
    gram_x = jnp.matmul(x, x.T, precision=precision)
    gram_y = jnp.matmul(y, y.T, precision=precision)
    diagonal = jnp.sum(x * y, axis=0)
    return jnp.sum(gram_x * gram_y) - jnp.sum(jnp.square(diagonal))
  product = jnp.matmul(x.T, y, precision=precision)
  return jnp.sum(jnp.square(product), where=~jnp.eye(dim, dtype=bool))
