import io

import pytest
import rich.console

from semisup_jax.reporting import figures, findings, page, wording
from semisup_jax.reporting import results as reporting


@pytest.mark.parametrize(
  ('name', 'in_table', 'in_sentence'),
  [
    ('linear_probe', 'Linear probe', 'the linear probe'),
    ('supervised', 'Supervised', 'supervised training'),
    ('fixmatch', 'FixMatch', 'FixMatch'),
    ('dcl', 'DCL', 'DCL'),
    ('mean_teacher', 'Mean Teacher', 'Mean Teacher'),
    ('cutmix', 'CutMix', 'CutMix'),
    ('self_training', 'Pseudo-labels', 'pseudo-labelling'),
    ('teacher', 'Teacher', 'the teacher'),
    ('student', 'Student', 'the student'),
    ('random_encoder', 'Random encoder', 'the random encoder'),
    ('new_idea', 'New idea', 'new idea'),
    ('SimCLR on STL-10', 'SimCLR on STL-10', 'SimCLR on STL-10'),
    ('', '', ''),
  ],
)
def test_a_protocol_is_written_as_its_authors_do(name, in_table, in_sentence):
  assert wording.protocol(name) == in_table
  assert wording.protocol_in_sentence(name) == in_sentence


@pytest.mark.parametrize('name', ['sup_con', 'mixup', 'raw_pixels', 'collage'])
def test_no_name_of_a_method_has_an_underscore(name):
  assert name in wording.METHODS
  for text in (wording.method(name), wording.protocol_in_sentence(name)):
    assert '_' not in text


@pytest.mark.parametrize(
  ('k', 'text'),
  [
    (1, 'at 1 label a class'),
    (5.0, 'at 5 labels a class'),
    (4.25, 'at 4.25 labels a class'),
    (10 / 3, 'at 3.33 labels a class'),
    (100.0, 'at 100 labels a class'),
    ('all', 'with all labels'),
  ],
)
def test_an_average_number_of_labels_is_short(k, text):
  assert wording.labels(k) == text


def test_labels_are_listed():
  assert wording.labels_listed([1, 2.5, 'all']) == (
    'at 1 and 2.5 labels a class and with all labels'
  )
  assert wording.short([1, 2.5, 10.0]) == 'at 1, 2.5 and 10'


@pytest.fixture
def trained_anew(row, pair):
  """What a run of self-training leaves, its labels a class an average."""
  return {
    'method': 'self_training',
    'dataset': 'digits',
    'rows': [
      row('student', 10 / 3, 0.93),
      row('teacher', 10 / 3, 0.9),
      row('fixmatch', 10 / 3, 0.95),
      row('supervised', 10 / 3, 0.88),
      row('student', 7.5, 0.96),
      row('supervised', 7.5, 0.9),
    ],
    'tables': {
      'differences': [pair('fixmatch', 'student', 10 / 3, 0.02, 0.01, 0.03)]
    },
  }


def test_sentences_read_well_for_other_protocols(trained_anew):
  assert findings.sentences(trained_anew) == [
    'At 3.33 labels a class FixMatch is best: 95.0 % ± 1.0 (n = 5 draws), 7.0 '
    'points above supervised training (no interval of the difference). It is '
    '2.0 points above the student (95 % interval 1.0 to 3.0).',
    'At 7.5 labels a class the student is best: 96.0 % ± 1.0 (n = 5 draws), '
    '6.0 points above supervised training (no interval of the difference).',
  ]
  assert findings.headline(trained_anew).startswith(
    'FixMatch is best at 3.33 labels a class, the student at 7.5. Over '
    'supervised training from scratch the gain is 7.0 points at 3.33 labels'
  )


def test_no_shared_encoder_is_spoken_of_where_there_is_none(trained_anew, row):
  assert 'share one encoder' not in findings.scope(trained_anew)
  trained_anew['rows'].append(row('knn', 7.5, 0.8))
  assert 'share one encoder' in findings.scope(trained_anew)


def test_averages_reach_every_output(trained_anew, tmp_path):
  (axes,) = figures.label_efficiency(trained_anew['rows']).axes
  assert [t.get_text() for t in axes.get_xticklabels()] == ['3.33', '7.5']
  names = [c.get_label() for c in axes.containers]
  assert sorted(names) == ['FixMatch', 'Student', 'Supervised', 'Teacher']
  console = rich.console.Console(file=io.StringIO(), width=100)
  reporting.print_summary(trained_anew, console)
  page.write_page(tmp_path / 'report.html', trained_anew, [])
  made = (tmp_path / 'report.html').read_text()
  assert 'Few labels: Pseudo-labels on digits' in made
  for text in (console.file.getvalue(), made):
    assert '3.33' in text
    assert '3.333' not in text
    assert 'Fixmatch' not in text
