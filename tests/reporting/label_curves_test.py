"""Lines over labels a class, and mixed images with their labels."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax.reporting import figures


def line(name, *means, look=0, half=0.02, **more):
  rows = [
    {'labels_per_class': 2**i, 'mean': m, 'low': m - half, 'high': m + half}
    for i, m in enumerate(means)
  ]
  return figures.Line(name, rows, look, **more)


def saved(figure, tmp_path):
  path = tmp_path / 'figure.png'
  figures.save(figure, path)
  assert path.stat().st_size <= 300_000
  return np.asarray(Image.open(path).convert('RGB'))


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_lines_have_bands_and_controls_have_none(theme, tmp_path):
  lines = [line('ours', 0.5, 0.6), line('floor', 0.4, 0.4, is_control=True)]
  figure = figures.curves_by_labels({'a title': lines}, theme)
  (axes,) = figure.axes
  ours, floor = axes.lines
  np.testing.assert_allclose(ours.get_ydata(), [50, 60])
  assert len(axes.collections) == 1  # A band.
  low, high = axes.collections[0].get_paths()[0].get_extents().intervaly
  assert (low, high) == (pytest.approx(48), pytest.approx(62))
  assert (ours.get_linestyle(), floor.get_linestyle()) == ('-', '--')
  assert [t.get_text() for t in axes.get_xticklabels()] == ['1', '2']
  assert saved(figure, tmp_path).std() > 0


def test_a_name_is_there_once_and_a_look_is_one_color():
  both = {
    'first': [line('a', 0.5), line('b', 0.6, look=1)],
    'second': [line('b', 0.1, look=1)],
    'empty': [],
  }
  figure = figures.curves_by_labels(both)
  assert len(figure.axes) == 2
  first, second = figure.axes
  assert second.lines[0].get_color() == first.lines[1].get_color()
  assert first.lines[0].get_color() != first.lines[1].get_color()
  (legend,) = figure.legends
  assert [text.get_text() for text in legend.get_texts()] == ['a', 'b']


def test_differences_have_a_line_at_zero():
  figure = figures.curves_by_labels({'a': [line('x', 0.1)]}, zero=True)
  assert list(figure.axes[0].lines[0].get_ydata()) == [0, 0]


def test_intervals_may_be_unknown(tmp_path):
  rows = [{'labels_per_class': 1, 'mean': 0.3, 'low': None, 'high': None}]
  figure = figures.curves_by_labels({'a': [figures.Line('x', rows, 0)]})
  assert not figure.axes[0].collections
  saved(figure, tmp_path)
  saved(figures.curves_by_labels({}), tmp_path)


def test_labels_are_logarithmic_and_all_is_no_number():
  rows = [
    {'labels_per_class': k, 'mean': 0.5, 'low': 0.4, 'high': 0.6}
    for k in (1, 4, 16, 'all')
  ]
  figure = figures.curves_by_labels(
    {'a': [figures.Line('x', rows, 0)]}, xlabel='labels'
  )
  (axes,) = figure.axes
  assert [t.get_text() for t in axes.get_xticklabels()] == [
    *('1', '4', '16', 'all')
  ]
  few, to_all = axes.lines
  np.testing.assert_allclose(np.diff(few.get_xdata()), [2, 2])
  assert to_all.get_xdata()[0] == few.get_xdata()[-1]
  assert axes.get_xlabel() == 'labels'
  assert len(axes.collections) == 2  # The band of the few, the bar of all.


@pytest.mark.parametrize('channels', [1, 3])
def test_a_mixed_image_has_its_classes_and_their_shares(channels, tmp_path):
  images = np.full((2, 8, 8, channels), 200, np.uint8)
  targets = np.array([[0.25, 0.75, 0], [0, 0, 1]])
  row = figures.Mixed('MixUp', images, targets, ['cat', 'dog', 'a$b'])
  figure = figures.mixed_images([row, row], 'dark')
  assert len(figure.axes) == 4
  titles = [axes.get_title() for axes in figure.axes[:2]]
  assert titles == ['dog: 75 %\ncat: 25 %', r'a\$b: 100 %']
  assert figure.axes[0].get_ylabel() == 'MixUp'
  saved(figure, tmp_path)
  saved(figures.mixed_images([]), tmp_path)
