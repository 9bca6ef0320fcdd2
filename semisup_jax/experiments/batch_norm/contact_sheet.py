"""A few images under every shift, for the reader: contact_sheet.npz."""

import pathlib

import numpy as np

from semisup_jax.experiments.batch_norm.plan import Plan, orders_of
from semisup_jax.experiments.ingredients import Ingredients

NAME = 'contact_sheet.npz'
IMAGES = 3


def write_sheet(
  plan: Plan, ingredients: Ingredients, workdir: pathlib.Path
) -> None:
  """Writes it.

  Args:
    plan: Whose shifts.
    ingredients: Whose reported images.
    workdir: Where to.
  """
  chosen = plan.rows[orders_of(plan.rows)['iid'][:IMAGES]]
  images = ingredients.reported.images[chosen]
  highest = max((s.severity for s in plan.corruptions), default=None)
  shown = [s for s in plan.shifts if s.is_normalised]
  shown += [s for s in plan.corruptions if s.severity == highest]
  made = [shift(images, chosen, seed=plan.seed) for shift in shown]
  names = [
    s.name if s.severity is None else f'{s.name}, {s.severity}' for s in shown
  ]
  path = workdir / NAME
  np.savez_compressed(path, images=np.array(made), names=np.array(names, str))


def read_sheet(workdir: pathlib.Path) -> tuple[list[str], np.ndarray]:
  """What `write_sheet` wrote: names, and uint8 [shifts, N, H, W, C].

  Args:
    workdir: Of a run; where it wrote none, both are empty.
  """
  try:
    with np.load(workdir / NAME, allow_pickle=False) as sheet:
      return sheet['names'].tolist(), sheet['images']
  except FileNotFoundError:
    return [], np.zeros(0, np.uint8)
