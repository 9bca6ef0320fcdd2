"""FixMatch: few labels, and surely predicted unlabelled images.

Sohn et al. 2020, https://arxiv.org/abs/2001.07685. `data.augment` has the weak
ops, `data.views` the strong ones. BatchNorm sees all images, labelled, weak and
strong; the moving average of the weights is evaluated. The learning rate falls
by a half cosine to 0, where the paper's ends at about a fifth.

  python launch.py --config=configs/fixmatch.py
  python launch.py --config=configs/fixmatch.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/fixmatch.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='fixmatch',
    threshold=0.8,
    lowest_threshold=data_sets.placeholder(float),
    unlabelled_ratio=3,
    unlabelled_weight=1.0,
    ema_decay=0.99,
    batch_norm_images='all',
  )
  config.batch_size = 32
  config.data.labels_per_class = 5
  config.data.views = data_sets.strong_views(variant)
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=0.0)
  config.schedule = data_sets.schedule(steps=800)
  # The encoder has seen the labels already: there is nothing to probe.
  config.evaluation.protocols = ()
  config.evaluation.every = 50
  if variant != 'digits':
    config.batch_size = 64
    config.data.labels_per_class = 100
    config.optimizer.update(name='sgd', learning_rate=0.03, weight_decay=1e-3)
    config.schedule = data_sets.schedule(steps=100_000)
    config.evaluation.every = 2000
    config.method.update(threshold=0.95, unlabelled_ratio=7, ema_decay=0.999)
  return config
