"""The page about several runs, and its curves."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax.reporting import compared_runs, figures, runs_page

from .. import made_runs
from .reader import read, text_of


def make(name, *, shift=0.0, protocol='linear_probe', **fields):
  config = made_runs.changed(fields)
  results = made_runs.results(config, shift=shift, protocol=protocol)
  return compared_runs.Run(name, results, config)


def difference(**more):
  row = {'run': 'b', 'baseline': 'a', 'protocol': 'linear_probe', 'n': 3}
  row |= {'metric': 'top1', 'labels_per_class': 1, 'n_baseline': 3}
  row |= {'mean': 0.1, 'low': 0.05, 'high': 0.15, 'paired': True}
  return row | more


def write(tmp_path, runs, differences=(), shown=()):
  path = tmp_path / 'report.html'
  grouped = compared_runs.groups(runs)
  command = 'python launch.py --config=configs/compare.py'
  runs_page.write_page(path, grouped, runs, differences, shown, command)
  read(path)
  return path


def drawn(tmp_path, group):
  files = {}
  for theme in ('light', 'dark'):
    files[theme] = tmp_path / f'{theme}.png'
    figures.save(figures.curves_of_runs(group, theme), files[theme])
    assert np.asarray(Image.open(files[theme]).convert('RGB')).std() > 0
  return files


def test_the_page_says_what_it_must_and_needs_no_other_file(tmp_path):
  runs = [make('a'), make('x/b', shift=0.1, **{'model.width': 16})]
  files = drawn(tmp_path, runs)
  shown = [('Curves', 'By labels.', files)]
  path = write(tmp_path, runs, [difference(run='x/b')], shown)
  text = text_of(path)
  for part in (
    'a and x/b on digits',
    'Of 1 comparison, x/b is above a in 1.',
    'a: Linear probe',
    '50.0± 10.0',
    'n = 3',
    'Linear probe: x/b vs a',
    '+10.0†5.0 to 15.0',
    'By the linear probe, x/b against a: 10.0 points above at 1 label a class',
    'model.width3216',
    'They agree in all that was recorded.',
    'python launch.py --config=configs/compare.py',
    'a, x/b: No labelled image is among the unlabelled ones.',
    'Negative log-likelihood',
  ):
    assert part in text, part
  assert 'What may not be compared' not in text
  assert 'model.name' not in text
  images = read(path).all('img')
  assert [image['class'] for image in images] == ['light', 'dark']
  assert all(image['src'].startswith('data:image/png') for image in images)


def test_the_best_of_a_column_is_marked_over_all_runs(tmp_path):
  path = write(tmp_path, [make('a'), make('b', shift=0.05)])
  text = path.read_text()
  assert '<strong>55.0</strong><span class="mark">*</span>' in text
  assert '<strong>50.0' not in text


def test_runs_tested_on_other_images_have_tables_of_their_own(tmp_path):
  runs = [make('a'), make('b', shift=0.05, **{'data.name': 'npz'})]
  path = write(tmp_path, runs)
  text = text_of(path)
  assert 'a: digits, test split' in text
  assert 'b: npz, test split' in text
  assert 'No two of these runs were tested on the same images.' in text
  assert 'What may not be compared, or not in pairs' in text
  assert (
    '<strong>' not in path.read_text()
  )  # No best of what is not comparable.
  assert 'Differences from' not in text


def test_differences_that_are_not_paired_say_so(tmp_path):
  runs = [make('a'), make('b', seed=1)]
  path = write(tmp_path, runs, [difference(paired=False, n=5)])
  text = text_of(path)
  assert 'Linear probe (not paired): b vs a' in text
  assert 'By the linear probe, unpaired, b against a' in text
  assert 'n = 5 and 3' in text
  assert 'seed is 0 in a and 1 in b' in text


def test_a_persons_text_is_escaped_everywhere(tmp_path):
  bad = '"><script>alert(1)</script>&\'{0}'
  runs = [make(bad), make('b', **{bad: bad, 'data.name': bad})]
  for run in runs:
    run.results['dataset'] = run.results['method'] = bad
    run.results['notes'] = [bad]
    run.results['run'].update(command=bad, hardware=bad, counts={bad: 3})
    run.results['rows'][0]['protocol'] = bad
  path = write(tmp_path, runs, [difference(baseline=bad, protocol=bad)])
  assert not read(path).all('script')
  assert '<script' not in path.read_text()


def test_runs_that_evaluated_nothing_make_a_page(tmp_path):
  runs = [make('a'), make('b')]
  for run in runs:
    run.results['rows'].clear()
    run.results['tables'].clear()
    run.results.pop('run')
  path = write(tmp_path, runs)
  assert 'No protocol was evaluated.' in text_of(path)
  assert not figures.curves_of_runs(runs).axes[0].lines


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_run_has_one_color_and_a_protocol_one_mark(theme):
  two = make('b')
  two.results['rows'].extend(
    made_runs.results(two.config, protocol='knn')['rows']
  )
  figure = figures.curves_of_runs([make('a'), two], theme)
  (axes,) = figure.axes
  lines = [line for line in axes.lines if line.get_linestyle() == '-']
  a, b, b_knn = lines
  assert a.get_color() != b.get_color() == b_knn.get_color()
  assert a.get_marker() == b.get_marker() != b_knn.get_marker()
  (legend,) = figure.legends
  assert [text.get_text() for text in legend.get_texts()] == [
    'a, Linear probe',
    'b, Linear probe',
    'b, kNN',
  ]
  assert axes.get_ylabel() == 'Top-1 accuracy, %'


def test_all_labels_stand_behind_a_dotted_line():
  (axes,) = figures.curves_of_runs([make('a')]).axes
  assert [t.get_text() for t in axes.get_xticklabels()] == ['1', '5', 'all']
  few, to_all = axes.lines
  np.testing.assert_allclose(few.get_ydata(), [50, 75])
  np.testing.assert_allclose(to_all.get_ydata(), [75, 90])
  assert to_all.get_linestyle() == ':'
  band, bar = axes.collections
  assert band.get_paths()[0].get_extents().x1 == few.get_xdata()[-1]
  np.testing.assert_allclose(bar.get_segments()[0][:, 1], [85, 95])


def test_many_lines_get_a_panel_for_each_protocol():
  runs = []
  for i in range(5):
    run = make(f'a very long name of a folder, number {i}')
    run.results['rows'].extend(
      made_runs.results(run.config, protocol='knn')['rows']
    )
    runs.append(run)
  figure = figures.curves_of_runs(runs, looks=[3, 1, 0, 2, 4])
  titles = [axes.get_title(loc='left') for axes in figure.axes]
  assert titles == ['Linear probe', 'kNN']
  names = [text.get_text() for text in figure.legends[0].get_texts()]
  assert len(set(names)) == 10  # Shortened, and still told apart.


def test_names_that_are_shortened_alike_are_numbered():
  group = [make(f'method=simclr,width={w},depth=8,seed=0') for w in (16, 32)]
  (legend,) = figures.curves_of_runs(group).legends
  first, second = [text.get_text() for text in legend.get_texts()]
  assert first.startswith('1. method=simc')
  assert first.removeprefix('1') == second.removeprefix('2')


def test_labels_of_the_source_are_said_to_be_such():
  run = make('a', **{'transfer.labels_per_class': [1, 5]})
  (axes,) = figures.curves_of_runs([run]).axes
  assert axes.get_xlabel() == 'labels a class of the source'
