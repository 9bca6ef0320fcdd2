"""Temporary memory of one training step, as XLA plans it; nothing is run.

  python -m benchmarks.step_memory

`configs/simclr.py` on one device, with what `docs/memory.md` is about.
"""

import jax

from configs import simclr
from semisup_jax import experiments, training
from semisup_jax.experiments import fitting, pretrain

CHANGES = (
  {},
  {'model.remat': True},
  {'optimizer.accumulate': 4},
  {'model.remat': True, 'optimizer.accumulate': 4},
  {'optimizer.accumulate': 16},
)


def mebibytes(changes: dict) -> float:
  """Of one step of the recipe with these fields changed."""
  config = simclr.get_config()
  config.update_from_flattened_dict(changes)
  ingredients, _ = experiments.prepare(config)
  method = pretrain.make_method(config, ingredients)
  recipe = fitting.plan(config, method, ingredients)
  mesh = training.make_mesh(config.batch_size, jax.devices()[:1])
  step = training.make_train_step(
    method, recipe.schedule, mesh, accumulate=recipe.accumulate
  )
  images = ingredients.splits.train.images[: config.batch_size]
  batch = {'unlabelled': {'image': images}}
  state = training.create_state(method, recipe.tx, jax.random.key(0), batch)
  compiled = step.lower(state, batch).compile()
  return compiled.memory_analysis().temp_size_in_bytes / 2**20


def main() -> None:
  """Prints one table."""
  print('| fields | MiB |\n| --- | --- |')
  for changes in CHANGES:
    fields = ', '.join(f'`{k}={v}`' for k, v in changes.items())
    print(f'| {fields or "as it is"} | {mebibytes(changes):.0f} |', flush=True)


if __name__ == '__main__':
  main()
