import base64
import re

import numpy as np
import pytest

from semisup_jax.reporting import figures, page

from .reader import read, text_of


@pytest.fixture
def files(tmp_path, rows):
  paths = {}
  for theme in ('light', 'dark'):
    paths[theme] = tmp_path / f'{theme}.png'
    figures.save(figures.label_efficiency(rows, theme), paths[theme])
  return paths


@pytest.fixture
def made(tmp_path, results, files):
  shown = [
    ('Label efficiency', 'Against labels a class.', files),
    ('Another', 'In light alone.', {'light': files['light']}),
  ]
  config = {'seed': 0, 'data': {'name': 'digits', 'views': 'crop(0.2)|flip'}}
  page.write_page(tmp_path / 'report.html', results, shown, config)
  return tmp_path / 'report.html'


def test_the_page_needs_nothing_but_itself(made):
  reader = read(made)
  sources = [
    value
    for _, attrs in reader.tags
    for name, value in attrs.items()
    if name in ('src', 'srcset', 'href', 'data', 'poster')
  ]
  assert len(sources) == 3
  assert all(source.startswith('data:image/png;base64,') for source in sources)
  assert not {'script', 'link', 'iframe'} & {tag for tag, _ in reader.tags}
  style = re.search('<style>(.*?)</style>', made.read_text(), re.S)[1]
  assert 'url(' not in style
  assert '@import' not in style


def test_the_images_are_the_files(made, files):
  images = read(made).all('img')
  data = [base64.b64decode(image['src'].split(',')[1]) for image in images]
  light, dark = (files[theme].read_bytes() for theme in ('light', 'dark'))
  assert data == [light, dark, light]
  # One of a pair is hidden; one without a pair never is.
  assert [image['class'] for image in images] == ['light', 'dark', '']
  assert all(image['alt'] and image['width'] == '777' for image in images)


def test_the_page_says_what_it_must(made):
  reader = read(made)
  text = text_of(made)
  for part in (
    'Few labels: SimCLR on digits',
    'The linear probe is best at 1 and 5 labels a class',
    'At 5 labels a class the linear probe is best: 95.1 % ± 1.0',
    'python launch.py --config=configs/simclr.py',
    '1,038 unlabelled, 500 test',
    '5 min 12 s',
    'jax 0.10.1',
    'data.views',
    'The unlabelled split contains the labelled images.',
    'n = 5',
    'Negative log-likelihood',
  ):
    assert part in text, part
  assert reader.all('html')[0]['lang'] == 'en'
  headings = [tag for tag, _ in reader.tags if re.fullmatch(r'h\d', tag)]
  assert headings.count('h1') == 1
  assert headings[:2] == ['h1', 'h2']


def test_the_order_is_finding_table_figure_differences_rest(made):
  text = made.read_text()
  places = [
    text.index(part)
    for part in (
      '<h1>',
      'class="lead"',
      '>Top-1 accuracy, %</h2>',
      '<b>Label efficiency.',
      '>Paired differences, points</h2>',
      '<b>Another.',
      '>Other metrics</summary>',
      '>How to repeat it</h2>',
      '>Config</summary>',
      '>Notes</h2>',
    )
  ]
  assert places == sorted(places)


def test_the_best_of_a_column_is_bold_and_marked(made):
  text = made.read_text()
  assert '<strong>95.1</strong><span class="mark">*</span>' in text
  assert '<strong>94.7' not in text


def test_a_difference_is_marked_where_its_interval_excludes_zero(made):
  text = made.read_text()
  assert '<strong>+9.8</strong><span class="mark">&dagger;</span>' in text
  assert '+0.4<span class="mark"></span>' in text
  assert '&minus;0.6 to 1.4' in text


def test_a_persons_text_is_escaped_everywhere(tmp_path, results, files):
  bad = '"><script>alert(1)</script>&\'{0}'
  results['dataset'] = results['split'] = results['method'] = bad
  results['notes'] = [bad]
  results['run'].update(
    command=bad, hardware=bad, devices=bad, date=bad, commit=bad
  )
  results['run'].update(versions={bad: bad}, counts={bad: 3})
  for row in (*results['rows'], *results['tables']['metrics']):
    row['interval'] = bad
  for row in results['rows'][:2]:
    row['protocol'] = bad
  results['tables']['per_class_recall'] = [
    {'class': bad, 'recall': 0.5, 'n': 2, 'shown': True}
  ]
  results['tables']['differences'][0]['baseline'] = bad
  path = tmp_path / 'report.html'
  page.write_page(path, results, [(bad, bad, files)], {bad: {bad: bad}})
  reader = read(path)
  assert not reader.all('script')
  assert '<script' not in path.read_text()
  assert bad in ''.join(reader.text)


def test_every_table_scrolls_in_its_own_box(made):
  tags = read(made).tags
  for i, (tag, _) in enumerate(tags):
    if tag == 'table':
      before, attrs = tags[i - 1]
      assert before == 'div'
      assert attrs['class'] == 'scroll'
      assert attrs['tabindex'] == '0'
      assert attrs['aria-label']


@pytest.mark.parametrize('kept', [['knn'], ['supervised'], []])
def test_few_protocols_make_a_page(tmp_path, results, kept):
  results['rows'] = [r for r in results['rows'] if r['protocol'] in kept]
  results['tables'] = {}
  page.write_page(tmp_path / 'report.html', results, [])
  assert '<strong>' not in (tmp_path / 'report.html').read_text()
  read(tmp_path / 'report.html')


def test_the_least_of_results_makes_a_page(tmp_path):
  page.write_page(tmp_path / 'report.html', {'rows': []}, [])
  assert 'No protocol was evaluated.' in ''.join(
    read(tmp_path / 'report.html').text
  )


def test_a_hundred_classes_make_a_page(tmp_path, results):
  results['tables']['per_class_recall'] = [
    {'class': f'name {i}', 'recall': i / 100, 'n': 100, 'shown': True}
    for i in range(100)
  ]
  paths = {'light': tmp_path / 'confusion.png'}
  names = [f'name {i}' for i in range(100)]
  figures.save(figures.confusion(np.eye(100), names), paths['light'])
  page.write_page(
    tmp_path / 'report.html', results, [('Confusion', 'All.', paths)]
  )
  assert 'name 99' in ''.join(read(tmp_path / 'report.html').text)


def test_tables_that_are_unknown_or_empty_change_nothing(tmp_path, results):
  page.write_page(tmp_path / 'plain.html', results, [])
  results['tables'] |= {'unheard_of': [[{'a': 1}]], 'pseudo_labels': []}
  page.write_page(tmp_path / 'report.html', results, [])
  plain, made = (
    (tmp_path / name).read_text() for name in ('plain.html', 'report.html')
  )
  assert made == plain
  assert '>Pseudo-labels</h2>' not in made


def test_pseudo_labels_stand_before_the_closer_look(tmp_path, results, files):
  results['tables']['pseudo_labels_by_class'] = [
    {'class': 'a', 'n': 9, 'predicted': 4, 'precision': 0.5, 'recall': 0.2}
  ]
  path = tmp_path / 'report.html'
  page.write_page(path, results, [('One', 'First.', files)] * 2)
  read(path)
  places = [
    path.read_text().index(f'>{title}</h2>')
    for title in ('In words', 'Pseudo-labels', 'A closer look')
  ]
  assert places == sorted(places)
