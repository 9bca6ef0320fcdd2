"""Figures and words of a look inside."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax.reporting import figures, inside

THEMES = pytest.mark.parametrize('theme', ['light', 'dark'])
NAMES = ['West Highland white terrier', '_hidden', '$\\frac{1$']
RANDOM = np.random.default_rng(0)


def pixels(count, channels):
  return RANDOM.integers(0, 256, (count, 8, 8, channels), np.uint8)


def saved(figure, tmp_path):
  path = tmp_path / 'figure.png'
  figures.save(figure, path)
  assert 1000 < path.stat().st_size <= 300_000
  assert np.asarray(Image.open(path).convert('RGB')).std() > 5


def overlaps(figure, axes):
  """Whether a text of some axes lies upon that of others."""
  figure.draw_without_rendering()
  boxes = [one.get_tightbbox() for one in axes if one.get_visible()]
  return any(
    a.x0 + 1 < b.x1 and b.x0 + 1 < a.x1 and a.y0 + 1 < b.y1 and b.y0 + 1 < a.y1
    for i, a in enumerate(boxes)
    for b in boxes[:i]
  )


@THEMES
@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('count', [1, 3])
def test_texts_of_images_do_not_touch(theme, channels, count, tmp_path):
  images = pixels(count, channels)
  answers = [
    figures.Answer(x, 'file.png', NAMES[0], NAMES, [1.0, 0.0, 0.0])
    for x in images
  ]
  maps = RANDOM.normal(size=(count, 8, 8))
  evidence = [
    figures.Evidence(x, NAMES[0], 0.5, m, np.maximum(m, 0))
    for x, m in zip(images, maps, strict=True)
  ]
  near = [
    figures.Neighbourhood(
      x,
      NAMES[0],
      pixels(5, channels),
      [*NAMES, None, '1'],
      np.linspace(1, -1, 5),
    )
    for x in images
  ]
  for figure in (
    figures.top_classes(answers, theme),
    figures.mistakes(answers, theme),
    figures.evidence(evidence, theme),
    figures.neighbourhoods(near, theme),
  ):
    assert not overlaps(figure, figure.axes)
    saved(figure, tmp_path)


def test_a_neighbour_of_another_class_is_told_apart():
  row = figures.Neighbourhood(
    pixels(1, 1)[0], '3', pixels(3, 1), ['3', '8', None], [0.9, 0.8, 0.7]
  )
  _, _, *others = figures.neighbourhoods([row]).axes
  colors = [axes.xaxis.label.get_color() for axes in others]
  assert colors[0] == colors[2] != colors[1]
  texts = [axes.get_xlabel() for axes in others]
  assert texts == ['3\n0.900', '8\n0.800', '?\n0.700']


@THEMES
def test_filters_stand_where_the_grid_has_them(theme, tmp_path):
  grid = RANDOM.random((2, 3, 5, 5, 3))
  grid[1, 2] = np.nan
  figure = figures.filters(grid, theme)
  shown = np.asarray(figure.axes[0].images[0].get_array())
  assert shown.shape == (11, 17, 4)
  np.testing.assert_allclose(shown[6:, 6:11, :3], grid[1, 1], atol=1e-6)
  assert not shown[6:, 12:, 3].any()
  saved(figure, tmp_path)


@THEMES
@pytest.mark.parametrize('count', [1, 5, 16])
def test_maps_before_and_after_are_on_one_scale(theme, count, tmp_path):
  before = RANDOM.normal(size=(6, 7, count))
  after = np.maximum(before, 0)
  figure = figures.activation_maps(before, after, theme)
  first, second = (axes.images[0] for axes in figure.axes[:2])
  assert first.get_clim() == second.get_clim()
  sheet = np.ma.filled(first.get_array(), np.nan)
  np.testing.assert_array_equal(sheet[:6, :7], before[..., 0])
  if count > 1:
    np.testing.assert_array_equal(sheet[:6, 8:15], before[..., 1])
    assert np.isnan(sheet[:, 7]).all()
  saved(figure, tmp_path)


def test_maps_that_are_nothing_are_no_error(tmp_path):
  figure = figures.activation_maps(None, np.zeros((4, 4, 8)))
  assert [axes.get_visible() for axes in figure.axes[:2]] == [True, False]
  saved(figure, tmp_path)


@pytest.mark.parametrize(
  ('right', 'said'),
  [(9, '1 of 10 images is given a wrong class: accuracy 90.0 % (95 % int'),
   (10, 'None of 10 images are given a wrong class: accuracy 100.0 % (95 %')],
)  # fmt: skip
def test_how_many_are_wrong_in_words(right, said):
  assert inside.accuracy(inside.Judged(right, 10, 0.5, 1.0)).startswith(said)
