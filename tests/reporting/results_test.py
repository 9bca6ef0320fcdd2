import io
import json
import subprocess
import sys

import numpy as np
import pytest
import rich.console

from semisup_jax.reporting import results as reporting


def strict(text):
  def refuse(name):
    raise AssertionError(f'{name} is not JSON')

  return json.loads(text, parse_constant=refuse)


def test_numbers_become_plain_and_nan_becomes_null(tmp_path):
  path = tmp_path / 'results.json'
  reporting.write_json(
    path,
    {
      'float32': np.float32(0.5),
      'int64': np.int64(3),
      'bool': np.bool_(True),
      'array': np.array([[1.0, np.nan]]),
      'inf': float('inf'),
      'tuple': (1, 'all'),
      'path': tmp_path,
      5: None,
    },
  )
  assert strict(path.read_text()) == {
    'float32': 0.5,
    'int64': 3,
    'bool': True,
    'array': [[1.0, None]],
    'inf': None,
    'tuple': [1, 'all'],
    'path': str(tmp_path),
    '5': None,
  }


def test_a_jax_number_becomes_plain(tmp_path):
  import jax.numpy as jnp

  path = tmp_path / 'results.json'
  half = jnp.asarray(0.5, jnp.bfloat16)
  reporting.write_json(path, {'a': jnp.arange(2), 'b': half})
  assert strict(path.read_text()) == {'a': [0, 1], 'b': 0.5}


@pytest.mark.parametrize('value', [object(), np.array([object()]), 1j])
def test_what_json_cannot_hold_is_refused_with_its_place(tmp_path, value):
  with pytest.raises(TypeError, match=r'results\.rows\[1\]\.mean'):
    reporting.write_json(
      tmp_path / 'results.json', {'rows': [{}, {'mean': value}]}
    )
  assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
  path = tmp_path / 'results.json'
  reporting.write_json(path, {'a': 1})

  def full(*_):
    raise OSError('no space left on device')

  monkeypatch.setattr(reporting.os, 'fsync', full)
  with pytest.raises(OSError, match='no space'):
    reporting.write_json(path, {'a': 2})
  assert strict(path.read_text()) == {'a': 1}
  assert [file.name for file in tmp_path.iterdir()] == ['results.json']


def test_the_grid_orders_protocols_and_labels_and_marks_the_best(rows):
  grid = reporting.results_table(rows[::-1])
  assert grid.protocols == ['linear_probe', 'knn', 'fine_tune', 'supervised']
  assert grid.ks == [1, 5, 20, 'all']
  assert grid.best[5] == {'linear_probe'}
  assert grid.best[20] == {'fine_tune'}
  assert ('supervised', 'all') not in grid.cells
  assert grid.draws(5) == {5}
  assert grid.draws('all') == {1}


def test_the_best_of_an_error_is_the_lowest_and_a_tie_has_two(row):
  lower = [row('knn', 5, 0.3, metric='nll'), row('lp', 5, 0.2, metric='nll')]
  assert reporting.results_table(lower).best[5] == {'lp'}
  tie = [row('knn', 5, 0.3), row('supervised', 5, 0.3)]
  assert reporting.results_table(tie).best[5] == {'knn', 'supervised'}


def test_one_protocol_is_not_the_best_of_anything(row):
  assert reporting.results_table([row('knn', 5, 0.3)]).best == {5: set()}


def printed(results, width=100):
  console = rich.console.Console(file=io.StringIO(), width=width)
  reporting.print_summary(results, console)
  return console.file.getvalue()


def test_the_summary_shows_the_table_and_the_sentences(results):
  text = printed(results)
  assert '95.1 ± 1.0 *' in text
  assert 'SimCLR on digits' in text
  assert 'At 5 labels a class the linear probe is best' in text
  assert 'all draws share one encoder' in text.replace('\n', ' ')


def test_the_summary_takes_markup_for_text(results):
  results['dataset'] = '[red]x[/nothing]'
  assert '[red]x[/nothing]' in printed(results)


def test_the_summary_of_no_rows_is_no_error(results):
  results['rows'] = []
  assert 'best' not in printed(results)


def test_words_and_page_need_neither_jax_nor_matplotlib():
  code = (
    'import sys\n'
    'from semisup_jax.reporting import findings, page, results\n'
    'assert not {"jax", "matplotlib"} & set(sys.modules)'
  )
  subprocess.run([sys.executable, '-c', code], check=True)
