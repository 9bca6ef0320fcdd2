"""What the classifier of a finished run says of a folder of images.

  python launch.py --config=configs/predict.py --config.run=runs/simclr \\
    --config.data.path=FOLDER

Every image file of the folder, at any depth. Into the workdir go
predictions.csv (file, the three most probable classes with their calibrated
probabilities, and the label where labels.csv has one), embeddings.npz (files,
embeddings) and report.html, which says how good the predictions are likely to
be. The classifier is that of model.npz in the run: its linear probe with the
most labels, or what the run itself has trained to classify.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = '') -> config_dict.ConfigDict:
  if variant:
    raise ValueError(f'unknown variant {variant!r}; known: none, leave it out')
  config = config_dict.ConfigDict()
  config.experiment = 'predict'
  config.run = data_sets.placeholder(str)
  config.data = config_dict.create(name='folder', skip_unreadable=False)
  config.data.path = data_sets.placeholder(str)
  config.data.labels = data_sets.placeholder(str)
  return config
