import html
import re

import pytest

from semisup_jax.reporting import audit_section


@pytest.fixture
def audited():
  shares = ((0.95, 812, 0.963), (0, 1028, 0.91), (0.999, 0, None))
  classes = (('none', 0, None), ('good', 80, 0.99), ('bad', 9, 0.4))
  return {
    'pseudo_labels': [
      {'threshold': t, 'kept': k, 'n': 1028, 'yield': k / 1028, 'precision': p}
      | ({'used': True} if t == 0.95 else {})
      for t, k, p in shares
    ],
    'pseudo_labels_by_class': [
      {'class': name, 'n': 90, 'predicted': n, 'precision': p, 'recall': 0.5}
      for name, n, p in classes
    ],
    'pseudo_labels_reliability': [
      {'low': 0, 'high': 0.5, 'count': 0, 'confidence': None, 'accuracy': None},
      {'low': 0.5, 'high': 1, 'count': 10, 'confidence': 0.9, 'accuracy': 0.8},
    ],
    'pseudo_labels_confusion': [[3, 0], [1, 6]],
  }


def words(made):
  """What a reader sees of it, spaces made plain."""
  text = html.unescape(re.sub('<[^>]*>', ' ', made)).replace('\xa0', ' ')
  return ' '.join(text.split())


def lines(made, label):
  """The cells of a table, line by line."""
  table = made[made.index(f'aria-label="{label}"') :]
  rows = re.findall('<tr>(.*?)</tr>', table[: table.index('</table>')])
  return [words(re.sub('</t[hd]>', ' | ', row)) for row in rows]


def test_it_says_what_the_threshold_does(audited):
  assert (
    'At the threshold of 0.95, 812 of 1,028 unlabelled images (79.0 %) get a '
    'pseudo-label, of which 96.3 % are right; without a threshold 91.0 % would '
    'be. Confidence and accuracy differ by 10.0 points on average'
  ) in words(audit_section.section(audited))


def test_thresholds_ascend_and_the_used_one_is_marked(audited):
  made = audit_section.section(audited)
  assert lines(made, 'Pseudo-labels by threshold') == [
    'threshold | kept | kept, % of all | right, % of kept |',
    '0 | 1,028 | 100.0 | 91.0 |',
    '0.95 (used) | 812 | 79.0 | 96.3 |',
    '0.999 | 0 | 0.0 | - |',
  ]
  assert re.findall('<strong>(.*?)</strong>', made) == ['0.95']


def test_the_least_precise_class_stands_first(audited):
  made = audit_section.section(audited)
  assert lines(made, 'Pseudo-labels by class') == [
    'class | images | labelled so | precision, % | recall, % |',
    'bad | 90 | 9 | 40.0 | 50.0 |',
    'good | 90 | 80 | 99.0 | 50.0 |',
    'none | 90 | 0 | - | 50.0 |',
  ]


@pytest.mark.parametrize(
  ('name', 'part'),
  [
    ('pseudo_labels', 'At the threshold of 0.95'),
    ('pseudo_labels_by_class', 'labelled so'),
    ('pseudo_labels_reliability', 'Confidence and accuracy'),
  ],
)
def test_one_table_is_enough(audited, name, part):
  made = words(audit_section.section({name: audited[name]}))
  assert made.startswith('Pseudo-labels')
  assert part in made


@pytest.mark.parametrize('extra', [{}, {'pseudo_labels': []}, {'other': [3]}])
def test_nothing_makes_no_section(extra):
  assert audit_section.section(extra) == ''


@pytest.mark.parametrize(('count', 'folded'), [(20, False), (21, True)])
def test_many_classes_are_folded(audited, count, folded):
  rows = audited['pseudo_labels_by_class'][:1] * count
  made = audit_section.section({'pseudo_labels_by_class': rows})
  assert ('<details>' in made) == folded
  assert made.count('<td') == 4 * count


def test_the_name_of_a_class_is_escaped(audited):
  bad = '<script>alert(1)</script>'
  audited['pseudo_labels_by_class'][0]['class'] = bad
  made = audit_section.section(audited)
  assert '<script' not in made
  assert html.escape(bad) in made
