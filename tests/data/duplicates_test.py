"""Images that are there twice, within a set and across its parts."""

import numpy as np

from semisup_jax import data
from semisup_jax.data.dataset import Dataset
from semisup_jax.data.splits import Splits


def test_equal_images_have_equal_digests_and_others_do_not():
  images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
  images[4], images[5] = images[1], images[1]
  images[3] = images[0]
  images[3, 0, 0, 0] ^= 1
  found = data.repeated(data.digests(images))
  assert [rows.tolist() for rows in found] == [[1, 4, 5]]


def test_leaks_are_counted_by_part_and_named():
  images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1) * np.ones(
    (1, 4, 4, 1), np.uint8
  )
  images[7] = images[2]  # Validation has what is learned from.
  images[10] = images[6]  # Test has what chooses.
  images[11] = images[4]  # This row of train is not learned from.
  labels = np.arange(12, dtype=np.int32) % 2
  files = tuple(f'{i}.png' for i in range(12))
  whole = Dataset(images, labels, ('a', 'b'), files=files)
  splits = Splits(
    train=whole.take(np.arange(6)),
    unlabelled=np.array([0, 1, 2]),
    labelled=np.array([2, 3]),
    validation=whole.take(np.arange(6, 9)),
    test=whole.take(np.arange(9, 12)),
  )
  assert data.leaks(splits) == [
    'A leak: 1 of the 3 images of the validation part are among the images '
    'that are learned from as well, pixel for pixel, as 7.png.',
    'A leak: 1 of the 3 images of the test part are in the validation part as '
    'well, pixel for pixel, as 10.png.',
  ]
