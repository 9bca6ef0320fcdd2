"""What is said of data before anything is learned from them."""

import dataclasses

import pytest

from semisup_jax.reporting import data_figures, data_findings, data_page
from semisup_jax.reporting.data_findings import Seen

GOOD = Seen(
  name='films',
  counts={
    'learned from': {'healthy': 40, 'ill': 30},
    'validation': {'healthy': 10, 'ill': 8},
    'test': {'healthy': 300, 'ill': 300},
  },
  unlabelled=900,
  shape=(32, 32, 1),
  sizes={(64, 64): 1500, (48, 64): 88},
  kinds={'PNG L': 1588},
  mean=[0.5],
  std=[0.25],
  blank=0,
  same=(),
  contradictions=(),
  leaks=(),
  notes=(),
  skipped=(),
  error=None,
)


def test_nothing_is_said_to_be_wrong_with_good_data():
  assert data_findings.wrong(GOOD) == []
  assert data_findings.headline(GOOD) == (
    '1,588 images of 32 x 32 pixels, 688 with one of 2 labels. Nothing is '
    'wrong with them.'
  )


@pytest.mark.parametrize(
  ('changes', 'sentence'),
  [
    ({'error': 'data.name=folder has one class'},
     'A run would end at once: data.name=folder has one class.'),
    ({'skipped': ('a.png cannot be decoded', 'b.png cannot be decoded')},
     '2 file(s) or row(s) cannot be used, and are listed below; a run goes on '
     'without them with --config.data.skip_unreadable=True.'),
    ({'contradictions': [['a.png (ill)', 'b.png (healthy)']]},
     '1 image(s) are there with different labels, as a.png (ill) and b.png '
     '(healthy).'),
    ({'leaks': ['A leak.']}, 'A leak.'),
    ({'counts': {**GOOD.counts, 'learned from': {'healthy': 40, 'ill': 9}}},
     '1 of 2 classes have fewer than 10 labelled images to learn from: ill '
     '(9). Which ones these are decides much.'),
    ({'counts': {**GOOD.counts, 'learned from': {'healthy': 500, 'ill': 40}}},
     'The class healthy has 12.5 times as many labelled images as ill: '
     'accuracy alone would hide how the small ones fare; look at balanced '
     'accuracy and recall by class.'),
    # 1.96 * sqrt(0.25 / 100) is 0.098.
    ({'counts': {**GOOD.counts, 'test': {'healthy': 50, 'ill': 50}}},
     'The test part has 100 images: one accuracy on them is good to 10 points, '
     'more or less (95 %, near one half).'),
    ({'same': [['a.png', 'b.png', 'c.png'], ['d.png', 'e.png']]},
     '2 image(s) are there more than once, pixel for pixel, as a.png and '
     'b.png.'),
    ({'blank': 3}, '3 image(s) are of one colour all over.'),
    ({'sizes': {(24, 64): 5, (64, 64): 9}},
     '5 image(s) are smaller than 32 pixels and are enlarged; a smaller '
     '--config.data.image_size would lose nothing.'),
    ({'sizes': {(99, 64): 5, (64, 64): 9}},
     '5 image(s) are more than 1.5 times as long as wide; what sticks out of '
     'the square around their centre is cut off.'),
  ],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_said(changes, sentence):
  seen = dataclasses.replace(GOOD, **changes)
  assert sentence in data_findings.wrong(seen)
  assert 'to look at.' in data_findings.headline(seen)


def test_data_without_a_label_are_no_error():
  seen = dataclasses.replace(GOOD, counts={}, error='there is no label')
  assert data_findings.wrong(seen) == [
    'A run would end at once: there is no label.'
  ]
  assert data_findings.headline(seen) == (
    '900 images of 32 x 32 pixels, none with a label. 1 thing to look at.'
  )


def test_the_page_has_what_there_is_and_shows_names_as_they_are(tmp_path):
  lines = [f'<b>{i}.png cannot be decoded' for i in range(60)]
  seen = dataclasses.replace(
    GOOD, name='<films>', skipped=lines, notes=['One was turned.']
  )
  data_page.write_page(tmp_path / 'report.html', seen, (), 'python launch.py')
  page = (tmp_path / 'report.html').read_text()
  assert '<h1>The data: &lt;films&gt;</h1>' in page
  assert '<b>' not in page
  assert '&lt;b&gt;49.png' in page
  assert '50.png' not in page
  assert 'and 10 more' in page
  assert 'One was turned.' in page
  assert '1,500 of 64x64, 88 of 48x64' in page
  assert 'without labels there are 900 more' in page


@pytest.mark.parametrize('count', [2, 30, 100])
@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_class_balance_names_few_classes_and_draws_many(count, theme):
  names = [f'class {i}' for i in range(count)]
  counts = {
    part: {name: i + 1 for i, name in enumerate(names)}
    for part in ('learned from', 'validation', 'test')
  }
  figure = data_figures.class_balance(counts, theme)
  (axes,) = figure.axes
  bars = [bar for group in axes.containers for bar in group]
  assert sum(bar.get_width() for bar in bars) == 3 * count * (count + 1) / 2
  shown = [label.get_text() for label in axes.get_yticklabels()]
  # The largest is on top.
  assert (shown[0] == f'class {count - 1}') == (count <= 30)


def test_sizes_are_drawn_around_the_size_that_is_read():
  figure = data_figures.image_sizes({(64, 64): 4, (640, 100): 1}, 32)
  (axes,) = figure.axes
  low, high = axes.get_xlim()
  assert low < 32
  assert high > 640
  assert len(axes.collections[0].get_offsets()) == 2
