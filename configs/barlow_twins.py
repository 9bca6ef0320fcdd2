"""Barlow Twins without labels, then how far few labels go.

Zbontar et al. 2021, https://arxiv.org/abs/2103.03230. The projector is 8192
wide for STL-10, as published.

  python launch.py --config=configs/barlow_twins.py
  python launch.py --config=configs/barlow_twins.py:cifar100 \\
    --config.data.dir=DIR
  python launch.py --config=configs/barlow_twins.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='barlow_twins',
    redundancy_weight=5e-3,
    projector_hidden=256,
    projector_output=256,
    projector_hidden_layers=1,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    width = 8192 if variant == 'stl10' else 2048
    config.method.projector_hidden = width
    config.method.projector_output = width
    config.method.projector_hidden_layers = 2
    config.optimizer.update(learning_rate=1e-3, weight_decay=1e-6)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
