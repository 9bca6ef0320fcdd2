"""Supervised contrastive learning, then how far few labels go.

Khosla et al. 2020, https://arxiv.org/abs/2004.11362. The encoder learns from
`data.labels_per_class` labels, all by default: what is fitted on few labels
afterwards has seen those too.

  python launch.py --config=configs/sup_con.py
  python launch.py --config=configs/sup_con.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/sup_con.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='sup_con',
    temperature=0.1,
    projector_hidden=128,
    projector_output=64,
    projector_hidden_layers=1,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.projector_hidden = 512
    config.method.projector_output = 128
    config.optimizer.update(name='sgd', learning_rate=0.5, weight_decay=1e-4)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
