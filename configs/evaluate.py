"""The encoder of a finished run, judged again: by other protocols, on other
data.

  python launch.py --config=configs/evaluate.py --config.run=runs/simclr
  python launch.py --config=configs/evaluate.py --config.run=runs/simclr \\
    --config.evaluation.protocols=fine_tune \\
    --config.evaluation.labels_per_class=2,10
  python launch.py --config=configs/evaluate.py:folder \\
    --config.run=runs/simclr --config.data.path=FOLDER

Without a variant it is judged on the run's own data, and every field that is
None is as in the run: the seed, the draws and all of `data`. So the linear
probe gives the run's own numbers. With a variant (`digits`, `cifar100`,
`stl10`, `npz`, `folder` or `published`) it is judged on these data, by the
fields of that variant. The network, and how images are normalized, are the
run's in any case; its images and those of `data` must be of one shape.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'run') -> config_dict.ConfigDict:
  own = variant == 'run'
  config = data_sets.base('digits' if own else variant)
  config.experiment = 'evaluate'
  config.run = data_sets.placeholder(str)
  config.model = config_dict.ConfigDict()  # The run's.
  del config.weights  # Likewise.
  if own:
    config.seed = data_sets.placeholder(int)
    config.report_split = data_sets.placeholder(str)
    config.data = as_in_the_run(config.data)
    del config.evaluation.batch_norm
    config.evaluation = as_in_the_run(config.evaluation)
    config.evaluation.batch_norm = data_sets.batch_norm()
    # What is done on the way of a training.
    config.evaluation.update(online_probe=False, snapshots=0)
  config.evaluation.protocols = ('linear_probe', 'knn')
  return config


def as_in_the_run(section: config_dict.ConfigDict) -> config_dict.ConfigDict:
  """The same fields, all None."""
  fields = config_dict.ConfigDict()
  for name, value in section.items(preserve_field_references=True):
    if isinstance(value, config_dict.ConfigDict):
      fields[name] = as_in_the_run(value)
    elif isinstance(value, config_dict.FieldReference):
      fields[name] = config_dict.FieldReference(None, value.get_type())
    else:
      fields[name] = data_sets.placeholder(type(value))
  return fields
