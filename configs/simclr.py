"""SimCLR without labels, then how far few labels go.

Chen et al. 2020, https://arxiv.org/abs/2002.05709.

  python launch.py --config=configs/simclr.py
  python launch.py --config=configs/simclr.py:cifar100 --config.data.dir=DIR
  python launch.py --config=configs/simclr.py:npz --config.data.path=FILE.npz
  python launch.py --config=configs/simclr.py:folder --config.data.path=FOLDER

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in README.md and docs/methods.md, what was tuned in docs/tuning.md.
The variants `cifar100`, `stl10`, `npz` and `folder` were not run at full length
here.

The matrix of similarities has (2 * batch_size)^2 numbers. For batches of
thousands, `--config.method.block_size=512` never makes it: the same loss with
memory linear in the batch (docs/contrastive_memory.md).
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='simclr',
    objective='nt_xent',
    temperature=0.5,
    block_size=data_sets.placeholder(int),
    projector_hidden=128,
    projector_output=64,
    projector_hidden_layers=1,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.projector_hidden = 512
    config.method.projector_output = 128
    config.optimizer.update(name='sgd', learning_rate=0.6, weight_decay=5e-4)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
