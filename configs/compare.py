"""Several finished runs on one page: what differs, and by how much.

  python launch.py --config=configs/compare.py --config.runs=runs/a,runs/b
  python launch.py --config=configs/compare.py --workdir=runs/points \\
    --config.runs="('runs/methods/points/NAME', 'runs/methods/points/OTHER')"

`runs` are folders of finished runs of any recipe, in the order of the page; a
name with a comma, as of a point of a study, needs the quotes of the second
form. Differences are from the first run: paired where both drew the same
labelled images, and none where the test images are others. Nothing is trained;
it takes seconds, and the same command again makes the page anew.
"""

from ml_collections import config_dict


def get_config(variant: str = '') -> config_dict.ConfigDict:
  if variant:
    raise ValueError(f'unknown variant {variant!r}; known: none, leave it out')
  config = config_dict.ConfigDict()
  config.experiment = 'compare'
  # A text with commas, or a tuple: the tuples of the command line take no paths
  # like /tmp/a or runs/seed=1 without quotes.
  config.runs = config_dict.placeholder(object)
  return config
