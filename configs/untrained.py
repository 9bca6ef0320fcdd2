"""The floor: a random encoder, or the raw pixels, by the same protocols; or
published weights, of which nothing is trained here either.

python launch.py --config=configs/untrained.py
python launch.py --config=configs/untrained.py --config.model.name=pixels
python launch.py --config=configs/untrained.py:cifar100 --config.data.dir=DIR
python launch.py --config=configs/untrained.py:published \\
  --config.data.path=FOLDER --config.weights=resnet18.pth
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.experiment = 'evaluate'
  config.evaluation.protocols = ('linear_probe', 'knn')
  return config
