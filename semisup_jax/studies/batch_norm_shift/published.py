"""The numbers of the course experiment that this study repeats, in per cent.

CIFAR-100, ResNet-18, one run each; of the shifted test set it is known that it
was "slightly different". The text gives 22.86 and 39.03 elsewhere for the first
two.
"""

ACCURACY = {
  ('trainset1', 'supervised'): 24.46,
  ('trainset2', 'supervised'): 38.92,
  ('simclr', 'fine_tune'): 30.00,
}
BATCH_SIZES = (4, 8, 16, 32)
# With the statistics of the test batch ("train mode").
BATCH = {
  'trainset1': (6.69, 12.18, 15.79, 19.81),
  'trainset2': (7.29, 16.61, 26.80, 29.83),
}
# With those of training ("eval mode"), over both training sets.
SOURCE = (1.08, 2.10)


def is_comparable(variant: str) -> bool:
  """Whether a variant of the study is of the published data set."""
  return variant.startswith('cifar100')
