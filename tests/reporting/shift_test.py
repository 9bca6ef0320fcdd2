"""BatchNorm under shift: what figures and the report's section show."""

import html
import re

import numpy as np
import pytest
from PIL import Image

from semisup_jax.reporting import batch_norm, figures, shift_section

SIZES = (1, 4, 16)
MODES = (
  ('tent', None),
  ('alpha', 16),
  ('source', None),
  ('alpha', 1),
  ('batch', None),
)


def row(shift, mode, amount, top1, severity=None, order=None, size=None):
  return {
    'shift': shift,
    'severity': severity,
    'mode': mode,
    'amount': amount,
    'order': order,
    'batch_size': size,
    'top1': top1,
    'mean': top1,
    'low': top1 - 0.05,
    'high': top1 + 0.05,
    'ece': 0.25,
    'nll': 1.5,
    'n': 300,
  }


@pytest.fixture
def shifts():
  made = []
  for shift in ('clean', 'appearance(0.5)'):
    for mode, amount in MODES:
      if mode == 'source':
        made.append(row(shift, mode, amount, 0.6))
        continue
      for order in ('iid', 'sorted'):
        for size in SIZES:
          top1 = 0.2 + 0.01 * size - (0.1 if order == 'sorted' else 0)
          made.append(row(shift, mode, amount, top1, order=order, size=size))
  return made


@pytest.fixture
def corruptions():
  return [
    row(name, mode, amount, value, severity, 'iid', 200)
    for name, value in (('gaussian_noise', 0.1), ('fog', 0.5))
    for severity, value in ((1, value + 0.2), (5, value))
    for mode, amount in MODES
  ]


def saved(figure, tmp_path):
  path = tmp_path / 'figure.png'
  figures.save(figure, path)
  assert path.stat().st_size <= 300_000
  return np.asarray(Image.open(path).convert('RGB'))


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_line_is_a_mode_and_a_panel_a_shift_and_an_order(
  shifts, theme, tmp_path
):
  figure = figures.accuracy_by_batch_size(shifts, theme)
  assert len(figure.axes) == 4
  first, second = figure.axes[:2]
  lines = {tuple(np.round(line.get_ydata(), 6)) for line in first.lines}
  assert (60.0, 60.0) in lines  # Source, across all batch sizes.
  assert (21.0, 24.0, 36.0) in lines
  assert (11.0, 14.0, 26.0) in {
    tuple(np.round(line.get_ydata(), 6)) for line in second.lines
  }
  assert first.get_title('left') == 'no shift'
  assert second.get_title('right') == 'sorted by class'
  names = [text.get_text() for text in figure.legends[0].get_texts()]
  assert names == ['source', 'batch', 'alpha, N = 1', 'alpha, N = 16', 'tent']
  assert saved(figure, tmp_path).std() > 5


def test_a_cell_is_the_mean_over_severities(corruptions, tmp_path):
  figure = figures.corruption_heat_map(corruptions)
  (axes,) = figure.axes
  assert [t.get_text() for t in axes.get_yticklabels()] == [
    'gaussian noise',
    'fog',
  ]
  texts = [t.get_text() for t in axes.texts]
  assert texts == ['20'] * 5 + ['60'] * 5
  saved(figure, tmp_path)


def test_bins_with_few_images_are_not_drawn(tmp_path):
  bins = {
    'count': [0, 2, 298],
    'confidence': [None, 0.5, 0.9],
    'accuracy': [None, 0.0, 0.7],
  }
  rows = [{**row('clean', 'batch', None, 0.5), **bins}]
  figure = figures.reliability_by_mode(rows)
  line = figure.axes[0].lines[-1]
  np.testing.assert_allclose(line.get_xydata(), [[90, 70]])
  saved(figure, tmp_path)


@pytest.mark.parametrize('channels', [1, 3])
def test_a_contact_sheet_has_a_name_for_each_shift(channels, tmp_path):
  rng = np.random.default_rng(0)
  shape = (4, 3, 8, 8, channels)
  images = rng.integers(0, 256, shape, dtype=np.uint8)
  names = ['clean', 'gaussian_noise, 5', '<b>$', 'x' * 99]
  figure = figures.contact_sheet(names, images)
  titles = [axes.get_title('left') for axes in figure.axes]
  assert titles[:2] == ['clean', 'gaussian noise, 5']
  assert sum(bool(axes.images) for axes in figure.axes) == 4
  saved(figure, tmp_path)


@pytest.mark.parametrize(
  'draw',
  [
    figures.accuracy_by_batch_size,
    figures.corruption_heat_map,
    figures.reliability_by_mode,
  ],
)
def test_nothing_measured_is_no_error(draw, tmp_path):
  saved(draw([]), tmp_path)


def words(made):
  text = html.unescape(re.sub('<[^>]*>', ' ', made)).replace('\xa0', ' ')
  return ' '.join(text.split())


def test_the_section_has_a_table_for_each_shift(shifts, corruptions):
  said = words(shift_section.section({'batch_norm': [*shifts, *corruptions]}))
  assert 'no shift accuracy, %, by test batch 1 4 16 source 60.0' in said
  assert 'batch 21.0 24.0 36.0' in said
  assert 'alpha, N = 16 21.0 24.0 36.0' in said
  # Means of 0.1, 0.3, 0.5 and 0.7.
  assert 'mean over corruptions error, % ECE, % NLL source 60.0 25.0' in said
  assert '300 images in random order. tent:' in said


def test_no_table_is_no_section():
  assert shift_section.section({}) == ''


def test_names_are_in_one_order_whatever_the_rows():
  rows = [row('clean', mode, amount, 0.5) for mode, amount in MODES]
  assert list(batch_norm.by_mode(rows)) == list(batch_norm.by_mode(rows[::-1]))
  assert batch_norm.name('tent_continual') == 'tent, continual'
  assert batch_norm.name('ema', 0.9) == 'ema, 0.9'
  assert batch_norm.shift_name('unnormalised_input') == 'input not normalised'
