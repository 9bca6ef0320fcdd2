"""Every method on one data set: which is worth its labels, and its time?

  python launch.py --config=configs/studies/methods.py
  python launch.py --config=configs/studies/methods.py --points 3/8
  python launch.py --config=configs/studies/methods.py --config.seeds=0,1

Each method is trained by its own recipe with 3 seeds, which change the
validation part, the labelled images, the initial weights and the views. What
learns without labels is judged by linear probe and kNN with 1, 5 and 20 labels
a class (5 draws each); what learns from few labels is trained with so many. The
floors are an encoder that was never trained, and the raw pixels. 102 runs, an
hour and a quarter on two CPU cores; docs/methods.md is the page. The variants
`cifar100` and `stl10` were not run at full length here.
"""

from ml_collections import config_dict

from configs import (
  autoencoder,
  barlow_twins,
  byol,
  data_sets,
  fixmatch,
  flexmatch,
  mean_teacher,
  self_training,
  simclr,
  simsiam,
  sup_con,
  supervised,
  untrained,
  vicreg,
)

# Recipe, and what is changed in it.
FLOORS = {
  'raw_pixels': (untrained, {'model.name': 'pixels'}),
  'random_encoder': (untrained, {}),
}
WITHOUT_LABELS = {
  'simclr': (simclr, {}),
  'dcl': (simclr, {'method.objective': 'dcl'}),
  'barlow_twins': (barlow_twins, {}),
  'vicreg': (vicreg, {}),
  'byol': (byol, {}),
  'simsiam': (simsiam, {}),
  'autoencoder': (autoencoder, {}),
}
ALL_LABELS = {'sup_con': (sup_con, {})}
FEW_LABELS = {
  'supervised': (supervised, {}),
  'mixup': (supervised, {'method.mixing': 'mixup'}),
  'cutmix': (supervised, {'method.mixing': 'cutmix'}),
  'collage': (supervised, {'method.mixing': 'collage'}),
  'self_training': (self_training, {}),
  'mean_teacher': (mean_teacher, {}),
  'fixmatch': (fixmatch, {}),
  'flexmatch': (flexmatch, {}),
}
RECIPES = {**FLOORS, **WITHOUT_LABELS, **ALL_LABELS, **FEW_LABELS}


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = config_dict.ConfigDict()
  config.study = 'methods'
  config.variant = variant
  config.seeds = (0, 1, 2)
  config.methods = tuple(RECIPES)
  config.labels_per_class = (1, 5, 20)
  config.draws = 5
  config.report_split = 'test'
  config.tables = ('pseudo_labels', 'representation')
  config.data = config_dict.create(
    path=data_sets.placeholder(str),
    dir=data_sets.placeholder(str),
    image_size=data_sets.placeholder(int),
  )
  data_sets.base(variant)  # Fails if there is no such variant.
  return config


def sweep(config):
  """Yields `(factors, config)` of each point; seed by seed, so that what is
  there before the end already compares all methods."""
  unknown = set(config.methods) - set(RECIPES)
  if unknown:
    known = ', '.join(RECIPES)
    first = min(unknown, key=str)
    raise ValueError(f'unknown method {first!r}; known: {known}')
  for seed in config.seeds:
    for name in config.methods:
      # Labels a class that the training itself sees.
      seen = (0,)
      if name in ALL_LABELS:
        seen = ('all',)
      elif name in FEW_LABELS:
        seen = config.labels_per_class
      for labels in seen:
        factors = {'method': name, 'labels': labels, 'seed': seed}
        yield factors, _point(config, **factors)


def _point(config, *, method, labels, seed):
  recipe, changes = RECIPES[method]
  point = recipe.get_config(config.variant)
  point.update_from_flattened_dict(changes)
  point.seed = seed
  point.report_split = config.report_split
  for field in ('path', 'dir', 'image_size'):
    point.data[field] = config.data[field]
  if method in FEW_LABELS:
    point.data.labels_per_class = labels
  else:
    point.evaluation.protocols = ('linear_probe', 'knn')
    point.evaluation.labels_per_class = config.labels_per_class
    point.evaluation.draws = config.draws
  if config.variant == 'digits':
    # Constants, so that all seeds share their compiled steps.
    point.data.mean, point.data.std = (0.31,), (0.38,)
    # A point takes about a minute: one that is killed is run again.
    point.checkpoint.keep = 0
  return point
