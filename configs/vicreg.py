"""VICReg without labels, then how far few labels go.

Bardes et al. 2022, https://arxiv.org/abs/2105.04906.

  python launch.py --config=configs/vicreg.py
  python launch.py --config=configs/vicreg.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/vicreg.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='vicreg',
    invariance_weight=25.0,
    variance_weight=25.0,
    covariance_weight=1.0,
    projector_hidden=256,
    projector_output=64,
    projector_hidden_layers=1,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.projector_hidden = 2048
    config.method.projector_output = 2048
    config.method.projector_hidden_layers = 2
    config.optimizer.update(learning_rate=1e-3, weight_decay=1e-6)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
