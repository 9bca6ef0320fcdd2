"""An autoencoder without labels, then how far few labels go.

The pixels of a view are reconstructed from its embedding, by squared error or
SSIM; `input_noise` makes it a denoising one.

  python launch.py --config=configs/autoencoder.py
  python launch.py --config=configs/autoencoder.py:cifar100 \\
    --config.data.dir=DIR
  python launch.py --config=configs/autoencoder.py:stl10 --config.data.dir=DIR

The default variant, `digits`, takes minutes on two CPU cores; its measured
results are in docs/methods.md, what was tuned in docs/tuning.md. The variants
`cifar100`, `stl10`, `npz` and `folder` were not run at full length here.
"""

from ml_collections import config_dict

from configs import data_sets


def get_config(variant: str = 'digits') -> config_dict.ConfigDict:
  config = data_sets.base(variant)
  config.method = config_dict.create(
    name='autoencoder',
    objective='mse',
    ssim_window=7,
    decoder_width=32,
    input_noise=0.0,
  )
  config.optimizer = data_sets.optimizer(learning_rate=1e-2, weight_decay=1e-4)
  config.schedule = data_sets.schedule(steps=300, warmup=30)
  if variant != 'digits':
    config.method.ssim_window = 11
    config.optimizer.update(learning_rate=1e-3, weight_decay=1e-6)
    config.schedule = data_sets.schedule(epochs=200, warmup=10)
  return config
