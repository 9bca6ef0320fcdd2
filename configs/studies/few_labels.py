"""Few labels on one data set, and what they are worth on another.

  python launch.py --config=configs/studies/few_labels.py
  python launch.py --config=configs/studies/few_labels.py:letters \\
    --config.source.path=mnist.npz --config.target.path=letters.npz
  python launch.py --config=configs/studies/few_labels.py:tfds \\
    --config.source.dir=DIR --config.target.dir=DIR

A convolutional extractor with a head for the classes of the source (the
"pretrainer") learns from k labelled images a class, as they are or mixed in
pairs by MixUp, collage or CutMix. Then the extractor is frozen, and a new head
(the "generalizer", logistic regression) learns the target from all its labels.

`equal` says what is the same at every k: `updates`, or `epochs`, of which the
largest k has as many updates in both. Controls: an extractor that has learned
from the target itself, a random one, and SimCLR's without labels. A seed draws
the k images, nested in k, the initial weights, the order and the mixing.

Another pair of data sets needs titles of its own, `source.title` and
`target.title`, and `published` as False. `digits` learns the digits 0 to 4, and
is judged on 5 to 9; it took 3 min 37 s on two CPU cores. `letters` took 33 min
there; docs/results/few_labels.md is its page. `tfds` was not run here.
"""

import functools

from ml_collections import config_dict

from configs import data_sets, simclr, supervised, untrained

# Arm: `method.mixing`.
MIXING = {
  'plain': 'none',
  'mixup': 'mixup',
  'collage': 'collage',
  'cutmix': 'cutmix',
}


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = config_dict.ConfigDict()
  config.study = 'few_labels'
  config.variant = variant
  config.seeds = (0, 1, 2, 3, 4)
  config.arms = tuple(MIXING)
  # Beside these: learning from the target itself and with equal epochs, both
  # as `plain`, a random extractor, and SimCLR.
  config.controls = ('same', 'epochs', 'random', 'simclr')
  config.labels_per_class = (1, 2, 4, 8, 16, 32, 64)
  config.report_split = 'test'
  config.tables = ('metrics', 'source')
  # Whether source and target are MNIST and letters, of which there are
  # published numbers; the page sets them beside its own.
  config.published = False
  config.source, config.target = _data(), _data()
  VARIANTS[variant](config)
  return config


def _data():
  """What of a data set the command line may say."""
  return config_dict.create(
    name='digits',
    path=data_sets.placeholder(str),
    dir=data_sets.placeholder(str),
    classes=data_sets.placeholder(tuple),
    # What the page calls it.
    title='',
  )


def sweep(config):
  """Yields `(factors, config)` of each point, seed by seed."""
  for field, known in (('arms', MIXING), ('controls', _CONTROLS)):
    if unknown := set(config[field]) - set(known):
      raise ValueError(
        f'unknown {field} {min(unknown, key=str)!r}; known: {", ".join(known)}'
      )
  if 'plain' not in config.arms:
    raise ValueError('arms must have plain, which the others are compared with')
  for field in ('source', 'target'):
    if config[field].name == 'npz' and config[field].path is None:
      raise ValueError(
        f'{field}.path is not set; give an .npz file: --config.{field}.path='
      )
  for seed in config.seeds:
    for arm in config.arms:
      yield _labelled(config, seed, arm)
    for control in config.controls:
      yield _CONTROLS[control](config, seed)


def _factors(arm, source, equal, seed):
  return {'arm': arm, 'source': source, 'equal': equal, 'seed': seed}


def _labelled(config, seed, arm='plain', source='other', equal='updates'):
  """The extractor learns from k labels a class, for each k."""
  point = data_sets.transfer(supervised.get_config('digits'))
  _fill(point, config, seed, source)
  point.method.update(
    label_smoothing=0.0, mixing=MIXING[arm], mixing_per='image'
  )
  point.source.augment = 'normalize'
  point.batch_size = config.batch_size
  point.optimizer.learning_rate = config.learning_rate
  point.transfer.labels_per_class = config.labels_per_class
  # A constant rate: else k would change its course where epochs are equal.
  point.schedule.decay = 'constant'
  if equal == 'updates':
    point.schedule.steps = config.steps
  else:
    point.schedule.steps, point.schedule.epochs = None, config.epochs
  return _factors(arm, source, equal, seed), point


def _simclr(config, seed):
  """The extractor learns from all images of the source, without labels."""
  point = data_sets.transfer(simclr.get_config('digits'))
  _fill(point, config, seed, 'other')
  point.schedule.update(steps=config.simclr.steps, warmup=config.simclr.warmup)
  point.batch_size = config.simclr.batch_size
  return _factors('simclr', 'other', 'updates', seed), point


def _random(config, seed):
  """The extractor as it is initialized."""
  point = untrained.get_config('digits')
  _fill(point, config, seed, None)
  return _factors('random', 'none', 'updates', seed), point


_CONTROLS = {
  'same': functools.partial(_labelled, source='same'),
  'epochs': functools.partial(_labelled, equal='epochs'),
  'random': _random,
  'simclr': _simclr,
}


def _fill(point, config, seed, source):
  """What all points share."""
  point.seed = seed
  point.report_split = config.report_split
  _name(point.data, config.target, config)
  if source is not None:
    of = config.target if source == 'same' else config.source
    _name(point.source, of, config)
  point.model.update(config.model)
  point.evaluation.protocols = ('linear_probe',)
  point.evaluation.labels_per_class = ('all',)
  # A point takes about a minute: one that is killed is run again.
  point.checkpoint.keep = 0


def _name(section, of, config):
  for field in ('name', 'path', 'dir', 'classes'):
    section[field] = of[field]
  # Constants, so that seeds share programs, and one scale for both data sets.
  section.mean, section.std = config.mean, config.std


def _digits(config):
  """One half of the embedded digits' classes, and the other."""
  config.source.update(classes=(0, 1, 2, 3, 4), title='digits 0 to 4')
  config.target.update(classes=(5, 6, 7, 8, 9), title='digits 5 to 9')
  config.labels_per_class = (1, 2, 4, 8, 16, 32)
  config.mean, config.std = (0.31,), (0.38,)
  config.model = config_dict.create(width=16)
  config.batch_size, config.learning_rate = 32, 3e-3
  config.steps, config.epochs = 100, 20.0
  config.simclr = config_dict.create(batch_size=256, steps=50, warmup=5.0)


def _letters(config):
  """MNIST, and handwritten letters, each in a file."""
  config.published = True
  config.source.update(name='npz', title='MNIST')
  config.target.update(
    name='npz', title='handwritten letters, a stand-in for EMNIST'
  )
  config.mean, config.std = (0.1307,), (0.3081,)
  config.model = config_dict.create(width=32, strides=(2, 2, 2))
  config.batch_size, config.learning_rate = 32, 1e-2
  config.steps, config.epochs = 200, 10.0
  config.simclr = config_dict.create(batch_size=256, steps=200, warmup=20.0)


def _tfds(config):
  """MNIST and EMNIST's letters, as TFDS prepares them."""
  _letters(config)
  config.source.update(name='tfds:mnist')
  config.target.update(name='tfds:emnist/letters', title='EMNIST letters')


VARIANTS = {'digits': _digits, 'letters': _letters, 'tfds': _tfds}
