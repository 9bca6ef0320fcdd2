import itertools

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image

from semisup_jax.reporting import figures

THEMES = pytest.mark.parametrize('theme', ['light', 'dark'])
FLOORS = ('random_encoder', 'raw_pixels')


def study(count, ks=(1, 5, 20), floors=FLOORS):
  rows = []
  names = [f'method_{i}' for i in range(count - len(floors))] + list(floors)
  for i, name in enumerate(names):
    for j, k in enumerate(ks):
      mean = 0.6 + 0.15 * j - 0.01 * i
      row = {'method': name, 'labels_per_class': k, 'metric': 'top1', 'n': 5}
      ends = {'low': mean - 0.02, 'high': mean + 0.03}
      rows.append({**row, 'mean': mean, **ends, 'floor': name in floors})
  return rows


def dots(axes):
  """(x, y) of the dots of each k, and the ends of their error bars."""
  found = []
  for container in axes.containers:
    (lines,) = [c for c in container[2] if isinstance(c, LineCollection)]
    ends = np.array([segment[:, 0] for segment in lines.get_segments()])
    found.append((*container[0].get_data(), ends))
  return found


@THEMES
def test_twenty_methods_can_be_read(theme, tmp_path):
  figure = figures.methods_comparison(study(20), theme)
  path = tmp_path / 'methods.png'
  figures.save(figure, path)
  assert path.stat().st_size <= 300_000
  image = Image.open(path)
  assert image.size[0] == 777  # No fewer dots were taken to make it fit.
  pixels = np.asarray(image.convert('RGB'))
  edge = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
  assert (np.concatenate(edge) == pixels[0, 0]).all()
  figure.draw_without_rendering()  # At one resolution, to be measured.
  (axes,) = figure.axes
  boxes = [t.get_window_extent() for t in axes.get_yticklabels()]
  assert len(boxes) == 20
  for upper, lower in itertools.pairwise(boxes):
    assert upper.y0 > lower.y1


def test_methods_stand_as_the_caller_sorted_them():
  (row,) = study(1, ks=(5,), floors=())
  rows = [{**row, 'method': m} for m in ('simclr', 'fixmatch', 'byol')]
  (axes,) = figures.methods_comparison(rows).axes
  assert [t.get_text() for t in axes.get_yticklabels()] == [
    'SimCLR',
    'FixMatch',
    'BYOL',
  ]
  assert axes.get_ylim()[0] > axes.get_ylim()[1]  # The first is on top.


def test_dots_and_bars_are_the_rows():
  rows = study(4)
  (axes,) = figures.methods_comparison(rows).axes
  for k, (x, y, ends) in zip((1, 5, 20), dots(axes), strict=True):
    mine = [row for row in rows if row['labels_per_class'] == k]
    np.testing.assert_allclose(x, [100 * row['mean'] for row in mine])
    np.testing.assert_allclose(
      ends, [[100 * row['low'], 100 * row['high']] for row in mine]
    )
    np.testing.assert_array_equal(np.round(y.astype(float)), range(4))
  assert axes.get_xlabel() == 'Top-1 accuracy, %'


def test_no_dot_of_a_row_hides_another():
  (axes,) = figures.methods_comparison(study(4)).axes
  first = [y[0] for _, y, _ in dots(axes)]
  assert first == sorted(first)
  assert np.diff(first).min() > 0.1
  assert np.abs(first).max() < 0.5
  looks = {(c[0].get_color(), c[0].get_marker()) for c in axes.containers}
  assert len({color for color, _ in looks}) == 3
  assert len({marker for _, marker in looks}) == 3


def test_floors_run_through_all_rows_and_have_names():
  rows = study(5)
  figure = figures.methods_comparison(rows)
  (axes,) = figure.axes
  expected = {100 * row['mean'] for row in rows if row['floor']}
  vertical = [
    line
    for line in axes.lines
    if len(line.get_xdata()) == 2 and np.ptp(line.get_xdata()) == 0
  ]
  assert {line.get_xdata()[0] for line in vertical} == expected
  assert all(list(line.get_ydata()) == [0, 1] for line in vertical)
  assert len({line.get_linestyle() for line in vertical}) == 2
  colors = [c[0].get_color() for c in axes.containers]
  assert {line.get_color() for line in vertical} == set(colors)
  assert [t.get_text() for t in figure.legends[0].get_texts()] == [
    '1 label a class',
    '5 labels a class',
    '20 labels a class',
    'floor: Random encoder',
    'floor: Raw pixels',
  ]


def test_without_a_floor_none_is_drawn():
  rows = [{k: v for k, v in r.items() if k != 'floor'} for r in study(3)]
  figure = figures.methods_comparison(rows)
  assert len(figure.legends[0].get_texts()) == 3


def test_averages_and_all_labels_have_names():
  figure = figures.methods_comparison(study(3, (4.25, 2.0, 'all'), ()))
  names = [t.get_text() for t in figure.legends[0].get_texts()]
  assert names == ['2 labels a class', '4.25 labels a class', 'all labels']


@pytest.mark.filterwarnings('error')
def test_what_is_missing_or_odd_is_no_error(tmp_path):
  rows = study(3)
  rows[0] |= {'low': None, 'high': float('nan')}
  rows[1] |= {'mean': None}
  rows[2] |= {'method': '_$\\frac{1$ <b>&' + 'a' * 60}
  rows.append({**rows[3], 'metric': 'nll', 'mean': 4.0})
  figure = figures.methods_comparison(rows)
  figures.save(figure, tmp_path / 'methods.png')
  (axes,) = figure.axes
  assert len(axes.get_yticks()) == 4
  drawn = sum(len(c[0].get_xdata()) for c in axes.containers)
  assert drawn == 8  # Of 9 one has no mean; another metric is left out.
  nothing = figures.methods_comparison([])
  assert nothing.axes[0].texts[0].get_text() == 'no results'


def test_an_accuracy_axis_ends_where_accuracy_does():
  rows = [{**row, 'mean': 0.99, 'high': 1.2} for row in study(3)]
  (axes,) = figures.methods_comparison(rows).axes
  assert 100 <= axes.get_xlim()[1] <= 101
