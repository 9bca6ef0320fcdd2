"""Pure losses on arrays of the global batch; one module a family."""

from semisup_jax.objectives.classification import (
  balanced_class_weights,
  balanced_label_weights,
  sigmoid_cross_entropy,
  soft_cross_entropy,
)
from semisup_jax.objectives.consistency import pseudo_label, pseudo_label_terms
from semisup_jax.objectives.contrastive import dcl, nt_xent, sup_con
from semisup_jax.objectives.distillation import byol, simsiam
from semisup_jax.objectives.reconstruction import mean_squared_error, ssim
from semisup_jax.objectives.redundancy import (
  barlow_twins,
  barlow_twins_terms,
  vicreg,
  vicreg_terms,
)
from semisup_jax.objectives.targets import Target, target_of

__all__ = [
  'Target',
  'balanced_class_weights',
  'balanced_label_weights',
  'barlow_twins',
  'barlow_twins_terms',
  'byol',
  'dcl',
  'mean_squared_error',
  'nt_xent',
  'pseudo_label',
  'pseudo_label_terms',
  'sigmoid_cross_entropy',
  'simsiam',
  'soft_cross_entropy',
  'ssim',
  'sup_con',
  'target_of',
  'vicreg',
  'vicreg_terms',
]
