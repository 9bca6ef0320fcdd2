"""Labels alone, Barlow Twins and pseudo-labels, with one encoder.

  python launch.py --config=configs/studies/stl10.py
  python launch.py --config=configs/studies/stl10.py:folder \\
    --config.data.path=STL10 --config.data.folds=STL10/fold_indices.txt
  python launch.py --config=configs/studies/stl10.py:stl10 \\
    --config.data.dir=DIR

A ResNet-9 with dropout learns from labels alone; again with those that it gives
unlabelled images itself, where it is sure (pseudo-labels, at several ratios of
unlabelled to labelled images); by FixMatch; and without labels, by Barlow
Twins, whose encoder is judged frozen, is fine-tuned, and teaches by
pseudo-labels in turn. Every training has `steps` updates by Adam, that without
labels `pretraining_steps`; `longer` is labels alone with as many updates as
both, so that what comes of training longer is seen.

`labels` are those that are learned from; where they are all that is labelled
(`labelled`, or with `data.folds` `fold_size`), a tenth of them chooses instead,
otherwise other labelled images do. With `data.folds` seed s has fold s.
`few_labels` are learned from at the ratios `few_ratios`. Test images are never
unlabelled ones.

`digits` shows it on the embedded digits, in 4 minutes on two CPU cores.
`folder` is STL-10's labelled part at 48 px, of which 1,000 labels are known and
4,000 images are unlabelled, though their labels can judge the pseudo-labels; it
takes an hour on two cores with other work beside it (docs/results/stl10.md).
`stl10` is all of it at 96 px, as TFDS prepares it; it was not run to the end
here.
"""

from ml_collections import config_dict

from configs import (
  barlow_twins,
  data_sets,
  fixmatch,
  self_training,
  supervised,
)


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = config_dict.ConfigDict()
  config.study = 'stl10'
  config.variant = variant
  config.seeds = (0, 1, 2)
  config.arms = tuple(ARMS)
  config.report_split = 'test'
  config.tables = (
    *('metrics', 'per_class_recall', 'rounds'),
    *('pseudo_labels', 'pseudo_labels_by_class'),
  )
  # Whether the data are STL-10, of which there are published numbers; the page
  # sets them beside its own.
  config.published = True
  config.data = config_dict.create(
    path=data_sets.placeholder(str),
    dir=data_sets.placeholder(str),
    folds=data_sets.placeholder(str),
  )
  # The least confidence of the pseudo-labels of a trained model; FixMatch has
  # its own.
  config.threshold = 0.99
  config.learning_rate = 1e-3
  config.snapshots = 5
  # How many labelled images there are, and how many of a fold: as many `labels`
  # are all of them, and none of the others can choose.
  config.labelled = data_sets.placeholder(int)
  config.fold_size = data_sets.placeholder(int)
  VARIANTS[variant](config)
  return config


def sweep(config):
  """Yields `(factors, config)` of each point, seed by seed."""
  if unknown := set(config.arms) - set(ARMS):
    raise ValueError(
      f'unknown arms {min(unknown, key=str)!r}; known: {", ".join(ARMS)}'
    )
  for field in ('ratios', 'few_ratios'):
    if config[field] and min(config[field]) <= 0:
      raise ValueError(
        f'{field} must be positive (labels alone are an arm of their own), got '
        f'{tuple(config[field])}'
      )
  for seed in config.seeds:
    for arm in config.arms:
      for labels, ratio in _places(config, arm):
        factors = {'arm': arm, 'labels': labels, 'ratio': ratio, 'seed': seed}
        yield factors, _point(config, **factors)


def _places(config, arm):
  """The numbers of labels, and the ratios, at which an arm is run.

  Pseudo-labels at all, what learns from unlabelled images at the largest.
  """
  largest = max(config.ratios, default=1.0)
  main = {
    'supervised': (0.0,),
    'longer': (0.0,),
    'pseudo_labels': config.ratios,
  }.get(arm, (largest,))
  few = {'supervised': (0.0,), 'pseudo_labels': config.few_ratios}.get(arm, ())
  places = [(config.labels, ratio) for ratio in main]
  if config.few_ratios:
    places += [(config.few_labels, ratio) for ratio in few]
  return places


def _point(config, *, arm, labels, ratio, seed):
  recipe, fill = ARMS[arm]
  point = recipe.get_config(config.recipe_variant)
  point.seed = seed
  point.report_split = config.report_split
  _data(point, config, labels, ratio, seed)
  point.model.update(config.model)
  point.batch_size = config.batch_size
  point.optimizer = _adam(config)
  point.schedule = data_sets.schedule(steps=config.steps)
  point.evaluation.every = config.every
  point.evaluation.protocols = ()
  point.checkpoint.update(config.checkpoint)
  fill(point, config)
  return point


def _data(point, config, labels, ratio, seed):
  data = point.data
  for field in ('path', 'dir', 'folds'):
    data[field] = config.data[field]
  data.name, data.image_size = config.data_name, config.image_size
  # Constants, so that all seeds share their compiled steps.
  data.mean, data.std = config.mean, config.std
  data.augment = config.augment
  data.fold = seed if config.data.folds else 0
  data.validation_fraction = config.validation_fraction
  if labels == (config.fold_size if config.data.folds else config.labelled):
    data.labels_per_class, data.labels_total = 'all', None
  else:
    data.labels_per_class, data.labels_total = None, labels
  if ratio:
    data.unlabelled_includes_labelled = False
    data.unlabelled_total = round(ratio * labels)


def _adam(config):
  return data_sets.optimizer(
    learning_rate=config.learning_rate, weight_decay=0.0
  )


def _labelled(config, **fields):
  """The recipe of every training on labels."""
  return data_sets.labelled_training(
    **fields,
    batch_size=config.batch_size,
    augment=config.augment,
    every=config.every,
    optimizer=_adam(config),
    schedule=data_sets.schedule(steps=config.steps),
  )


def _supervised(point, config):
  point.method.label_smoothing = 0.0


def _longer(point, config):
  _supervised(point, config)
  point.schedule.steps = config.pretraining_steps + config.steps


def _pseudo_labels(point, config):
  _supervised(point, config)
  point.self_training.threshold = config.threshold
  point.self_training.student = _labelled(config)


def _fixmatch(point, config):
  point.data.views = config.strong_views
  point.method.update(config.fixmatch)
  point.batch_size = config.fixmatch_batch_size


def _barlow_twins(point, config):
  """Pre-trained, fine-tuned, and the teacher of a student."""
  point.experiment = 'self_training'
  template = self_training.get_config(config.recipe_variant)
  point.self_training = template.self_training
  point.self_training.threshold = config.threshold
  point.self_training.student = _labelled(config)
  point.data.views = config.views
  # Images whose labels are known are among those without, as in the
  # published run: it has no reason to leave them out.
  point.data.unlabelled_includes_labelled = True
  point.data.unlabelled_total = None
  point.method.update(config.barlow_twins)
  point.batch_size = config.pretraining_batch_size
  point.schedule = data_sets.schedule(steps=config.pretraining_steps)
  point.evaluation.update(
    protocols=('linear_probe', 'knn'),
    labels_per_class=('all',),
    snapshots=config.snapshots,
    every=config.pretraining_steps // 10,
  )
  point.evaluation.fine_tune = _labelled(config, **data_sets.choice())


ARMS = {
  'supervised': (supervised, _supervised),
  'longer': (supervised, _longer),
  'pseudo_labels': (self_training, _pseudo_labels),
  'fixmatch': (fixmatch, _fixmatch),
  'barlow_twins': (barlow_twins, _barlow_twins),
}


def _digits(config):
  config.published = False
  config.recipe_variant = config.data_name = 'digits'
  config.image_size = data_sets.placeholder(int)
  config.labels = 50
  config.ratios = (1.0, 10.0)
  config.few_labels, config.few_ratios = 20, (10.0,)
  config.validation_fraction = 0.2
  config.mean, config.std = (0.31,), (0.38,)
  config.model = data_sets.resnet9(width=8, dropout=0.2, dtype='float32')
  digits = data_sets.base('digits').data
  config.augment, config.views = digits.augment, digits.views
  config.strong_views = data_sets.strong_views('digits')
  config.batch_size, config.steps, config.every = 32, 200, 50
  config.learning_rate = 3e-3
  config.pretraining_batch_size, config.pretraining_steps = 128, 200
  config.fixmatch_batch_size = 32
  config.fixmatch = config_dict.create(threshold=0.8, unlabelled_ratio=3)
  config.barlow_twins = config_dict.create(
    projector_hidden=256, projector_output=256, projector_hidden_layers=1
  )
  # A point takes seconds: one that is killed is run again.
  config.checkpoint = config_dict.create(keep=0)


def _stl10(config):
  """What STL-10 has at any size, with the settings of the accelerator."""
  config.recipe_variant = 'stl10'
  config.data_name = 'tfds:stl10'
  config.image_size = data_sets.placeholder(int)
  config.labels = config.labelled = 5000
  config.fold_size = 1000
  config.ratios = (0.4, 1.0, 2.0, 10.0)
  config.few_labels, config.few_ratios = 1000, (10.0,)
  config.validation_fraction = 0.1
  config.mean, config.std = (0.447, 0.440, 0.407), (0.260, 0.257, 0.271)
  config.model = data_sets.resnet9(width=64, dropout=0.2, dtype='bfloat16')
  config.augment = 'random_crop(12)|flip_left_right|normalize'
  base = data_sets.base('stl10').data
  config.views = base.views
  config.strong_views = data_sets.strong_views('stl10')
  config.batch_size, config.steps, config.every = 128, 2000, 200
  config.pretraining_batch_size, config.pretraining_steps = 256, 4000
  config.fixmatch_batch_size = 64
  config.fixmatch = config_dict.create(threshold=0.95, unlabelled_ratio=3)
  config.barlow_twins = config_dict.create(
    projector_hidden=8192, projector_output=8192, projector_hidden_layers=2
  )
  config.checkpoint = config_dict.create(every=500, keep=1)


def _folder(config):
  """The labelled part in a folder, at 48 px, for two CPU cores."""
  _stl10(config)
  config.recipe_variant = config.data_name = 'folder'
  config.image_size = 48
  config.labels = 1000
  config.ratios = (0.4, 1.0, 2.0, 4.0)
  config.few_labels, config.few_ratios = 400, (10.0,)
  config.model.update(width=8, dtype='float32')
  config.augment = 'flip_left_right|normalize'
  config.batch_size, config.steps, config.every = 32, 400, 80
  config.threshold, config.learning_rate = 0.6, 2e-3
  config.pretraining_batch_size, config.pretraining_steps = 128, 400
  config.fixmatch_batch_size = 32
  config.fixmatch.update(threshold=0.8, unlabelled_ratio=2)
  config.barlow_twins.update(projector_hidden=1024, projector_output=1024)
  config.checkpoint = config_dict.create(keep=0)


VARIANTS = {'digits': _digits, 'folder': _folder, 'stl10': _stl10}
