"""Pure losses on arrays of the global batch; one module a family."""

from semisup_jax.objectives.classification import soft_cross_entropy
from semisup_jax.objectives.contrastive import dcl, nt_xent

__all__ = ['dcl', 'nt_xent', 'soft_cross_entropy']
