"""The recipe of a study, read and never run."""

STUDY = """
from ml_collections import config_dict

def get_config(variant='a'):
  return config_dict.create(study='tiny', seeds=(0, 1), variant=variant)

def sweep(config):
  if config.variant == 'b':
    raise ValueError('unknown variant b;\\n known: a')
  point = config_dict.create(experiment='none', batch_size=8, seed=0)
  for seed in config.seeds:
    point.seed = seed
    point.batch_size = 8 + 2 * seed
    yield {'seed': seed}, point
"""
