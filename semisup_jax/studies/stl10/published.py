"""What the published experiment reports: one run, in per cent."""

LABELS = 5000
# Accuracy and "F1" by what was trained.
SUPERVISED = (59.2, 71.42)
PSEUDO_LABELS = (63.22, 73.95)
PROBE = (37.21, 39.55)
# Accuracy by the ratio of unlabelled to labelled images.
BY_RATIO = {0.0: 59.2, 0.4: 60.21, 1.0: 61.33, 2.0: 61.72, 10.0: 63.22}
# Unlabelled images, and those of them that were labelled.
OFFERED, KEPT = 50_000, 21_529
# Barlow Twins' loss on held-out images, in the first and the last epoch.
HELD_OUT = (2112.0, 42.5)
