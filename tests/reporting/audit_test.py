import itertools

import numpy as np
import pytest
from matplotlib.container import BarContainer
from PIL import Image

from semisup_jax.reporting import figures

THEMES = pytest.mark.parametrize('theme', ['light', 'dark'])
THRESHOLDS = [0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999]


def saved(figure, tmp_path):
  figures.save(figure, tmp_path / 'figure.png')
  assert 1000 < (tmp_path / 'figure.png').stat().st_size <= 300_000
  pixels = np.asarray(Image.open(tmp_path / 'figure.png').convert('RGB'))
  edge = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
  assert (np.concatenate(edge) == pixels[0, 0]).all()  # No text is cut off.
  return pixels


def by_threshold(thresholds, used=0.95):
  rows = []
  for i, threshold in enumerate(thresholds):
    kept = len(thresholds) - 1 - i
    share = kept / (len(thresholds) - 1)
    row = {'threshold': threshold, 'kept': kept, 'n': 10, 'yield': share}
    row['precision'] = 1 - share / 4 if kept else None
    rows.append({**row, 'used': threshold == used})
  return rows


def bins(confidence, accuracy, count):
  edges = np.linspace(0, 1, len(count) + 1)
  names = ('low', 'high', 'count', 'confidence', 'accuracy')
  columns = (edges[:-1], edges[1:], count, confidence, accuracy)
  return [
    dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)
  ]


BINS = bins([None, 0.4, 0.7, 0.9], [None, 0.5, 0.6, 0.9], [0, 4, 20, 1000])


@THEMES
def test_yield_and_precision_stand_at_their_thresholds(theme, tmp_path):
  rows = by_threshold(THRESHOLDS)
  figure = figures.pseudo_label_thresholds(rows[::-1], theme)
  (axes,) = figure.axes
  drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
  np.testing.assert_allclose(
    drawn['kept, % of all'], [100 * row['yield'] for row in rows]
  )
  precision = drawn['right, % of the kept']
  assert np.isnan(precision[-1])
  np.testing.assert_allclose(
    precision[:-1], [100 * row['precision'] for row in rows[:-1]]
  )
  names = [t.get_text() for t in axes.get_xticklabels()]
  assert names == ['0', '0.5', '0.8', '0.9', '0.95', '0.99', '0.999']
  assert np.ptp(np.diff(axes.get_xticks())) == 0
  legend = [t.get_text() for t in figure.legends[0].get_texts()]
  assert legend == ['right, % of the kept', 'kept, % of all']
  saved(figure, tmp_path)


def test_the_used_threshold_is_marked():
  (axes,) = figures.pseudo_label_thresholds(by_threshold(THRESHOLDS)).axes
  assert [t.get_text() for t in axes.texts] == ['used']
  assert axes.texts[0].xy[0] == THRESHOLDS.index(0.95)
  assert axes.lines[-1].get_xdata()[0] == THRESHOLDS.index(0.95)
  unmarked = by_threshold(THRESHOLDS, used=None)
  (axes,) = figures.pseudo_label_thresholds(unmarked).axes
  assert not axes.texts
  assert len(axes.lines) == 2


@pytest.mark.parametrize('count', [11, 24, 50])
def test_many_thresholds_keep_their_names_apart(count, tmp_path):
  thresholds = np.round(np.linspace(0.5, 0.995, count), 4)
  used = thresholds[count // 3 + 1]
  figure = figures.pseudo_label_thresholds(by_threshold(thresholds, used))
  saved(figure, tmp_path)
  figure.draw_without_rendering()  # At one resolution, to be measured.
  (axes,) = figure.axes
  assert f'{used:g}' in [t.get_text() for t in axes.get_xticklabels()]
  assert 5 <= len(axes.get_xticks()) <= 11
  boxes = [t.get_window_extent() for t in axes.get_xticklabels()]
  boxes.sort(key=lambda box: box.x0)
  for left, right in itertools.pairwise(boxes):
    assert left.x1 < right.x0


def test_shares_stay_on_a_percent_axis():
  (axes,) = figures.pseudo_label_thresholds(by_threshold(THRESHOLDS)).axes
  assert axes.get_ylim()[0] >= -1
  assert axes.get_ylim()[1] <= 101


@THEMES
def test_the_diagram_holds_the_bins(theme, tmp_path):
  figure = figures.reliability(BINS, 0.034, theme)
  above, _ = figure.axes
  dots = next(line for line in above.lines if line.get_marker() == 'o')
  np.testing.assert_allclose(dots.get_xdata(), [40, 70, 90])
  np.testing.assert_allclose(dots.get_ydata(), [50, 60, 90])
  (gaps,) = above.collections
  ends = [segment[:, 1].tolist() for segment in gaps.get_segments()]
  np.testing.assert_allclose(ends, [[40, 50], [70, 60], [90, 90]])
  assert above.get_title(loc='left') == 'ECE 3.4 % (4 bins, n = 1,024)'
  saved(figure, tmp_path)


def test_the_counts_stand_under_their_bins():
  _, below = figures.reliability(BINS).axes
  (bars,) = [c for c in below.containers if isinstance(c, BarContainer)]
  assert [bar.get_height() for bar in bars] == [4, 20, 1000]
  np.testing.assert_allclose([bar.get_x() for bar in bars], [25, 50, 75])
  assert below.get_yscale() == 'log'
  assert below.get_ylim()[0] < 1
  assert below.get_xlim()[0] == 20


def test_without_an_error_the_title_says_how_many():
  above, _ = figures.reliability(BINS).axes
  assert above.get_title(loc='left') == '4 bins, n = 1,024'


@pytest.mark.parametrize('empty', [None, float('nan')])
def test_nothing_to_show_is_said(empty, tmp_path):
  figure = figures.pseudo_label_thresholds([])
  assert figure.axes[0].texts[0].get_text() == 'no thresholds'
  saved(figure, tmp_path)
  figure = figures.reliability(bins([empty], [empty], [0]), empty)
  assert figure.axes[0].texts[0].get_text() == 'no images'
  saved(figure, tmp_path)
