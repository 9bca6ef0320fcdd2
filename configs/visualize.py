"""A look into the network of a finished run, or a published one, on one page.

  python launch.py --config=configs/visualize.py --config.run=runs/simclr
  python launch.py --config=configs/visualize.py --config.run=runs/simclr \\
    --config.data.path=FOLDER --config.feature=stage1
  python launch.py --config=configs/visualize.py \\
    --config.weights=resnet18.pth --config.model.name=resnet18 \\
    --config.classes=imagenet_classes.txt --config.data.path=FOLDER

Images are those that the run reports on, or every image file of a folder: with
its labels.csv, or in sub-folders that are called as the classes are. Shown of a
few of them, drawn by `seed`: the most probable classes; activation maps before
and after the ReLU; where the image speaks for its class, by covering a part of
it (https://arxiv.org/abs/1311.2901) and by Grad-CAM
(https://arxiv.org/abs/1610.02391); and the nearest images in the embedding. Of
all of them: wrong predictions, the most certain first. And the filters of the
first convolution. Into the workdir go report.html, numbers.json and arrays.npz.
Of published weights (docs/published_weights.md) the classifier is looked into
as well as the encoder; `classes` has a line for each of its classes.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = '') -> config_dict.ConfigDict:
  if variant:
    raise ValueError(f'unknown variant {variant!r}; known: none, leave it out')
  config = config_dict.ConfigDict()
  config.experiment = 'look_inside'
  config.run = data_sets.placeholder(str)
  # In the place of a run: a file of published weights and a text file with the
  # names of its classes, in their order; and what the network is, of which None
  # is as torchvision has it.
  config.weights = data_sets.placeholder(str)
  config.classes = data_sets.placeholder(str)
  config.model = config_dict.ConfigDict()
  config.model.name = data_sets.placeholder(str)
  config.model.stem = data_sets.placeholder(str)
  config.model.width = data_sets.placeholder(int)
  config.seed = 0
  # Without a path, the part of the run's own images that it reports on, or
  # report_split: test or validation.
  config.data = config_dict.create(name='folder', skip_unreadable=False)
  config.data.path = data_sets.placeholder(str)
  config.data.labels = data_sets.placeholder(str)
  # For published weights: to how many pixels the shorter side of an image is
  # scaled, and the side of what is then cut out of its middle. None is 256, and
  # 224 or, for SqueezeNet of Caffe, 227.
  config.data.shorter_side = data_sets.placeholder(int)
  config.data.image_size = data_sets.placeholder(int)
  config.report_split = data_sets.placeholder(str)
  config.show = (
    *('top_k', 'neighbours', 'filters', 'activations'),
    *('saliency', 'mistakes'),
  )
  config.images = 6
  config.k = 5
  # Whose maps are shown; None is the network's first.
  config.feature = data_sets.placeholder(str)
  # Of Grad-CAM, None is the network's last. The patch and its stride are in
  # pixels; None is a quarter of the image, and half of that.
  config.saliency = config_dict.ConfigDict()
  config.saliency.feature = data_sets.placeholder(str)
  config.saliency.patch = data_sets.placeholder(int)
  config.saliency.stride = data_sets.placeholder(int)
  # How many, and among how many images of the run at most.
  config.neighbours = config_dict.create(k=5, among=10_000)
  config.mistakes = 12
  return config
