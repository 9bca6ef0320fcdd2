"""Labels alone: what every other way of learning has to beat.

  python launch.py --config=configs/supervised.py
  python launch.py --config=configs/supervised.py \\
    --config.data.labels_per_class=5
  python launch.py --config=configs/supervised.py --config.method.mixing=mixup
  python launch.py --config=configs/supervised.py:cifar100 --config.data.dir=DIR

`method.mixing` is none, mixup, cutmix or collage. The model that is best
on validation is the one that is tested. docs/methods.md has measured results.
The variants `cifar100`, `stl10`, `npz` and `folder` were not run at full length
here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='supervised',
    label_smoothing=0.1,
    head_init='zeros',
    **data_sets.mixing(),
    **data_sets.imbalance(),
  )
  config.batch_size = 32
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=0.0)
  config.schedule = data_sets.schedule(steps=800)
  # The encoder has seen the labels already: there is nothing to probe.
  config.evaluation.protocols = ()
  config.evaluation.every = 50
  if variant != 'digits':
    config.method.label_smoothing = 0.0
    config.batch_size = 128
    config.optimizer.update(name='sgd', learning_rate=0.1, weight_decay=5e-4)
    config.schedule = data_sets.schedule(epochs=200, warmup=5)
  return config
