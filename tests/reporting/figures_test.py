import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image

from semisup_jax.reporting import canvas, charts, figures, wording

THEMES = pytest.mark.parametrize('theme', ['light', 'dark'])
HOSTILE = ['_hidden', '$\\frac{1$', 'a' * 60, '<b>&"', 'two\nlines', '100 %']


def saved(figure, tmp_path):
  path = tmp_path / 'figures' / 'figure.png'
  figures.save(figure, path)
  assert 1000 < path.stat().st_size <= 300_000
  return np.asarray(Image.open(path).convert('RGB'))


def bars(axes):
  """Lower and upper ends of the error bars, by protocol, left to right."""
  found = {}
  for container in axes.containers:
    (lines,) = [c for c in container[2] if isinstance(c, LineCollection)]
    ends = np.array([segment[:, 1] for segment in lines.get_segments()])
    found[container.get_label()] = ends
  return found


@THEMES
def test_error_bars_are_the_intervals_and_ticks_the_labels(
  rows, theme, tmp_path
):
  figure = figures.label_efficiency(rows, theme)
  (axes,) = figure.axes
  assert [t.get_text() for t in axes.get_xticklabels()] == [
    '1',
    '5',
    '20',
    'all',
  ]
  ends = bars(axes)
  assert list(ends) == ['Linear probe', 'kNN', 'Fine-tune', 'Supervised']
  for name, protocol in [('kNN', 'knn'), ('Supervised', 'supervised')]:
    mine = [row for row in rows if row['protocol'] == protocol]
    want = [[100 * row['low'], 100 * row['high']] for row in mine]
    np.testing.assert_allclose(ends[name], want)
  assert saved(figure, tmp_path).std() > 5


def test_protocols_stand_side_by_side(rows):
  (axes,) = figures.label_efficiency(rows).axes
  starts = [c[2][0].get_segments()[0][0, 0] for c in axes.containers]
  assert len(set(starts)) == 4
  ticks = axes.get_xticks()
  assert np.abs(np.array(starts) - ticks[0]).max() < np.diff(ticks).min() / 2


def test_no_two_protocols_look_alike(row):
  made = [row(name, 5, 0.5) for name in (*wording.PROTOCOLS, 'simclr')]
  (axes,) = figures.label_efficiency(made).axes
  looks = {
    (line.get_color(), line.get_marker())
    for line in axes.lines
    if line.get_marker() in charts.MARKERS
  }
  assert len(looks) == len(made) == 10


def test_close_and_many_labels_keep_their_distance(row):
  ks = [1, 2, 3, 4, 99, 100, 'all']
  (axes,) = figures.label_efficiency([row('knn', k, 0.5) for k in ks]).axes
  assert [t.get_text() for t in axes.get_xticklabels()] == [str(k) for k in ks]
  assert np.diff(axes.get_xticks()).min() >= 0.9 - 1e-9


def test_the_legend_stands_outside_the_axes(rows, tmp_path):
  figure = figures.label_efficiency(rows)
  saved(figure, tmp_path)
  (legend,), (axes,) = figure.legends, figure.axes
  assert legend.get_window_extent().y0 >= axes.get_window_extent().y1


@pytest.mark.parametrize('low', [None, 0.9])
def test_a_missing_or_odd_interval_is_no_error(row, low, tmp_path):
  one = {**row('knn', 5, 0.5), 'low': low, 'high': None}
  saved(figures.label_efficiency([one]), tmp_path)


def test_only_all_labels_and_no_rows_are_no_error(row, tmp_path):
  rows = [row('knn', 'all', 0.5, n=1)]
  saved(figures.label_efficiency(rows), tmp_path)
  saved(figures.label_efficiency([]), tmp_path)


@THEMES
@pytest.mark.parametrize('channels', [1, 3])
def test_views_show_the_pixels(theme, channels, tmp_path):
  images = np.zeros((3, 5, 8, 8, channels), np.float32)
  images[1, 2] = 1.0
  figure = figures.views_grid(images, theme)
  shown = np.asarray(figure.axes[0].images[0].get_array())
  assert shown[..., :3].sum() == 8 * 8 * 3
  assert shown[..., 3].sum() == 15 * 8 * 8
  saved(figure, tmp_path)


def test_views_of_another_shape_are_refused():
  with pytest.raises(ValueError, match=r'\(2, 8, 8, 3\)'):
    figures.views_grid(np.zeros((2, 8, 8, 3)))


def test_a_large_noisy_picture_still_fits(tmp_path):
  images = np.random.default_rng(0).random((6, 8, 64, 64, 3))
  saved(figures.views_grid(images), tmp_path)


@THEMES
@pytest.mark.parametrize('count', [2, 10, 20, 100])
def test_embeddings_have_a_legend_up_to_twenty_classes(theme, count, tmp_path):
  rng = np.random.default_rng(0)
  labels = np.append(rng.integers(0, count, 399), -1)
  points = {
    'PCA': rng.normal(size=(400, 2)),
    't-SNE': rng.normal(size=(400, 2)),
  }
  names = [f'c{i}' for i in range(count)]
  figure = figures.embeddings(points, labels, names, theme)
  assert [axes.get_title() for axes in figure.axes] == ['PCA', 't-SNE']
  shown = sum(len(c.get_offsets()) for c in figure.axes[0].collections)
  assert shown == 400
  if count <= 20:
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == names
  else:
    assert not figure.legends
    assert '0 to 99' in figure.get_supxlabel()
  saved(figure, tmp_path)


@THEMES
@pytest.mark.parametrize('count', [2, 10, 100])
def test_confusion_is_annotated_where_there_is_room(theme, count, tmp_path):
  matrix = np.eye(count, dtype=int) * 48
  matrix[0, 1] = 2
  names = [f'class {i}' for i in range(count)]
  figure = figures.confusion(matrix, names, theme)
  axes = figure.axes[0]
  texts = [text.get_text() for text in axes.texts]
  assert texts == (['48', '2'] + ['48'] * (count - 1) if count <= 12 else [])
  np.testing.assert_allclose(axes.images[0].get_array()[0, :2], [0.96, 0.04])
  if count <= 20:
    assert [t.get_text() for t in axes.get_yticklabels()] == names
  saved(figure, tmp_path)


def test_confusion_refuses_names_that_do_not_fit():
  with pytest.raises(ValueError, match=r'expected \[3, 3\]'):
    figures.confusion(np.eye(2), ['a', 'b', 'c'])


def test_an_empty_class_is_no_error(tmp_path):
  saved(figures.confusion(np.diag([3.0, 0.0]), ['a', 'b']), tmp_path)


def test_recall_shows_the_weakest_first(tmp_path):
  rows = [
    {'class': f'c{i}', 'recall': 1 - i / 100, 'n': 10} for i in range(100)
  ]
  figure = figures.per_class_recall(rows)
  names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
  assert names == [f'c{i}' for i in range(99, 79, -1)]
  assert '20 weakest of 100' in figure.axes[0].get_xlabel()
  saved(figure, tmp_path)
  saved(figures.per_class_recall([]), tmp_path)


@pytest.mark.filterwarnings('error')
def test_hostile_class_names_are_drawn_as_they_are(tmp_path):
  count = len(HOSTILE)
  labels = np.arange(count).repeat(4)
  points = {'$PCA': np.random.default_rng(0).normal(size=(len(labels), 2))}
  figure = figures.embeddings(points, labels, HOSTILE)
  texts = [text.get_text() for text in figure.legends[0].get_texts()]
  assert texts[0] == '_hidden'
  assert len(texts[2]) == 18
  assert texts[4] == 'two lines'
  saved(figure, tmp_path)
  saved(figures.confusion(np.eye(count), HOSTILE), tmp_path)
  rows = [{'class': name, 'recall': 0.5, 'n': 1} for name in HOSTILE]
  saved(figures.per_class_recall(rows), tmp_path)


@THEMES
def test_the_background_is_the_page(theme, rows, tmp_path):
  pixels = saved(figures.label_efficiency(rows, theme), tmp_path)
  page = canvas.THEMES[theme].page
  want = [int(page[i : i + 2], 16) for i in (1, 3, 5)]
  assert pixels[0, 0].tolist() == want


def test_no_text_is_cut_off(rows, tmp_path):
  rng = np.random.default_rng(0)
  points = {name: rng.normal(size=(50, 2)) for name in ('PCA', 't-SNE')}
  labels = rng.integers(0, 10, 50)
  long = [f'a long class name {i}' for i in range(10)]
  recall = [{'class': name, 'recall': 0.5, 'n': 1} for name in long]
  for figure in (
    figures.label_efficiency(rows),
    figures.views_grid(np.ones((4, 9, 16, 16, 3))),
    figures.embeddings(points, labels, list('0123456789')),
    figures.embeddings(points, labels, long),
    figures.embeddings({'PCA': points['PCA']}, labels, long),
    figures.confusion(np.eye(10), long),
    figures.per_class_recall(recall),
  ):
    pixels = saved(figure, tmp_path)
    edge = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert (np.concatenate(edge) == 255).all()


def test_an_unknown_theme_is_refused(rows):
  with pytest.raises(ValueError, match="'blue'; known: light, dark"):
    figures.label_efficiency(rows, 'blue')


def test_equal_figures_are_equal_files(rows, tmp_path):
  for name in ('a', 'b'):
    figures.save(figures.label_efficiency(rows), tmp_path / name)
  assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()


def luminance(color):
  c = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
  linear = np.where(c <= 0.04, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
  return linear @ [0.2126, 0.7152, 0.0722]


@THEMES
def test_text_and_the_four_protocols_stand_out_from_the_page(theme):
  colors = canvas.THEMES[theme]

  def contrast(color):
    dark, light = sorted([luminance(color), luminance(colors.page)])
    return (light + 0.05) / (dark + 0.05)

  assert min(map(contrast, (colors.ink, colors.muted))) >= 4.5
  assert min(map(contrast, colors.series[:4])) >= 3


def test_a_file_is_a_png_of_twice_a_phones_width(rows):
  buffer = io.BytesIO()
  figures.label_efficiency(rows).savefig(buffer, dpi=canvas.DPI)
  assert Image.open(buffer).size[0] == 777


@THEMES
@pytest.mark.parametrize('count', [1, 3, 8])
def test_curves_by_threshold_have_the_looks_of_their_protocols(
  theme, count, tmp_path
):
  protocols = [*wording.PROTOCOLS][-count:]
  rates = np.linspace(0, 1, 9)
  curves = [
    figures.Curve(
      protocol,
      4 + i % 2,
      (rates, rates ** (1 / (i + 2))),
      (1 - rates / 2, rates),
      (0.25, 0.25 ** (1 / (i + 2)), 0.8),
    )
    for i, protocol in enumerate(protocols)
  ]
  figure = figures.curves_by_threshold(curves, 0.3, theme)
  colors = canvas.THEMES[theme]
  looks = charts.looks(protocols, colors)
  left, right = figure.axes
  # The level of chance; of each curve a line, and the mark that was chosen.
  for axes in (left, right):
    assert len(axes.lines) == 1 + 2 * count
    for i, protocol in enumerate(protocols):
      line, mark = axes.lines[1 + 2 * i : 3 + 2 * i]
      assert {line.get_color(), mark.get_color()} == {looks[protocol]['color']}
      assert mark.get_marker() == looks[protocol]['marker']
  np.testing.assert_allclose(left.lines[1].get_ydata(), 100 * curves[0].roc[1])
  (legend,) = figure.legends
  assert len(legend.get_texts()) == count
  pixels = saved(figure, tmp_path).astype(int)
  page = np.array([int(colors.page[i : i + 2], 16) for i in (1, 3, 5)])
  edge = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
  assert (np.concatenate(edge) == page).all()
