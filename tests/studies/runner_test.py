"""A study: skipped, resumed, divided, refused; its rows are the same."""

import contextlib
import json
import sys

import pytest
from ml_collections import config_dict

from semisup_jax.experiments import workdir as workdir_lib
from semisup_jax.studies import rows as rows_lib
from semisup_jax.training import NotFiniteError
from semisup_jax.types import InputError

from .conftest import accuracy, study, sweep

FIRST = 'method=simclr,labels_per_class=1,seed=0'
SECOND = 'method=simclr,labels_per_class=1,seed=1'


@pytest.fixture
def workdir(tmp_path):
  return tmp_path / 'study'


def edit(path, **fields):
  path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_every_point_has_a_row_with_its_factors_and_results(launch, workdir):
  rows, _ = launch()
  assert rows == rows_lib.read(workdir / 'rows.jsonl')
  assert [row['factors'] for row in rows] == [f for f, _ in sweep()]
  for row, (_, config) in zip(rows, sweep(), strict=True):
    assert row['rows'][0]['mean'] == accuracy(config)
    assert row['seconds'] == 2.0
    assert row['counts'] == {'test': 449}
    assert list(row['tables']) == ['metrics']
  assert rows[0]['point'] == FIRST


def test_a_study_names_the_tables_that_its_rows_keep(launch):
  rows, _ = launch(config=study(tables=('per_class_recall',)))
  assert list(rows[0]['tables']) == ['per_class_recall']


def test_what_a_study_leaves(launch, workdir):
  launch()
  left = {path.name for path in workdir.iterdir()}
  assert left == {
    'config.json',
    'page.md',
    'points',
    'results.json',
    'rows.jsonl',
  }
  log = (workdir / 'points' / FIRST / 'log.txt').read_text()
  assert log == f'log of {FIRST}\n'
  results = json.loads((workdir / 'results.json').read_text())
  assert (results['study'], results['points']) == ('fake', 12)
  assert {row['n'] for row in results['rows']} == {3}
  config = json.loads((workdir / 'config.json').read_text())
  assert config['config']['seeds'] == [0, 1, 2]
  assert config['versions'].keys() >= {'jax', 'python'}


def test_finished_points_are_skipped_and_added_ones_are_run(launch, runs):
  launch(sweep(seeds=(0, 1)))
  assert len(runs.names) == 8
  rows, _ = launch(sweep(seeds=(0, 1, 2)), config=study(more=1))
  assert len(runs.names) == len(set(runs.names)) == len(rows) == 12


def test_a_study_that_was_stopped_loses_the_running_point_alone(
  launch, runs, workdir, tmp_path
):
  runs.failing = {SECOND: KeyboardInterrupt()}
  with pytest.raises(KeyboardInterrupt):
    launch()
  assert [r['point'] for r in rows_lib.read(workdir / 'rows.jsonl')] == [FIRST]
  runs.failing = {}
  rows, _ = launch()
  assert runs.names.count(FIRST) == 1
  assert len(runs.names) == 12
  workdir.rename(tmp_path / 'stopped')
  whole, _ = launch()
  assert rows == whole


@pytest.mark.parametrize('text', ['', '{"rows": [', '[]', '{"rows": null}'])
def test_torn_results_are_not_finished(launch, runs, workdir, text):
  launch()
  (workdir / 'points' / FIRST / 'results.json').write_text(text)
  runs.names.clear()
  rows, _ = launch()
  assert runs.names == [FIRST]
  assert len(rows) == 12


def test_a_kill_before_the_config_was_written_is_survived(launch, workdir):
  folder = workdir / 'points' / FIRST
  folder.mkdir(parents=True)
  (folder / 'config.tmp').write_text('{')
  (workdir / 'config.json').write_text('{"config": {"study": "fake"}}')
  rows, _ = launch()
  assert len(rows) == 12


def test_a_point_of_another_config_is_refused_and_nothing_is_run(
  launch, runs, workdir
):
  launch(sweep(seeds=(0,)))
  before = (workdir / 'config.json').read_bytes()
  runs.names.clear()
  with pytest.raises(InputError, match='width is unset there, 8 here'):
    launch(sweep(width=8))
  assert not runs.names
  assert (workdir / 'config.json').read_bytes() == before


def test_a_folder_of_another_study_or_of_anything_else_is_refused(
  launch, workdir
):
  launch()
  with pytest.raises(InputError, match="not hold the study 'other'"):
    launch(config=config_dict.create(study='other'))
  edit(workdir / 'config.json', config={'seed': 0})
  with pytest.raises(InputError, match='does not hold the study'):
    launch()
  (workdir / 'config.json').unlink()
  with pytest.raises(InputError, match='does not hold the study'):
    launch()


def test_parts_merge_and_the_last_one_writes_the_page(launch, runs, workdir):
  rows, said = launch(part=(2, 3))
  assert '4 of 12 points are finished' in said
  assert [row['point'] for row in rows] == runs.names
  assert not (workdir / 'page.md').exists()
  assert not (workdir / 'results.json').exists()
  launch(part=(1, 3))
  rows, said = launch(part=(3, 3))
  assert '12 of 12' in said
  assert [row['factors'] for row in rows] == [f for f, _ in sweep()]
  assert (workdir / 'page.md').exists()


@pytest.mark.parametrize(
  ('taken', 'said_of_them'),
  [
    ([FIRST], '1 point is run by another process'),
    ([FIRST, SECOND], '2 points are run by other processes'),
  ],
)
def test_a_point_that_another_process_runs_is_left_to_it(
  launch, runs, workdir, taken, said_of_them
):
  runs.failing = {FIRST: KeyboardInterrupt()}
  with pytest.raises(KeyboardInterrupt):
    launch()  # The folder is that of the study.
  runs.failing = {}
  with contextlib.ExitStack() as stack:
    for name, (_, config) in zip(taken, sweep(), strict=False):
      folder = workdir / 'points' / name
      stack.enter_context(workdir_lib.claimed(folder, config.to_dict()))
    rows, said = launch()
  assert len(rows) == 12 - len(taken)
  assert not set(taken) & set(runs.names)
  assert said_of_them in ' '.join(said.split())
  assert not (workdir / 'page.md').exists()
  rows, said = launch()
  assert len(rows) == 12
  assert runs.names[-len(taken) :] == taken
  assert 'another process' not in said


def test_a_point_that_diverges_is_named_at_the_end_and_the_rest_runs(
  launch, runs, workdir
):
  runs.failing = {SECOND: NotFiniteError('loss is nan at step 3')}
  with pytest.raises(NotFiniteError) as caught:
    launch()
  assert str(caught.value) == (
    f'1 of 12 points failed: {SECOND} (loss is nan at step 3)'
  )
  assert len(runs.names) == 11
  assert len(rows_lib.read(workdir / 'rows.jsonl')) == 11
  assert not (workdir / 'page.md').exists()
  log = (workdir / 'points' / SECOND / 'log.txt').read_text()
  assert 'failed: loss is nan at step 3' in log


def test_bad_configs_are_refused_before_anything_is_run_or_written(
  launch, runs, workdir
):
  checked = []

  def check(config):
    checked.append(config.seed)
    if config.k == 5:
      raise InputError('k is 5')

  with pytest.raises(InputError) as caught:
    launch(check=check)
  assert str(caught.value) == (
    'point method=simclr,labels_per_class=5,seed=0: k is 5'
  )
  assert checked == [0, 0]  # One seed of each kind.
  with pytest.raises(InputError, match="unknown experiment 'x'; known: "):
    launch((f, c.update(experiment='x') or c) for f, c in sweep())
  assert not runs.names
  assert not workdir.exists()


def test_a_config_that_fails_late_stops_the_study_by_name(launch, runs):
  runs.failing = {SECOND: InputError('no such file')}
  with pytest.raises(InputError, match=f'point {SECOND}: no such file'):
    launch()
  assert runs.names == [FIRST]


def test_a_defect_is_raised_with_the_name_of_its_point(launch, runs):
  runs.failing = {SECOND: ZeroDivisionError()}
  with pytest.raises(ZeroDivisionError) as caught:
    launch()
  assert SECOND in caught.value.__notes__[0]


def test_warnings_of_a_point_go_to_its_log(launch, runs, workdir, capsys):
  def run_point(config, folder, **arguments):
    print('odd', file=sys.stderr)
    runs(config, folder, **arguments)

  launch(run_point=run_point)
  assert 'odd' in (workdir / 'points' / FIRST / 'log.txt').read_text()
  assert not capsys.readouterr().err


def test_what_it_says_is_a_line_for_each_point(launch):
  _, said = launch()
  lines = said.splitlines()
  assert lines[0].startswith(f'1/12 {FIRST}: 0.')
  assert lines[0].endswith(' left')
  assert lines[11].startswith('12/12 ')
  assert 'left' not in lines[11]
  assert 'log of' not in said
  _, said = launch()
  assert said.startswith('12 of 12 points are finished')


def test_the_page_function_gets_the_rows(launch, workdir):
  calls = []
  rows, _ = launch(write_page=lambda *arguments: calls.append(arguments))
  ((config, given, folder, _),) = calls
  assert (config.study, given, folder) == ('fake', rows, workdir)
  assert not (workdir / 'page.md').exists()
