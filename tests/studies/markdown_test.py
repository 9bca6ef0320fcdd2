"""Tables as GitHub shows them."""

import pytest

from semisup_jax.studies import markdown, statistics


def row(method, k, mean, std=None, **fields):
  return {
    'method': method,
    'labels_per_class': k,
    'metric': 'top1',
    'mean': mean,
    'std': std,
    'n': 1 if std is None else 3,
    'over': 'seed',
    **fields,
  }


def test_a_table_has_a_rule_and_escaped_cells():
  assert markdown.table(['a|b', 'n'], [['x\\|y\nz', 1]]) == (
    '| a\\|b | n |\n| --- | ---: |\n| x\\\\\\|y z | 1 |\n'
  )
  with pytest.raises(ValueError, match='2 columns, but a row of 1'):
    markdown.table(['a', 'b'], [['x']])


def test_a_grid_is_laid_out_by_its_fields():
  rows = [
    row('simclr', 'all', 0.987),
    row('simclr', 5, 0.9512, 0.0111),
    row('supervised', 5, 0.93, 0.02),
  ]
  assert markdown.grid(rows) == (
    '| method \\\\ labels a class | 5 | all |\n'
    '| --- | ---: | ---: |\n'
    '| SimCLR | 95.1 ± 1.1 | 98.7 |\n'
    '| supervised | 93.0 ± 2.0 |  |\n'
  )


def test_a_grid_refuses_to_lose_or_mix_numbers():
  rows = [row('simclr', 5, 0.9, protocol=p) for p in ('knn', 'fine_tune')]
  with pytest.raises(ValueError, match='two rows have one place'):
    markdown.grid(rows)
  text = markdown.grid(rows, ('method', 'protocol'))
  assert '| SimCLR | kNN | 90.0 |' in text
  with pytest.raises(ValueError, match='one metric'):
    markdown.grid([row('a', 5, 0.9), row('b', 5, 0.9, metric='nll')])


def test_a_difference_is_bold_where_its_interval_excludes_zero():
  assert markdown.difference(row('a', 5, 0.061, low=0.032, high=0.09)) == (
    '**+6.1 (3.2 to 9.0)**'
  )
  assert markdown.difference(row('a', 5, -0.01, low=-0.03, high=0.01)) == (
    '-1.0 (-3.0 to 1.0)'
  )
  assert markdown.difference(row('a', 5, 0.0, low=None, high=None)) == '0.0'
  assert markdown.difference(None) == ''


def test_replications_are_counted():
  assert markdown.replications([row('a', 1, 0.9)]) == 'n = 1 seed'
  rows = [row('a', 1, 0.9), row('a', 5, 0.9, 0.1)]
  assert markdown.replications(rows) == 'n = 1 to 3 seeds'
  assert markdown.replications(rows[1:]) == 'n = 3 seeds'


def test_the_default_page_has_every_metric_and_leaves_out_what_is_the_same(
  launch, tmp_path
):
  rows, _ = launch()
  text = (tmp_path / 'study' / 'page.md').read_text()
  assert text.startswith('# fake\n\n12 points, 24 s in all.\n')
  assert '## Top-1 accuracy, %' in text
  assert '| SimCLR | 63.0 ± 2.0 | 67.0 ± 2.0 |' in text
  assert '## Negative log-likelihood\n' in text
  assert 'linear_probe' not in text.lower().replace(' ', '_')
  assert 'n = 3 seeds' in text
  means = statistics.summarize(rows)
  assert {r['n'] for r in means} == {3}
