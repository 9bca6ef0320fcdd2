"""SimSiam without labels, then how far few labels go.

Chen and He 2021, https://arxiv.org/abs/2011.10566. The predictor's learning
rate falls with the others', where the authors hold it constant.

  python launch.py --config=configs/simsiam.py
  python launch.py --config=configs/simsiam.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/simsiam.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='simsiam',
    predictor_hidden=64,
    projector_hidden=128,
    projector_output=128,
    projector_hidden_layers=2,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.predictor_hidden = 512
    config.method.projector_hidden = 2048
    config.method.projector_output = 2048
    config.optimizer.update(name='sgd', learning_rate=0.06, weight_decay=5e-4)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
