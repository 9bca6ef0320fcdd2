"""What one run reported of PACS cartoons, with a ResNet-18 at 227 px.

Accuracy in per cent, on validation and on the test part, of the learning rate
and epoch that are best on validation; and the channels' mean and standard
deviation, in [0, 1], of what was learned from.
"""

# Of an arm and a protocol of the study.
ACCURACY = {
  'full_set': {
    ('scratch', 'supervised'): (82.19, 64.41),
    ('weights', 'frozen'): (89.07, 79.67),
    ('weights', 'fine_tune'): (97.15, 92.80),
  },
  'few_shot': {
    ('scratch', 'supervised'): (57.45, 49.38),
    ('weights', 'frozen'): (80.85, 68.80),
    ('weights', 'fine_tune'): (85.11, 81.21),
    ('weights_augmented', 'fine_tune'): (87.14, 82.54),
  },
}
CHANNELS = {
  'full_set': ((0.8116, 0.7858, 0.7380), (0.2730, 0.2863, 0.3374)),
  'few_shot': ((0.7739, 0.7576, 0.7179), (0.2972, 0.2968, 0.3353)),
}
