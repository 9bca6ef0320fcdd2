"""Learning on one data set, and judging the encoder on another.

  python launch.py --config=configs/transfer.py
  python launch.py --config=configs/transfer.py:npz \\
    --config.source.path=SOURCE.npz --config.data.path=TARGET.npz
  python launch.py --config=configs/transfer.py:cifar100 \\
    --config.source.dir=DIR --config.data.name=folder \\
    --config.data.path=FOLDER --config.data.image_size=32

`source` is what is learned from, with all fields of `data`; `data` is the
target, on which the protocols judge the encoder. The variant `digits` learns
the digits 0 to 4 and is judged on 5 to 9. With `transfer.labels_per_class` as
1,4,16, `evaluation.labels_per_class` as all and a number of `schedule.steps`
there is a training for each number of labels of the source, of so many steps.
"""

from ml_collections import config_dict

from configs import data_sets, supervised


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.transfer(supervised.get_config(variant))
  config.evaluation.protocols = ('linear_probe', 'knn')
  if variant == 'digits':
    config.source.classes = (0, 1, 2, 3, 4)
    config.data.classes = (5, 6, 7, 8, 9)
  return config
