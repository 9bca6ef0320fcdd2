"""Embeddings at several steps: strips, and the animation."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax.reporting import figures

LABELS = np.arange(40) % 4
NAMES = list('abcd')
STEPS = (10, 1000)


def places(seed=0):
  """Points that move from one place to clusters."""
  random = np.random.default_rng(seed)
  first = random.normal(size=(40, 2))
  return [first, first + 8 * np.stack([LABELS % 2, LABELS // 2], axis=1)]


def saved(figure, tmp_path):
  path = tmp_path / 'folder' / 'figure.png'
  figures.save(figure, path)
  assert path.stat().st_size <= 300_000
  return Image.open(path)


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_every_step_of_a_projection_has_the_same_axes(theme, tmp_path):
  points = {'PCA': places(), 't-SNE': places(1)}
  figure = figures.embedding_strip(points, STEPS, LABELS, NAMES, theme)
  axes = figure.axes
  assert [a.get_title() for a in axes[:2]] == ['step 10', 'step 1,000']
  assert axes[0].get_xlim() == axes[1].get_xlim()
  assert axes[2].get_xlim() == axes[3].get_xlim() != axes[0].get_xlim()
  shown = np.concatenate([c.get_offsets() for c in axes[1].collections])
  np.testing.assert_allclose(shown[:40], places()[1])
  assert np.asarray(saved(figure, tmp_path)).std() > 0


def test_correlations_have_one_scale(tmp_path):
  matrices = [np.full((3, 3), 0.5), np.eye(3)]
  figure = figures.correlation_strip(matrices, STEPS)
  images = [a.images[0] for a in figure.axes if a.images]
  assert [image.get_clim() for image in images] == [(-1, 1)] * 2
  np.testing.assert_array_equal(images[1].get_array(), np.eye(3))
  saved(figure, tmp_path)


@pytest.mark.parametrize(
  ('theme', 'page'), [('light', (255, 255, 255)), ('dark', (20, 23, 26))]
)
def test_an_animation_rests_at_the_steps_and_moves_between(
  theme, page, tmp_path
):
  animation = figures.embedding_animation(places(), STEPS, LABELS, NAMES, theme)
  image = saved(animation, tmp_path)
  assert image.n_frames == len(animation.figures) == 8
  assert image.info['loop'] == 0
  assert animation.durations[0] == animation.durations[-1] > 500
  middle = [
    figure.axes[0].collections[0].get_offsets().mean(axis=0)[0]
    for figure in animation.figures
  ]
  assert middle == sorted(middle)  # From the first place to the last.
  for frame in (0, 4, 7):
    image.seek(frame)
    assert image.convert('RGB').getpixel((0, 0)) == page


def test_categories_stand_at_equal_distances(tmp_path):
  def line(name, *ratios, **more):
    rows = [
      {'ratio': ratio, 'mean': 0.5 + i / 10, 'low': 0.4, 'high': 0.8}
      for i, ratio in enumerate(ratios)
    ]
    return figures.Line(name, rows, 0, **more)

  figure = figures.curves_by_category(
    {'title': [line('ours', '0', '1', '10'), line('theirs', '0.4', '10')]},
    field='ratio',
    xlabel='ratio',
  )
  (axes,) = figure.axes
  ticks = [t.get_text() for t in axes.get_xticklabels()]
  assert ticks == ['0', '0.4', '1', '10']
  assert axes.lines[0].get_xdata().tolist() == [0, 2, 3]
  assert axes.lines[1].get_xdata().tolist() == [1, 3]
  assert axes.get_xlabel() == 'ratio'
  saved(figure, tmp_path)


def test_nothing_to_show_is_said():
  figure = figures.curves_by_category({}, field='ratio', xlabel='ratio')
  assert figure.axes[0].texts[0].get_text() == 'no results'
