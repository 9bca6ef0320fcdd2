"""What the published experiment reports: one run, read off its figure."""

# k labels a class of MNIST, accuracy on EMNIST's letters, in per cent: without
# augmentation, and with either of MixUp and collage.
FIRST = (1, 50.0, 62.0)
PLATEAU = (32, 68.0)
# Where it has the arms, they gain most from mixing with the fewest labels.
ARMS = ('mixup', 'collage')


def is_comparable(variant: str) -> bool:
  """Whether a variant learns MNIST and is judged on letters."""
  return variant in ('letters', 'tfds')
