"""What is said of predictions."""

import dataclasses

import numpy as np
import pytest

from semisup_jax.reporting import (
  prediction_figures,
  predictions,
  predictions_page,
)
from semisup_jax.reporting.predictions import (
  HeldOut,
  HeldOutLabels,
  Predicted,
)

GOOD = Predicted(
  name='films',
  run='runs/simclr',
  method='simclr',
  protocol='linear_probe',
  labels=300,
  validation_images=80,
  tested=HeldOut('test', 400, 340, 0.81, 0.88),
  class_names=('healthy', 'ill'),
  multi_label=False,
  files=('a.png', 'b.png', 'c.png', 'd.png'),
  known=(None, None, None, 'ill'),
  probabilities=np.array([[0.9, 0.1], [0.2, 0.8], [0.15, 0.85], [0.3, 0.7]]),
  skipped=(),
  notes=(),
)


def test_the_headline_says_how_many_are_likely_right():
  assert predictions.headline(GOOD) == (
    '3 predictions, of which 85.0 % are likely right (95 % interval 81.0 to '
    '88.0 %, measured on 400 labelled images of the run).'
  )
  assert predictions.sentences(GOOD) == [
    'The classifier, the linear probe with 300 labels, was right on 340 of 400 '
    'test images, 85.0 %. Of images like these 81.0 to 88.0 % are likely right '
    "(Wilson's 95 % interval); of images that look otherwise, nobody knows.",
    'Their mean confidence is 85.0 %, calibrated on 80 validation images.',
    'Of 1 images that have a label, it would give 0 another one; some of them '
    'it has learned from.',
  ]


@pytest.mark.parametrize(
  ('changes', 'sentence'),
  [
    ({'tested': None}, 'was not tested in runs/simclr: how many'),
    ({'tested': HeldOut('validation', 80, 68, 0.8, 0.9)},
     'Validation images have chosen the classifier as well'),
    ({'tested': HeldOut('test', 18, 12, 0.44, 0.84)},
     'That interval is wide, as 18 images are few'),
    ({'tested': HeldOut('test', 400, 240, 0.55, 0.65)},
     'is 85.0 %, calibrated on 80 validation images; that is outside'),
    ({'class_names': ('healthy', 'ill', 'unclear'),
      'probabilities': np.pad(GOOD.probabilities, ((0, 0), (0, 1)))},
     'No image was given to 1 class(es): unclear.'),
    ({'known': (None, None, None, 'healthy')}, 'it would give 1 another one'),
  ],
)  # fmt: skip
def test_what_makes_them_uncertain_is_said(changes, sentence):
  changed = dataclasses.replace(GOOD, **changes)
  assert sentence in ' '.join(predictions.sentences(changed))
  assert sentence not in ' '.join(predictions.sentences(GOOD))


def test_the_surest_and_the_least_sure_have_no_image_twice():
  random = np.random.default_rng(0)
  said = random.dirichlet(np.ones(3), 40)
  many = dataclasses.replace(
    GOOD,
    class_names=('a', 'b', 'c'),
    files=tuple(map(str, range(40))),
    known=('a',) * 10 + (None,) * 30,
    probabilities=said,
  )
  found = predictions_page.extremes(many, 4)
  assert [one.name for one in found] == ['a', 'b', 'c']
  for name, _, most, least in found:
    own = [
      row
      for row in range(10, 40)
      if said[row].argmax() == many.class_names.index(name)
    ]
    own.sort(key=lambda row: -said[row].max())
    assert most == own[:4]
    assert least == own[4:][-4:]


def test_the_page_names_labels_that_are_disputed(tmp_path):
  doubted = dataclasses.replace(GOOD, known=(None, None, '<b>', 'healthy'))
  path = tmp_path / 'report.html'
  predictions_page.write_page(path, doubted, [], 'python launch.py')
  page = path.read_text()
  first, second = page.index('c.png'), page.index('d.png')
  assert first < second  # The surest first.
  assert '&lt;b&gt;' in page
  assert '<b>' not in page
  assert 'src=' not in page
  predictions_page.write_page(path, GOOD, [], '')
  assert 'would give otherwise' not in path.read_text()


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_the_sheet_has_room_for_every_image(theme):
  image = np.full((4, 24, 24, 3), 200, np.uint8)
  rows = [
    prediction_figures.CertaintyRow('many', image, [0.9] * 4, image[:1], [0.4]),
    prediction_figures.CertaintyRow('one', image[:1], [0.8], image[:0], []),
  ]
  figure = prediction_figures.certainty_sheet(rows, 4, theme)
  texts = [text.get_text() for text in figure.axes[0].texts]
  assert texts.count('90 %') == 4
  assert {'many', 'one', '40 %', '80 %', 'most certain'} <= set(texts)
  mosaic = figure.axes[0].images[0].get_array()
  assert (mosaic[..., 3] == 255).sum() == 6 * 24 * 24


def test_of_several_labels_each_is_spoken_of(tmp_path):
  tested = HeldOutLabels('test', 90, 0.8, 0.72, 0.87, {'a': 0.9, 'b': 0.7})
  several = dataclasses.replace(
    GOOD,
    tested=tested,
    class_names=('a', 'b'),
    multi_label=True,
    known=(None, None, None, ('a', 'b')),
    probabilities=np.array([[0.9, 0.6], [0.5, 0.1], [0.4, 0.3], [0.1, 0.2]]),
  )
  assert predictions.headline(several) == (
    '3 predictions: ROC-AUC 0.800 (95 % interval 0.720 to 0.870), the mean '
    'over labels, measured on 90 labelled images of the run.'
  )
  said = ' '.join(predictions.sentences(several))
  assert 'has a ROC-AUC of 0.800' in said
  assert 'confidence' not in said
  found = predictions_page.extremes(several, 1)
  assert [(one.name, one.most, one.least) for one in found] == [
    ('a', [0], [1]),
    ('b', [0], []),
  ]
  path = tmp_path / 'report.html'
  predictions_page.write_page(path, several, [], '')
  page = path.read_text()
  assert 'ROC-AUC in the run' in page
  assert 'By confidence' not in page
