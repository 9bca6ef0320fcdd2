"""A classifier under shift, by where BatchNorm's statistics come from.

It answers for `evaluation.batch_norm` of a config. Source and recalibrated
predictions cannot depend on the test batch, so they are made once for a shift;
the other modes are measured for every order and size of the batch.
"""

from semisup_jax.experiments.batch_norm.contact_sheet import (
  read_sheet,
  write_sheet,
)
from semisup_jax.experiments.batch_norm.measuring import measure
from semisup_jax.experiments.batch_norm.plan import Plan, make_plan

__all__ = ['Plan', 'make_plan', 'measure', 'read_sheet', 'write_sheet']
