"""An encoder that compiles quickly, and a config to train it by."""

from flax import linen as nn

from configs import untrained
from semisup_jax import models

STEPS = 6


class Layers(nn.Module):
  """Two layers with BatchNorm on the pixels: quick to compile."""

  fixed_statistics: tuple[str, ...] = ()

  @property
  def stages(self):
    return 'stem', 'stage1'

  @nn.compact
  def __call__(self, x, *, train):
    x = x.reshape(len(x), -1)
    for stage in self.stages:
      x = nn.Dense(8, name=f'{stage}_dense')(x)
      x = models.BatchNorm(
        use_running_average=not train or stage in self.fixed_statistics,
        name=f'{stage}_norm',
      )(x)
      x = nn.relu(x)
    return x, {}


def some_config(**fields):
  config = untrained.get_config()
  config.data.augment = 'normalize'
  for name in ('fine_tune', 'supervised'):
    section = config.evaluation[name]
    section.update(augment='normalize', batch_size=16, every=1)
    section.optimizer.update(name='sgd', weight_decay=0.1, learning_rate=0.1)
    section.schedule.update(steps=STEPS, decay='constant')
  config.evaluation.fine_tune.update_from_flattened_dict(fields)
  return config
