"""FlexMatch: FixMatch whose thresholds follow how far each class is learned.

Zhang et al. 2021, https://arxiv.org/abs/2110.08263. A class's threshold lies
between `lowest_threshold` (0 in the paper) and `threshold`; all else is as in
configs/fixmatch.py.

  python launch.py --config=configs/flexmatch.py
  python launch.py --config=configs/flexmatch.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/flexmatch.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import fixmatch


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = fixmatch.get_config(variant)
  config.method.update(threshold=0.95, lowest_threshold=0.5)
  return config
