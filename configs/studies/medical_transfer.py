"""Seven ways to transfer an encoder to few medical images.

  python launch.py --config=configs/studies/medical_transfer.py
  python launch.py --config=configs/studies/medical_transfer.py:pneumonia \\
    --config.data.path=pneumoniamnist.npz
  python launch.py \\
    --config=configs/studies/medical_transfer.py:chest_to_pneumonia \\
    --config.data.dir=FOLDER

An encoder learns without labels (autoencoder by squared error or SSIM, SimCLR,
Barlow Twins), by labels of other images (`labels`), or not at all (`random`).
Then few labelled images of the target make it a classifier. With that of
`main_arm` all `modes` are run, with the others `few_modes`; a seed has the same
labelled images in all of them, so that all differences are paired.

Without a `source` the encoder has learned from the target's own training
images, their labels hidden. With one, `labels` learns from `source_labels` of
each of its classes; and what the encoder of `judged_on_source` is worth there,
with as many labels, is measured too.

`digits` shows it on scenes made of the embedded digits, several in an image and
some of them rare: it learns the even ones, and is judged on the odd ones.
`pneumonia` has PneumoniaMNIST, `chest_to_pneumonia` ChestMNIST (any of its 14
findings or none) and PneumoniaMNIST; both in FOLDER, as MedMNIST names them.
`digits` took 3 min 18 s on two CPU cores, `pneumonia` 1 h 10 min there beside
other work: docs/results/medical_transfer.md. `chest_to_pneumonia` was not run
here.
"""

import pathlib

from ml_collections import config_dict

from configs import (
  autoencoder,
  barlow_twins,
  data_sets,
  simclr,
  supervised,
  untrained,
)


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = config_dict.ConfigDict()
  config.study = 'medical_transfer'
  config.variant = variant
  config.seeds = (0, 1, 2)
  config.report_split = 'test'
  config.tables = (
    *('metrics', 'per_class_recall', 'separability', 'reconstruction'),
  )
  config.modes = (
    *('linear_probe', 'frozen', 'partial', 'lp_ft', 'gradual', 'layerwise'),
    *('fine_tune', 'supervised'),
  )
  config.few_modes = ('linear_probe', 'lp_ft', 'fine_tune')
  config.draws = 5
  # Whether the data are MedMNIST's, of which there are published numbers; the
  # page sets them beside its own.
  config.published = True
  config.source, config.data = _data(), _data()
  # Their files in the folder `data.dir`, where they are not named by `path`.
  config.data.dir = data_sets.placeholder(str)
  config.files = config_dict.ConfigDict()
  # Labels of each class of the source, and whose encoder is judged there too.
  config.source_labels = data_sets.placeholder(int)
  config.judged_on_source = data_sets.placeholder(str)
  config.select_by = data_sets.placeholder(str)
  VARIANTS[variant](config)
  return config


def _data():
  """What of a data set the command line may say; without a name there is
  none."""
  return config_dict.create(
    name=data_sets.placeholder(str),
    path=data_sets.placeholder(str),
    classes=data_sets.placeholder(tuple),
    targets=data_sets.placeholder(str),
    # What the page calls it.
    title='',
  )


def sweep(config):
  """Yields `(factors, config)` of each point, seed by seed."""
  known = [arm for arm in ARMS if arm != 'labels' or config.source.name]
  if unknown := set(config.arms) - set(known):
    raise ValueError(
      f'unknown arms {min(unknown, key=str)!r}; known: {", ".join(known)}'
    )
  if config.main_arm not in config.arms:
    raise ValueError(
      f'main_arm must be one of arms, {", ".join(config.arms)}; got '
      f'{config.main_arm!r}'
    )
  for seed in config.seeds:
    for arm in config.arms:
      yield _point(config, arm, 'target', seed)
    if config.source.name and config.judged_on_source:
      yield _point(config, config.judged_on_source, 'source', seed)


def _point(config, arm, on, seed):
  recipe, fill = ARMS[arm]
  point = recipe.get_config(config.recipe_variant)
  point.seed = seed
  point.report_split = config.report_split
  point.data.update(augment=config.augment, views=config.views)
  if on == 'target' and config.source.name and arm != 'random':
    point = data_sets.transfer(point)
    _name(point.source, config, 'source')
  _name(point.data, config, 'source' if on == 'source' else 'data')
  point.model.update(config.model)
  if arm != 'random':
    point.optimizer = data_sets.optimizer(
      learning_rate=config.pretraining.learning_rate, weight_decay=1e-4
    )
    point.schedule = data_sets.schedule(
      steps=config.pretraining.steps, warmup=config.pretraining.warmup
    )
    point.batch_size = config.pretraining.batch_size
  fill(point, config)
  _evaluation(point.evaluation, config, arm, on)
  # A point that is killed is run again.
  point.checkpoint.keep = 0
  return {'arm': arm, 'on': on, 'seed': seed}, point


def _name(section, config, which):
  """Says what is in a section `source` or `data`: its file, classes, labels."""
  of, file = config[which], config.files.get(which)
  section.update(name=of.name, path=of.path, classes=of.classes)
  if of.targets:
    section.targets = of.targets
  section.image_size = None
  if file and of.path is None:
    if config.data.dir is None:
      raise ValueError(
        'data.dir is not set; give the folder of '
        f'{" and ".join(config.files.values())}: --config.data.dir='
      )
    section.path = str(pathlib.Path(config.data.dir) / file)


def _evaluation(section, config, arm, on):
  section.protocols = config.few_modes
  section.labels_per_class = config.labels_per_class
  if arm == config.main_arm:
    section.protocols = config.modes
  if on == 'source':
    section.protocols = ('fine_tune', 'supervised')
    section.labels_per_class = (config.source_labels,)
  section.draws = config.draws
  # Beside the output, which is that of the last stage, the one before it.
  section.features = (f'stage{len(config.model.strides) - 1}',)
  for name in ('fine_tune', 'supervised'):
    section[name].update(
      batch_size=32,
      augment=config.augment,
      label_smoothing=0.0,
      every=config.every,
      patience=config.patience,
      select_by=config.select_by,
    )
    section[name].optimizer.learning_rate = config.learning_rate
    section[name].schedule = data_sets.schedule(steps=config.steps)


def _labels(point, config):
  with point.source.ignore_type():  # Of a copy that said 'all'.
    point.source.labels_per_class = config.source_labels
  point.method.label_smoothing = 0.0
  # As few labels of the target are learned from.
  point.batch_size = 32
  point.optimizer.update(learning_rate=config.learning_rate, weight_decay=0.0)
  point.schedule = data_sets.schedule(steps=config.steps)


def _autoencoder(point, config, objective='mse'):
  # What is reconstructed is the view: without noise, and whole.
  section = point.source if 'source' in point else point.data
  section.views = config.whole_views
  point.method.update(
    objective=objective,
    ssim_window=config.ssim_window,
    decoder_width=config.model.width,
  )


def _autoencoder_ssim(point, config):
  _autoencoder(point, config, 'ssim')


def _as_it_is(point, config):
  del point, config


def _barlow_twins(point, config):
  point.method.update(
    projector_hidden=256, projector_output=256, projector_hidden_layers=1
  )


ARMS = {
  'labels': (supervised, _labels),
  'autoencoder': (autoencoder, _autoencoder),
  'autoencoder_ssim': (autoencoder, _autoencoder_ssim),
  'simclr': (simclr, _as_it_is),
  'barlow_twins': (barlow_twins, _barlow_twins),
  'random': (untrained, _as_it_is),
}


def _digits(config):
  """One half of the digits in scenes, and the other half."""
  config.published = False
  config.recipe_variant = 'digits'
  config.seeds = (0,)
  config.draws = 3
  config.arms = ('labels', 'autoencoder', 'simclr', 'random')
  config.main_arm = 'labels'
  config.judged_on_source = 'autoencoder'
  config.source.update(
    name='digit_scenes', classes=(0, 2, 4, 6, 8), title='scenes of even digits'
  )
  config.data.update(
    name='digit_scenes', classes=(1, 3, 5, 7, 9), title='scenes of odd digits'
  )
  config.source_labels = 40
  config.labels_per_class = (4, 16)
  config.metric = 'roc_auc'
  config.metrics = ('roc_auc', 'average_precision', 'macro_f1')
  config.model = config_dict.create(width=16, strides=(2, 2))
  config.ssim_window = 7
  config.augment = 'random_affine(5, (0.9, 1.1), 5, 0.04)|noise(0.05)|normalize'
  config.views = (
    'random_affine(15, (0.8, 1.2), 10, 0.08)'
    '|color_jitter(0.4, 0.4, 0.0, 0.0)|noise(0.1)|normalize'
  )
  config.whole_views = 'random_affine(5, (0.9, 1.1), 5, 0.04)|normalize'
  config.pretraining = config_dict.create(
    learning_rate=1e-2, batch_size=128, steps=200, warmup=20.0
  )
  config.learning_rate = 1e-2
  config.steps, config.every, config.patience = 200, 25, 4


def _pneumonia(config):
  """PneumoniaMNIST alone."""
  config.recipe_variant = 'npz'
  config.arms = (
    *('autoencoder', 'autoencoder_ssim', 'simclr', 'barlow_twins', 'random'),
  )
  config.main_arm = 'autoencoder_ssim'
  config.data.update(name='npz', title='PneumoniaMNIST')
  config.labels_per_class = (10, 25, 50, 150)
  config.metric = 'balanced_accuracy'
  config.metrics = ('top1', 'balanced_accuracy', 'roc_auc', 'average_precision')
  config.metrics += ('f1', 'macro_f1', 'sensitivity', 'specificity')
  config.select_by = 'balanced_accuracy'
  config.model = config_dict.create(width=16, strides=(2, 2, 2))
  config.ssim_window = 11
  config.augment = (
    'random_affine(10, (0.9, 1.1), 5, 0.06)'
    '|color_jitter(0.2, 0.2, 0.0, 0.0)|normalize'
  )
  config.views = (
    'random_resized_crop(0.4, 1.0)|flip_left_right'
    '|color_jitter(0.4, 0.4, 0.0, 0.0)|noise(0.05)|normalize'
  )
  config.whole_views = 'random_affine(10, (0.9, 1.1), 5, 0.06)|normalize'
  config.pretraining = config_dict.create(
    learning_rate=1e-2, batch_size=128, steps=400, warmup=40.0
  )
  config.learning_rate = 1e-3
  config.steps, config.every, config.patience = 200, 20, 5


def _chest_to_pneumonia(config):
  """From ChestMNIST to PneumoniaMNIST."""
  _pneumonia(config)
  config.arms = ('labels', 'autoencoder_ssim', 'simclr', 'random')
  config.judged_on_source = config.main_arm
  config.source.update(name='npz', targets='any_positive', title='ChestMNIST')
  config.files.update(source='chestmnist.npz', data='pneumoniamnist.npz')
  config.source_labels = 150


VARIANTS = {
  'digits': _digits,
  'pneumonia': _pneumonia,
  'chest_to_pneumonia': _chest_to_pneumonia,
}
