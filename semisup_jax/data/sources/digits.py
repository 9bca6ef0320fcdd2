"""The embedded data set: nothing to download, seconds to learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from semisup_jax.data.dataset import Dataset, Parts
from semisup_jax.data.sources import fields


def digits(config: Mapping[str, Any]) -> Parts:
  """scikit-learn's 1,797 handwritten digits, 8x8 grey; nothing is downloaded.

  They are the test half of UCI's Optical Recognition of Handwritten Digits
  (13 writers): https://doi.org/10.24432/C50P49. There is no official split of
  them.

  Args:
    config: The section `data`; `image_size` (None keeps 8).
  """
  from sklearn import datasets

  source = datasets.load_digits()
  # Their range is 0 to 16.
  images = np.rint(source.images * (255 / 16)).astype(np.uint8)[..., None]
  names = tuple(str(name) for name in source.target_names)
  labels = source.target.astype(np.int32)
  return {'train': Dataset(fields.sized(images, config), labels, names)}
