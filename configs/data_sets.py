"""What recipes share: the data set's sections, and how an encoder is judged.

`base(variant)` is a config without a method, an optimizer and a duration; a
recipe adds these. The numbers of the `digits` variant were chosen on validation
(docs/tuning.md).
"""

import copy

from ml_collections import config_dict

ConfigDict = config_dict.ConfigDict


def placeholder(kind):
  """A field that may be None."""
  return config_dict.placeholder(kind)


def schedule(**fields) -> ConfigDict:
  """A duration (one of steps, epochs, examples) and the course of the rate.

  `warmup` is in the duration's own unit; `milestones` (shares of the whole) and
  `factor` belong to decay='step'; `factor`, `patience` (looks at validation)
  and `min_scale` (the least share of the rate) to decay='plateau'.
  """
  section = ConfigDict()
  section.steps = placeholder(int)
  section.epochs = placeholder(float)
  section.examples = placeholder(int)
  section.warmup = 0.0
  section.decay = 'cosine'
  section.milestones = placeholder(tuple)
  section.factor = placeholder(float)
  section.patience = placeholder(int)
  section.min_scale = placeholder(float)
  section.update(fields)
  return section


def optimizer(**fields) -> ConfigDict:
  """Optimizer fields; `momentum` is AdamW's b1."""
  section = ConfigDict()
  section.name = 'adamw'
  section.learning_rate = 1e-3
  section.weight_decay = 0.0
  section.momentum = 0.9
  section.clip_norm = placeholder(float)
  # Micro-batches of batch_size / accumulate images, whose gradients are
  # averaged for one update. A contrastive loss gets no more negatives by it
  # (docs/memory.md).
  section.accumulate = 1
  section.update(fields)
  return section


def mixing(**fields) -> dict:
  """How labelled images are mixed: none, mixup, cutmix or collage.

  The share that is kept is drawn from Beta(alpha, alpha), one a batch or one an
  image.
  """
  return {
    'mixing': 'none',
    'mixing_alpha': 1.0,
    'mixing_per': 'batch',
    **fields,
  }


def imbalance(**fields) -> dict:
  """How the loss meets rare classes: none or balanced weights, and the focal
  loss's gamma, 0 for the cross-entropy (docs/imbalance.md)."""
  return {'class_weights': 'none', 'focal_gamma': 0.0, **fields}


def choice() -> dict:
  """Learning rates of which validation chooses one, none being the optimizer's
  alone; and the folds by which they and the length are chosen among the
  labelled images in its stead, 0 for none (docs/fine_tuning.md)."""
  return {'learning_rates': (), 'cross_validation': 0}


def batch_norm() -> ConfigDict:
  """How a classifier is tested under shift, by where BatchNorm's statistics
  come from; no mode, no test (docs/batch_norm.md)."""
  section = ConfigDict()
  section.modes = ()
  section.alpha_priors = (1, 4, 16, 64)
  section.ema_momenta = (0.9,)
  section.tent_learning_rate = 1e-3
  section.batch_sizes = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
  section.orders = ('iid', 'sorted')
  section.shifts = ('clean', 'appearance(0.5)', 'unnormalised_input')
  section.corruptions = ()
  section.severities = (1, 3, 5)
  section.corruption_batch_size = 200
  section.images = placeholder(int)
  return section


def labelled_training(**fields) -> ConfigDict:
  """A recipe for training a whole network on few labels."""
  section = ConfigDict()
  section.batch_size = 64
  section.augment = 'normalize'
  section.label_smoothing = 0.0
  # Weights of a new classifier: zeros, or xavier's uniform ones.
  section.head_init = 'zeros'
  section.update(mixing())
  section.update(imbalance())
  section.every = 20
  section.patience = placeholder(int)
  section.select_by = placeholder(str)
  section.optimizer = optimizer()
  section.schedule = schedule(steps=100)
  for name, value in fields.items():
    section[name] = value
  return section


def base(variant: str) -> ConfigDict:
  """The sections data, model, evaluation and checkpoint of a variant."""
  if variant not in VARIANTS:
    known = ', '.join(sorted(VARIANTS))
    raise ValueError(f'unknown variant {variant!r}; known: {known}')
  config = ConfigDict()
  config.seed = 0
  config.batch_size = 256
  config.experiment = 'pretrain'
  config.report_split = 'test'
  # A file of published weights that the encoder begins with; None begins at
  # random (docs/published_weights.md).
  config.weights = placeholder(str)

  config.data = data = ConfigDict()
  data.name = variant
  data.path = placeholder(str)
  data.dir = placeholder(str)
  data.image_size = placeholder(int)
  # Of `folder`: a table of labels, and whether files and rows that cannot be
  # used are passed over and counted.
  data.labels = placeholder(str)
  data.skip_unreadable = False
  # Of `folder` and `npz`: whether all images are read into memory, or each when
  # it is needed; and then by how many processes beside this one.
  data.in_memory = True
  data.workers = 0
  # Numbers or names of those that are learned; None is all.
  data.classes = placeholder(tuple)
  # any_positive makes two classes of several labels an image: whether it has
  # one of those that are selected. None leaves labels as they are.
  data.targets = placeholder(str)
  # Of each channel, in [0, 1]; None measures the images that are learned from.
  data.mean = placeholder(tuple)
  data.std = placeholder(tuple)
  data.labels_per_class = placeholder(object)  # An integer or 'all'.
  data.labels_per_class = 'all'
  data.labels_total = placeholder(int)
  data.labels_skip = 0
  # A text file with a line of row numbers for each official fold, and which of
  # them: labels are drawn from it, and validation is a share of it.
  data.folds = placeholder(str)
  data.fold = 0
  data.unlabelled_total = placeholder(int)
  data.unlabelled_includes_labelled = True
  data.validation_fraction = 0.2
  data.test_fraction = 0.25
  # Of a test part that is held out here: what is tested on must not depend on
  # the run, so that it is not `seed`.
  data.test_seed = 0
  data.views = 'normalize'
  data.augment = 'normalize'

  config.evaluation = evaluation = ConfigDict()
  evaluation.labels_per_class = (1, 5, 20, 'all')
  evaluation.draws = 5
  evaluation.protocols = ('linear_probe', 'knn', 'fine_tune', 'supervised')
  # Those that are run on all labels too: training a network on all of them is a
  # run of its own, configs/supervised.py.
  evaluation.protocols_for_all = ('linear_probe', 'knn')
  evaluation.every = 100
  # Looks of which none was as good as the best, after which a method that
  # learns a classifier stops; None trains to the end.
  evaluation.patience = placeholder(int)
  # The metric on validation by which it is the best: top1, balanced_accuracy,
  # macro_f1, nll or, of two classes, roc_auc; of several labels an image
  # roc_auc, average_precision, macro_f1 or nll. None is the first of these;
  # several, as 'top1,nll', choose by the mean of their ranks.
  evaluation.select_by = placeholder(str)
  evaluation.online_probe = False
  # How often embeddings of validation are kept, from the first look to the
  # last, for pictures of how they come apart; and then the loss on validation.
  # For methods that learn no classifier.
  evaluation.snapshots = 0
  # Features of the encoder, as stage1, that are shown beside its output.
  evaluation.features = ()
  evaluation.linear_probe = config_dict.create(
    l2=(1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
  )
  evaluation.knn = config_dict.create(neighbours=20, temperature=0.07)
  # Also of frozen, lp_ft, gradual, layerwise and partial (docs/fine_tuning.md).
  evaluation.fine_tune = labelled_training(
    **choice(),
    batch_norm_statistics='fixed',
    layer_decay=0.7,
    partial_stages=1,
    unfrozen_by=0.5,
  )
  evaluation.supervised = labelled_training(**choice())

  evaluation.batch_norm = batch_norm()

  config.checkpoint = config_dict.create(every=100, keep=2)
  VARIANTS[variant](config)
  return config


def transfer(config: ConfigDict) -> ConfigDict:
  """Makes a recipe learn from one data set and be judged on another.

  Until its `source` is changed that is the same one, `data`.
  """
  config.experiment = 'transfer'
  # A copy that is resolved would forget the types of fields that are None.
  config.source = copy.deepcopy(config.data)
  # Through these the source is learned from; the target is only looked at.
  del config.data.views, config.data.augment
  # Of the source, for methods that learn from labels: a training for each; of
  # () there is one, with the labels of `source`.
  config.transfer = config_dict.create(labels_per_class=())
  return config


def strong_views(variant: str) -> str:
  """The ops that FixMatch's strong views go through."""
  if variant == 'digits':
    return (
      'random_affine(20, (0.7, 1.3), 15, 0.15)|color_jitter(0.6, 0.6, 0.0, 0.0)'
      '|noise(0.15)|normalize'
    )
  return 'random_crop(4)|flip_left_right|rand_augment(2)|cutout(0.5)|normalize'


def _model(**fields) -> ConfigDict:
  """A network: `fields`, and what all networks have."""
  section = ConfigDict(fields)
  section.batch_norm_momentum = 0.9
  # Groups of the batch that BatchNorm normalizes apart, as so many devices
  # would by themselves; 1 is the whole batch.
  section.batch_norm_groups = 1
  # Whether residual blocks are computed again in the backward pass: less
  # memory, more time.
  section.remat = False
  return section


def _convnet(strides) -> ConfigDict:
  # The stem is of ResNets, where `name` is changed to one.
  fields = {'width': 32, 'strides': strides, 'stem': 'cifar'}
  return _model(name='convnet', **fields, dtype='float32')


def resnet9(**fields) -> ConfigDict:
  """ResNet-9: width, dropout and dtype are `fields`."""
  return _model(name='resnet9', **fields)


def _digits(config):
  """scikit-learn's digits, 8x8 grey: two residual stages at full resolution."""
  config.model = _convnet((1, 1))
  pixels = 'color_jitter(0.4, 0.4, 0.0, 0.0)|noise(0.1)|normalize'
  config.data.views = f'random_affine(15, (0.8, 1.2), 10, 0.12)|{pixels}'
  config.data.augment = f'random_affine(10, (0.9, 1.1), 5, 0.06)|{pixels}'
  for name, steps in (('fine_tune', 200), ('supervised', 400)):
    section = config.evaluation[name]
    section.augment = config.data.augment
    section.batch_size = 32
    section.label_smoothing = 0.1
    section.optimizer.learning_rate = 1e-2
    section.schedule.steps = steps


def _cifar100(config):
  """CIFAR-100 as TFDS prepares it, ResNet-18 with the CIFAR stem."""
  config.data.name = 'tfds:cifar100'
  config.batch_size = 512
  config.model = _model(
    name='resnet18', stem='cifar', width=64, dtype='bfloat16'
  )
  config.data.validation_fraction = 0.1
  _natural_images(config)
  config.evaluation.every = 2000
  config.checkpoint.every = 1000


def _natural_images(config):
  """SimCLR's augmentations for small colour images (its Appendix B.9)."""
  config.data.views = (
    'random_resized_crop(0.08, 1.0)|flip_left_right'
    '|color_jitter(0.4, 0.4, 0.4, 0.1, p=0.8)|grayscale(0.2)|normalize'
  )
  config.data.augment = 'random_crop(4)|flip_left_right|normalize'
  for name in ('fine_tune', 'supervised'):
    config.evaluation[name].augment = config.data.augment
    config.evaluation[name].schedule.steps = 500
    config.evaluation[name].every = 50


def _stl10(config):
  """STL-10 as TFDS prepares it: 5,000 labelled, 100,000 unlabelled images."""
  config.data.name = 'tfds:stl10'
  config.batch_size = 256
  config.model = _model(
    name='resnet18', stem='imagenet', width=64, dtype='bfloat16'
  )
  config.data.validation_fraction = 0.1
  _natural_images(config)
  config.evaluation.every = 2000
  config.checkpoint.every = 1000


def _own_images(config):
  """A file or folder of one's own: a small network at 32 px, to begin with."""
  _natural_images(config)
  config.model = _convnet((2, 2, 2))
  config.data.image_size = 32
  # How many labels a class there are nobody knows: each protocol has them all.
  config.evaluation.labels_per_class = ('all',)
  config.evaluation.protocols_for_all = config.evaluation.protocols


def _published(config):
  """Images as published encoders take them: 224 px, and ImageNet's statistics.

  They are in a folder, until `data.name` says otherwise.
  """
  _own_images(config)
  config.model = _model(
    name='resnet18', stem='imagenet', width=64, dtype='float32'
  )
  config.data.name = 'folder'
  config.data.image_size = 224
  config.data.mean = (0.485, 0.456, 0.406)
  config.data.std = (0.229, 0.224, 0.225)


VARIANTS = {
  'digits': _digits,
  'cifar100': _cifar100,
  'stl10': _stl10,
  'npz': _own_images,
  'folder': _own_images,
  'published': _published,
}
