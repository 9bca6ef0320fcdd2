"""SqueezeNet 1.0 as its authors published it for Caffe, in an .npz file.

https://github.com/forresti/SqueezeNet. Its input is BGR, 0 to 255, of which the
ImageNet mean of each channel was subtracted, and has 227 px. Where its
classifier is wanted, the network has `classifier_padding=1`.
"""

import zipfile
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

# What published encoders are given: (x - MEAN) / STD of RGB in [0, 1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGE_SIZE, CLASSIFIER_PADDING = 227, 1
_BGR_MEAN = (104.0, 117.0, 123.0)
# The place of each layer in torchvision's `features`.
_PLACES = MappingProxyType(
  {
    **{'fire2': 3, 'fire3': 4, 'fire4': 5, 'fire5': 7},
    **{'fire6': 8, 'fire7': 9, 'fire8': 10, 'fire9': 12},
  }
)
_LAYERS = MappingProxyType(
  {
    'conv1': 'features.0',
    'conv_final': 'classifier.1',
    **{
      f'{fire}/{theirs}': f'features.{place}.{ours}'
      for fire, place in _PLACES.items()
      for theirs, ours in (
        ('conv1x1_1', 'squeeze'),
        ('conv1x1_2', 'expand1x1'),
        ('conv3x3_2', 'expand3x3'),
      )
    },
  }
)
# Five times what all of it takes in float32.
_MOST = 5 * 4 * 1_248_424


def read(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
  """Reads the file, for a network that is given RGB, normalized as above.

  Args:
    archive: With LAYER.weight.npy, OIHW, and LAYER.bias.npy.

  Returns:
    Arrays under torchvision's names.

  Raises:
    ValueError: If it is another file, naming what it lacks, or damaged.
  """
  if sum(member.file_size for member in archive.infolist()) > _MOST:
    raise ValueError(f'it unpacks to more than {_MOST:,} bytes')
  arrays = {}
  for theirs, ours in _LAYERS.items():
    for kind in ('weight', 'bias'):
      member = f'{theirs}.{kind}.npy'
      if member not in archive.namelist():
        raise ValueError(f'it is an .npz file that lacks {member}')
      with archive.open(member) as file:
        arrays[f'{ours}.{kind}'] = np.lib.format.read_array(
          file, allow_pickle=False
        )
  return arrays | _of_normalized(arrays)


def _of_normalized(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
  """The first convolution, for normalized RGB.

  It is exact, up to rounding, because that convolution has no padding: each of
  its outputs sees as many pixels.
  """
  weight = arrays['features.0.weight'].astype(np.float64)[:, ::-1]  # To RGB.
  mean, std = 255 * np.array(MEAN), 255 * np.array(STD)
  shift = mean - np.array(_BGR_MEAN[::-1])
  bias = arrays['features.0.bias'] + weight.sum((2, 3)) @ shift
  return {
    'features.0.weight': (weight * std[:, None, None]).astype(np.float32),
    'features.0.bias': bias.astype(np.float32),
  }
