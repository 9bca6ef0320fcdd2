"""Mean Teacher: few labels, and agreement with an average of oneself.

Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780. BatchNorm sees all
images of the student; the teacher, the moving average, is evaluated. Labelled
images are among the unlabelled ones, so that they have to agree as well.

  python launch.py --config=configs/mean_teacher.py
  python launch.py --config=configs/mean_teacher.py:cifar100 \\
    --config.data.dir=DIR
  python launch.py --config=configs/mean_teacher.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='mean_teacher',
    consistency_weight=10.0,
    ramp_up=0.4,
    unlabelled_ratio=3,
    ema_decay=0.99,
    batch_norm_images='all',
  )
  config.batch_size = 32
  config.data.labels_per_class = 5
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
    config.method.consistency_weight = 50.0
    config.method.update(unlabelled_ratio=7, ema_decay=0.999)
  return config
