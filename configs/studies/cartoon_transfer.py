"""From one set of pictures to another, the rate chosen on validation.

  python launch.py --config=configs/studies/cartoon_transfer.py
  python launch.py \\
    --config=configs/studies/cartoon_transfer.py:full_set_small \\
    --config.data.path=FOLDER
  python launch.py --config=configs/studies/cartoon_transfer.py:full_set \\
    --config.data.path=FOLDER --config.weights=resnet18.pth

A network learns the classes from scratch, or from an encoder that SimCLR or
Barlow Twins have pre-trained on the same images without labels, or from
published weights. That encoder stays frozen, is trained with the new head from
the first step on, or once the head is probed. SGD at each of `learning_rates`,
which do not change, for `epochs`; validation chooses the rate and the epoch,
and the one network that it has chosen is tested. Arms `_cosine` lower the rates
by a cosine, arms `_augmented` have the published augmentation and validation
part. A seed divides the images anew: it draws the test part, then validation.

`full_set` has 2,108 images of PACS cartoons to learn from and 236 to test on,
`few_shot` the other way round, with a ResNet-18 at 227 px; they were not run
here. `full_set_small` and `few_shot_small` have a narrow network at 64 px;
docs/results/cartoon_transfer.md and cartoon_transfer_few_shot.md have what came
of them, in 1 h 53 min and 52 min on two CPU cores.
`digits` shows it on the embedded digits, in 72 s. Without `weights` the arms
that begin with published weights are left out.
"""

from ml_collections import config_dict

from configs import barlow_twins, data_sets, simclr, untrained

# Of flip, affine, crop (200 of 227 px), sharpness and grey, as published; a
# crop is enlarged to the image's size, so that the network sees one size.
PUBLISHED = (
  'random_resized_crop(0.776, 0.776, ratio=(1.0, 1.0))'
  '|flip_left_right(0.1)|random_affine(10, (1.0, 1.0), 0, 0.0)'
  '|sharpness(1.0, 0.1)|grayscale(0.1)|normalize'
)


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = config_dict.ConfigDict()
  config.study = 'cartoon_transfer'
  config.variant = variant
  config.seeds = (42, 43, 44)
  config.report_split = 'test'
  config.tables = ('metrics', 'courses')
  # Arms that begin with `weights` are left out where it is not set.
  config.arms = tuple(ARMS)
  config.weights = data_sets.placeholder(str)
  config.modes = ('linear_probe', 'frozen', 'lp_ft', 'fine_tune')
  # Whether the images are PACS cartoons, divided as published: 'full_set' or
  # 'few_shot', whose numbers the page sets beside its own; '' for neither.
  config.published = ''
  config.data = config_dict.create(
    name='folder',
    path=data_sets.placeholder(str),
    image_size=data_sets.placeholder(int),
    title='PACS cartoons',
    test_fraction=0.25,
    validation_fraction=0.2,
    augmented_validation_fraction=0.3,
  )
  config.optimizer = data_sets.optimizer(name='sgd')
  config.learning_rates = (0.03, 0.01, 0.003, 0.001, 0.0001)
  config.epochs, config.batch_size, config.every = 50, 8, 211
  config.augmentation = PUBLISHED
  VARIANTS[variant](config)
  return config


def sweep(config):
  """Yields `(factors, config)` of each point, seed by seed."""
  if unknown := set(config.arms) - set(ARMS):
    raise ValueError(
      f'unknown arms {min(unknown, key=str)!r}; known: {", ".join(ARMS)}'
    )
  if 'scratch' not in config.arms:
    raise ValueError(
      f"arms {tuple(config.arms)} are without 'scratch', which the others are "
      'set beside; add it'
    )
  for seed in config.seeds:
    for arm in config.arms:
      if config.weights or not arm.startswith('weights'):
        yield {'arm': arm, 'seed': seed}, _point(config, arm, seed)


def _point(config, arm, seed):
  recipe, _, change = arm.rpartition('_')
  if arm in RECIPES:
    recipe, change = arm, ''
  point = RECIPES[recipe].get_config(config.recipe_variant)
  point.seed = seed
  point.report_split = config.report_split
  data = point.data
  for field in ('name', 'path', 'image_size', 'test_fraction'):
    data[field] = config.data[field]
  data.validation_fraction = config.data.validation_fraction
  data.test_seed = seed
  data.views = config.views
  point.model = config.model.copy_and_resolve_references()
  if recipe in ('simclr', 'barlow_twins'):
    point.optimizer = data_sets.optimizer(
      learning_rate=config.pretraining.learning_rate, weight_decay=1e-4
    )
    point.schedule = data_sets.schedule(
      steps=config.pretraining.steps, warmup=config.pretraining.steps / 10
    )
    point.batch_size = config.pretraining.batch_size
    point.method.update(config[recipe])
  # A point that is killed is run again.
  point.checkpoint.keep = 0
  _evaluation(point.evaluation, config)
  if recipe == 'weights':
    point.weights = config.weights
  point.evaluation.protocols = config.modes
  if recipe == 'scratch':
    point.evaluation.protocols = ('supervised',)
  elif change:
    point.evaluation.protocols = ('fine_tune',)
  point.evaluation.protocols_for_all = point.evaluation.protocols
  for name in ('fine_tune', 'supervised'):
    section = point.evaluation[name]
    if change == 'cosine':
      section.schedule.decay = 'cosine'
    elif change == 'augmented':
      section.augment = config.augmentation
      data.validation_fraction = config.data.augmented_validation_fraction
  return point


def _evaluation(section, config):
  section.labels_per_class = ('all',)
  for name in ('fine_tune', 'supervised'):
    own = section[name]
    own.update(
      batch_size=config.batch_size,
      augment='normalize',
      label_smoothing=0.0,
      head_init='xavier',
      every=config.every,
      learning_rates=config.learning_rates,
    )
    own.optimizer = config.optimizer.copy_and_resolve_references()
    own.schedule = data_sets.schedule(epochs=config.epochs, decay='constant')


RECIPES = {
  'scratch': untrained,
  'simclr': simclr,
  'barlow_twins': barlow_twins,
  'weights': untrained,
}
ARMS = (
  *('scratch', 'scratch_cosine', 'scratch_augmented'),
  *('simclr', 'barlow_twins'),
  *('weights', 'weights_cosine', 'weights_augmented'),
)


def _digits(config):
  """The embedded digits, most of them to test on."""
  config.recipe_variant = 'digits'
  config.seeds = (42,)
  config.data.update(name='digits', title='digits')
  config.data.test_fraction = 0.75
  config.learning_rates = (0.1, 0.01)
  config.epochs, config.batch_size, config.every = 10, 16, 25
  config.model = data_sets.base('digits').model
  config.model.update(width=16, strides=(2, 2))
  data = data_sets.base('digits').data
  config.views, config.augmentation = data.views, data.augment
  config.pretraining = config_dict.create(
    learning_rate=1e-2, batch_size=128, steps=200
  )
  config.simclr = config_dict.create()
  config.barlow_twins = config_dict.create()


def _cartoons(config):
  """ResNet-18 at 227 px."""
  config.recipe_variant = 'folder'
  config.data.image_size = 227
  base = data_sets.base('folder')
  config.model = base.model
  config.model.update(name='resnet18', width=64, stem='imagenet')
  config.views = (
    'random_resized_crop(0.2, 1.0)|flip_left_right'
    '|color_jitter(0.4, 0.4, 0.4, 0.1, p=0.8)|grayscale(0.2)|normalize'
  )
  config.pretraining = config_dict.create(
    learning_rate=1e-3, batch_size=256, steps=2000
  )
  config.simclr = config_dict.create()
  config.barlow_twins = config_dict.create()


def _small(config):
  """A narrow network at 64 px, for two CPU cores."""
  config.data.image_size = 64
  config.model = data_sets.base('digits').model
  config.model.update(width=16, strides=(2, 2, 2, 2))
  config.learning_rates = (0.03, 0.01, 0.003)
  config.pretraining = config_dict.create(
    learning_rate=3e-3, batch_size=128, steps=400
  )
  config.simclr = config_dict.create(projector_hidden=256, projector_output=64)
  config.barlow_twins = config_dict.create(
    projector_hidden=256, projector_output=256, projector_hidden_layers=1
  )


def _full_set(config):
  _cartoons(config)
  config.published = 'full_set'
  config.data.test_fraction = 236 / 2344


def _few_shot(config):
  _cartoons(config)
  config.published = 'few_shot'
  config.data.test_fraction = 2108 / 2344
  config.every = 24
  # As many as there are.
  config.pretraining.batch_size = 128


def _full_set_small(config):
  _full_set(config)
  _small(config)
  config.epochs, config.batch_size, config.every = 12, 16, 106


def _few_shot_small(config):
  _few_shot(config)
  _small(config)
  config.epochs, config.every = 30, 48


VARIANTS = {
  'digits': _digits,
  'full_set': _full_set,
  'few_shot': _few_shot,
  'full_set_small': _full_set_small,
  'few_shot_small': _few_shot_small,
}
