"""BatchNorm under shift, and SimCLR against labels alone.

  python launch.py --config=configs/studies/batch_norm_shift.py
  python launch.py --config.data.dir=DIR \\
    --config=configs/studies/batch_norm_shift.py:cifar100_small
  python launch.py --config=configs/studies/batch_norm_shift.py:cifar100 \\
    --config.data.dir=DIR --points=1/4
  python launch.py --config=configs/studies/batch_norm_shift.py:cifar100 \\
    --config.data.name=npz --config.data.path=FILE.npz

A classifier learns from a small labelled set (trainset1) or from a larger one
(trainset2), and is tested on images as they are and under shift, with
BatchNorm's statistics from training, from the test batch, mixed, measured anew,
or with scale and bias that follow the entropy. SimCLR learns from trainset2
without labels; its encoder is probed, and fine-tuned on trainset1.

`nested` says whether trainset1 lies inside trainset2. The strength of
`appearance` is the smallest tenth at which the classifier of trainset1, seed 0,
with the statistics of training falls below 3 % on validation (30 % of digits);
it was found before any test (docs/tuning.md).

`digits` takes under 3 minutes on two CPU cores, `cifar100_small`, a narrow
residual network, about two hours: docs/results/batch_norm_shift.md. `cifar100`,
ResNet-18 for an accelerator, was not run here.
"""

from ml_collections import config_dict

from configs import data_sets, simclr, supervised

MODES = (
  'source',
  'batch',
  'alpha',
  'ema',
  'recalibrated',
  'tent',
  'tent_continual',
)
TRAINSETS = ('trainset1', 'trainset2')
# Of CIFAR-100's training images: constants, so that seeds share programs.
MEAN, STD = (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = config_dict.ConfigDict()
  config.study = 'batch_norm_shift'
  config.variant = variant
  config.seeds = (0, 1, 2)
  config.arms = (*TRAINSETS, 'simclr')
  config.nested = True
  config.report_split = 'test'
  config.tables = (
    'batch_norm',
    'batch_norm_reliability',
    'batch_norm_invariance',
    'metrics',
  )
  # Of BatchNorm's running averages in training, beside the usual 0.9; tried on
  # trainset1.
  config.momenta = (0.5, 0.99)
  # Those of which more is tested: corruptions, images sorted by class, tent
  # that goes on, other momenta.
  config.thorough_seeds = (0, 1, 2)
  config.data = config_dict.create(
    name=data_sets.placeholder(str),
    path=data_sets.placeholder(str),
    dir=data_sets.placeholder(str),
  )
  VARIANTS[variant](config)
  return config


def sweep(config):
  """Yields `(factors, config)` of each point, seed by seed."""
  for seed in config.seeds:
    for arm in config.arms:
      yield _factors(arm, seed), _POINTS[arm](config, arm, seed)
    for momentum in config.momenta if seed in config.thorough_seeds else ():
      point = _labels_alone(config, 'trainset1', seed)
      point.model.batch_norm_momentum = momentum
      point.evaluation.batch_norm.modes = ('source', 'batch')
      point.evaluation.batch_norm.corruptions = ()
      yield _factors('trainset1', seed, momentum), point


def _factors(arm, seed, momentum=0.9):
  return {'arm': arm, 'momentum': momentum, 'seed': seed}


def _labels_alone(config, arm, seed):
  """Training on one of the two sets, and the test under shift."""
  point = supervised.get_config(config.base)
  _data(point, config, seed)
  small = arm == 'trainset1'
  point.data.labels_total = config.sizes[0 if small else 1]
  if not small and not config.nested:
    point.data.labels_skip = config.sizes[0]
  point.schedule.steps, point.schedule.epochs = config.steps[arm], None
  point.schedule.warmup = config.warmup
  point.optimizer.learning_rate = config.learning_rate
  point.evaluation.batch_norm.update(config.batch_norm)
  if seed not in config.thorough_seeds:
    section = point.evaluation.batch_norm
    section.corruptions, section.orders = (), ('iid',)
    section.modes = tuple(m for m in section.modes if m != 'tent_continual')
  return point


def _simclr(config, arm, seed):
  """Pre-training on trainset2 without labels, and trainset1's labels after."""
  point = simclr.get_config(config.base)
  _data(point, config, seed)
  point.data.labels_total, point.data.unlabelled_total = config.sizes
  point.data.unlabelled_includes_labelled = config.nested
  point.schedule.steps, point.schedule.epochs = config.steps[arm], None
  point.schedule.warmup = config.simclr.warmup
  point.batch_size = config.simclr.batch_size
  point.optimizer.learning_rate = config.simclr.learning_rate
  evaluation = point.evaluation
  evaluation.protocols = ('linear_probe', 'knn', 'fine_tune')
  evaluation.protocols_for_all = evaluation.protocols
  evaluation.labels_per_class = ('all',)
  evaluation.fine_tune.update(config.fine_tune)
  return point


def _data(point, config, seed):
  """What all points share."""
  point.seed = seed
  point.report_split = config.report_split
  for field, value in config.data.items():
    if value is not None:
      point.data[field] = value
  point.data.mean, point.data.std = config.mean, config.std
  point.data.labels_per_class = None
  point.model.update(config.model)
  point.evaluation.every = config.evaluate_every
  point.checkpoint.update(config.checkpoint)


_POINTS = {
  'trainset1': _labels_alone,
  'trainset2': _labels_alone,
  'simclr': _simclr,
}


def _digits(config):
  """The embedded digits: shows the effect in minutes."""
  config.base = 'digits'
  config.sizes = (100, 600)
  config.mean, config.std = (0.31,), (0.38,)
  config.model = config_dict.create(width=16)
  config.learning_rate, config.warmup = 1e-2, 0.0
  config.steps = {'trainset1': 300, 'trainset2': 300, 'simclr': 200}
  config.simclr = config_dict.create(
    batch_size=256, learning_rate=1e-2, warmup=20.0
  )
  config.evaluate_every = 100
  config.checkpoint = config_dict.create(keep=0)
  config.fine_tune = config_dict.ConfigDict()
  config.batch_norm = config_dict.create(
    modes=MODES[:-1],
    images=200,
    batch_sizes=(1, 4, 16, 64),
    shifts=('clean', 'appearance(0.9)', 'unnormalised_input'),
    corruptions=('gaussian_noise', 'defocus_blur', 'contrast'),
    severities=(5,),
    corruption_batch_size=64,
  )
  config.momenta = (0.99,)


def _cifar100(config):
  """ResNet-18, as published, on the whole test set."""
  config.base = 'cifar100'
  config.sizes = (5000, 25000)
  config.mean, config.std = MEAN, STD
  config.model = config_dict.ConfigDict()
  config.learning_rate, config.warmup = 0.1, 0.0
  config.steps = {'trainset1': 4000, 'trainset2': 20000, 'simclr': 9800}
  # 200 epochs of trainset2.
  config.simclr = config_dict.create(
    batch_size=512, learning_rate=0.6, warmup=490.0
  )
  config.evaluate_every = 2000
  config.checkpoint = config_dict.create(every=1000, keep=1)
  config.fine_tune = config_dict.create(batch_size=128, every=200)
  config.batch_norm = config_dict.create(
    modes=MODES,
    shifts=('clean', 'appearance(0.7)', 'unnormalised_input'),
    corruptions=('common', 'extra'),
    severities=(1, 2, 3, 4, 5),
  )


def _cifar100_small(config):
  """A narrow residual network, 2,000 test images under shift."""
  _cifar100(config)
  config.model = config_dict.create(
    name='convnet', width=32, strides=(2, 2, 2), dtype='float32'
  )
  config.steps = {'trainset1': 1200, 'trainset2': 2400, 'simclr': 600}
  config.simclr.update(batch_size=256, learning_rate=0.3, warmup=40.0)
  config.fine_tune = config_dict.create(
    batch_size=128,
    every=400,
    optimizer={'name': 'sgd', 'learning_rate': 0.1, 'weight_decay': 5e-4},
    schedule={'steps': 1200},
  )
  config.evaluate_every = 400
  config.momenta = (0.99,)
  config.thorough_seeds = (0,)
  config.batch_norm.update(
    images=2000,
    batch_sizes=(1, 4, 8, 16, 32, 128, 512),
    corruptions=('common',),
    severities=(1, 3, 5),
  )


VARIANTS = {
  'digits': _digits,
  'cifar100_small': _cifar100_small,
  'cifar100': _cifar100,
}
