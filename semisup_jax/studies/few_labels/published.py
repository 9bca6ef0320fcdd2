"""What the published experiment reports: one run, read off its figure."""

# k labels a class of MNIST, accuracy on EMNIST's letters, in per cent: without
# augmentation, and with either of MixUp and collage.
FIRST = (1, 50.0, 62.0)
PLATEAU = (32, 68.0)
# The two ways of mixing that it has.
ARMS = ('mixup', 'collage')
