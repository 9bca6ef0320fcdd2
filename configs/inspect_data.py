"""A page about your data, before anything is learned from them.

  python launch.py --config=configs/inspect_data.py --config.data.path=FOLDER
  python launch.py --config=configs/inspect_data.py:npz \\
    --config.data.path=FILE.npz

Counts, class balance, sizes, samples and views as a method would see them, what
is there twice, and what is wrong: files and rows that cannot be used are
listed, not stopped at. `data` is that of every recipe, with the same variants,
so that what is seen here is what a run would learn from. It takes seconds.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'folder') -> config_dict.ConfigDict:
  base = data_sets.base(variant)
  config = config_dict.ConfigDict()
  config.experiment = 'inspect_data'
  config.seed = base.seed
  config.data = base.data
  config.data.skip_unreadable = True
  return config
