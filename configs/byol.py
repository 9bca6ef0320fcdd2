"""BYOL without labels, then how far few labels go.

Grill et al. 2020, https://arxiv.org/abs/2006.07733. `target_decay` is what the
target network keeps of itself at first; it rises to 1.

  python launch.py --config=configs/byol.py
  python launch.py --config=configs/byol.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/byol.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='byol',
    target_decay=0.95,
    predictor_hidden=128,
    projector_hidden=128,
    projector_output=64,
    projector_hidden_layers=1,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.target_decay = 0.99
    config.method.predictor_hidden = 4096
    config.method.projector_hidden = 4096
    config.method.projector_output = 256
    config.optimizer.update(learning_rate=1e-3, weight_decay=1e-6)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
