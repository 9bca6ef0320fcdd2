"""Pseudo-labels, offline: a teacher labels, and a student trains again.

In rounds, as Xie et al. 2020, https://arxiv.org/abs/1911.04252, with hard
labels and no noise but augmentation. `method`, `optimizer` and `schedule` are
the teacher's, `self_training.student` is the student's recipe.

  python launch.py --config=configs/self_training.py
  python launch.py --config=configs/self_training.py:cifar100 \\
    --config.data.dir=DIR
  python launch.py --config=configs/self_training.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.experiment = 'self_training'
  config.method = config_dict.create(
    name='supervised',
    label_smoothing=0.1,
    head_init='zeros',
    **data_sets.mixing(),
    **data_sets.imbalance(),
  )
  config.batch_size = 32
  config.data.labels_per_class = 5
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=0.0)
  config.schedule = data_sets.schedule(steps=800)
  config.evaluation.protocols = ()
  config.evaluation.every = 50
  config.self_training = config_dict.create(
    rounds=1,
    threshold=0.8,
    start='scratch',
    student=data_sets.labelled_training(
      batch_size=32,
      augment=config.data.augment,
      label_smoothing=0.1,
      every=50,
      optimizer=data_sets.optimizer(learning_rate=1e-2, weight_decay=0.0),
      schedule=data_sets.schedule(steps=800),
    ),
  )
  if variant != 'digits':
    config.batch_size = 128
    config.data.labels_per_class = 100
    config.method.label_smoothing = 0.0
    config.optimizer.update(name='sgd', learning_rate=0.1, weight_decay=5e-4)
    config.schedule = data_sets.schedule(steps=5_000, warmup=500)
    config.evaluation.every = 500
    config.self_training.threshold = 0.99
    student = config.self_training.student
    student.update(batch_size=128, label_smoothing=0.0, every=500)
    student.optimizer.update(name='sgd', learning_rate=0.1, weight_decay=5e-4)
    student.schedule = data_sets.schedule(steps=20_000, warmup=500)
  return config
