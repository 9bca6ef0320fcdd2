import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from semisup_jax.reporting import figures

THEMES = pytest.mark.parametrize('theme', ['light', 'dark'])


def saved(figure, tmp_path):
  figures.save(figure, tmp_path / 'curves.png')
  assert 1000 < (tmp_path / 'curves.png').stat().st_size <= 300_000
  return np.asarray(Image.open(tmp_path / 'curves.png').convert('RGB'))


def validated(steps=(10, 20, 30), **metrics):
  """Lines of validation; a callable is one of the step."""
  return [
    {'step': s, 'split': 'validation'}
    | {k: v(s) if callable(v) else v for k, v in metrics.items()}
    for s in steps
  ]


def is_text(artist, text):
  return isinstance(artist, Text) and artist.get_text() == text


@pytest.fixture
def history():
  made = [
    {'step': s, 'split': 'train', 'loss': 4 / (s + 1), 'learning_rate': 0.1}
    for s in range(30)
  ]
  made += [{'step': 5, 'split': 'train', 'loss': float('nan')}]
  made += [{'step': 6, 'split': 'train', 'loss': None}]
  return made


def titles(figure):
  return [axes.get_title(loc='left') for axes in figure.axes]


def lines(figure, title):
  """Names in the legend of a panel, and the y values of its lines."""
  (axes,) = [a for a in figure.axes if a.get_title(loc='left') == title]
  legend = axes.get_legend()
  names = [t.get_text() for t in legend.get_texts()] if legend else None
  return names, [line.get_ydata() for line in axes.lines]


@THEMES
def test_there_is_a_panel_for_what_was_logged(theme, history, tmp_path):
  history += validated(knn_top1=lambda s: s / 40)
  figure = figures.training_curves(history, theme)
  assert titles(figure) == ['loss', 'kNN accuracy, %', 'learning rate']
  x, y = figure.axes[0].lines[0].get_data()
  assert len(x) == 30
  assert np.isfinite(y).all()
  np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), [25, 50, 75])
  saved(figure, tmp_path)


def test_accuracies_share_a_panel_and_its_legend_names_them(history):
  history += validated(
    online_probe_top1=0.5, knn_top1=0.25, classifier_top1=0.75
  )
  names, values = lines(figures.training_curves(history), 'accuracy, %')
  assert names == ['online probe', 'kNN', 'classifier']
  np.testing.assert_allclose(values, [[50] * 3, [25] * 3, [75] * 3])


def test_rank_and_std_have_a_panel_each(history):
  history += validated(
    embedding_rank=30.0,
    embedding_std=0.9,
    projection_rank=20.0,
    projection_std=0.4,
    other_std=7.0,
  )
  figure = figures.training_curves(history)
  rank, std = titles(figure)[1:3]
  assert (rank, std) == ('rank (RankMe)', 'std (0: collapse)')
  for title, expected in ((rank, [30, 20]), (std, [0.9, 0.4])):
    names, values = lines(figure, title)
    assert names == ['embedding', 'projection']
    np.testing.assert_allclose(values, [[v] * 3 for v in expected])
  for axes in figure.axes[1:3]:
    assert axes.get_ylim()[0] == 0


def test_one_line_has_its_name_in_the_title(history):
  figure = figures.training_curves(history + validated(embedding_rank=3.0))
  names, _ = lines(figure, 'embedding rank (RankMe)')
  assert names is None


def test_splits_are_told_apart(history):
  history += validated(loss=1.0)
  names, values = lines(figures.training_curves(history), 'loss')
  assert names == ['train', 'validation']
  assert [len(v) for v in values] == [30, 3]


def test_lines_of_a_panel_differ_in_colour_and_dashes(history):
  history += validated(knn_top1=0.5, classifier_top1=0.5, online_probe_top1=0.5)
  drawn = figures.training_curves(history).axes[1].lines
  assert len({line.get_color() for line in drawn}) == 3
  assert len({str(line.get_linestyle()) for line in drawn}) == 2


@pytest.mark.parametrize(
  'values', [[1.0] * 3, [0.0] * 3, [0.98, 0.99, 1.0], [0.0, 0.5, 1.0]]
)
def test_an_accuracy_axis_ends_where_accuracy_does(values):
  by_step = dict(zip((10, 20, 30), values, strict=True))
  figure = figures.training_curves(validated(knn_top1=by_step.get))
  low, high = figure.axes[0].get_ylim()
  # A hair beyond, so that a line at the end is drawn whole.
  hair = 0.05 * (high - low)
  assert -hair <= low <= 100 * min(values)
  assert 100 * max(values) <= high <= 100 + hair
  assert high - low < 110
  ticks = [t for t in figure.axes[0].get_yticks() if low <= t <= high]
  assert len(ticks) >= 2
  assert max(ticks) <= 100 + 1e-9


def test_without_history_it_says_so(tmp_path):
  figure = figures.training_curves([])
  assert figure.axes[0].texts[0].get_text() == 'no training history'
  saved(figure, tmp_path)


@pytest.mark.filterwarnings('error')
def test_no_text_is_cut_off_or_covered(history, tmp_path):
  history += validated(
    (0, 5000),
    **dict.fromkeys(('knn_top1', 'classifier_top1', 'online_probe_top1'), 1.0),
    **dict.fromkeys(('embedding_rank', 'projection_rank'), 100.0),
    **dict.fromkeys(('embedding_std', 'projection_std'), 1.0),
    **{f'a_rather_long_name_{i}_top1': 0.5 for i in range(3)},
    loss=1e-4,
    grad_norm=1.0,
  )
  figure = figures.training_curves(history)
  pixels = saved(figure, tmp_path)
  edge = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
  assert (np.concatenate(edge) == 255).all()
  figure.draw_without_rendering()  # At one resolution, to be measured.
  checked = 0
  for above, axes in zip([None, *figure.axes], figure.axes, strict=False):
    if axes.get_legend():
      box = axes.get_legend().get_window_extent()
      title = axes.get_title(loc='left')
      (text,) = axes.findobj(lambda a, t=title: is_text(a, t))
      assert not box.overlaps(text.get_window_extent())
      assert box.y0 >= axes.get_window_extent().y1
      assert above is None or box.y1 <= above.get_window_extent().y0
      checked += 1
  assert checked == 4
