"""Several finished runs are read, compared, and shown on one page."""

import io
import json

import pytest
import scipy.stats
from rich.console import Console

from configs import compare as recipe
from semisup_jax import command_line, experiments
from semisup_jax.experiments import compare, finished_runs
from semisup_jax.reporting import compared_runs
from semisup_jax.types import InputError

from .. import made_runs

HIGHER = {1: (0.55, 0.68, 0.45), 5: (0.71, 0.79, 0.78), 'all': (0.95,)}


@pytest.fixture
def folders(tmp_path):
  """Two runs of one seed, one of another, and one of other data."""
  made_runs.write(tmp_path / 'a')
  made_runs.write(tmp_path / 'b', {'model.width': 16}, draws=HIGHER)
  made_runs.write(tmp_path / 'seed', {'seed': 1}, draws=HIGHER)
  made_runs.write(tmp_path / 'npz', {'data.name': 'npz'}, draws=HIGHER)
  return tmp_path


def read(folders, *names):
  return finished_runs.read([str(folders / name) for name in names])


@pytest.mark.parametrize('kind', [','.join, tuple, list])
def test_runs_are_read_in_their_order(folders, kind):
  asked = kind([str(folders / name) for name in ('b', 'a', 'npz')])
  runs = finished_runs.read(asked)
  assert [run.name for run in runs] == ['b', 'a', 'npz']
  assert runs[0].config['model']['width'] == 16
  assert runs[2].results['dataset'] == 'npz'


def test_a_folder_may_be_called_a_number(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  for name in ('1', '2'):
    made_runs.write(tmp_path / name)
  assert [run.name for run in finished_runs.read((1, 2))] == ['1', '2']


def test_the_same_draws_make_pairs_and_equal_scipy(folders):
  found = compare.differences(read(folders, 'a', 'b'))
  places = [(row['labels_per_class'], row['n'], row['paired']) for row in found]
  assert places == [(1, 3, True), (5, 3, True)]  # One fit of all says nothing.
  expected = scipy.stats.ttest_rel(HIGHER[1], made_runs.DRAWS[1])
  ends = expected.confidence_interval(0.95)
  assert (found[0]['run'], found[0]['baseline']) == ('b', 'a')
  assert found[0]['mean'] == pytest.approx(0.06)
  assert (found[0]['low'], found[0]['high']) == pytest.approx(tuple(ends))


def test_other_draws_make_an_interval_of_two_means(folders):
  (row, _) = compare.differences(read(folders, 'a', 'seed'))
  expected = scipy.stats.ttest_ind(
    HIGHER[1], made_runs.DRAWS[1], equal_var=False
  )
  ends = expected.confidence_interval(0.95)
  assert not row['paired']
  assert (row['low'], row['high']) == pytest.approx(tuple(ends))


def test_of_more_draws_the_common_ones_are_paired(folders):
  draws = {1: (*HIGHER[1], 0.9, 0.9)}
  made_runs.write(folders / 'more', draws=draws)
  (row,) = compare.differences(read(folders, 'a', 'more'))
  assert row['mean'] == pytest.approx(0.06)
  assert (row['n'], row['n_baseline']) == (3, 3)


def test_other_protocols_and_unknown_values_make_no_difference(folders):
  made_runs.write(folders / 'knn', protocol='knn')
  made_runs.write(folders / 'lost')
  results = json.loads((folders / 'lost' / 'results.json').read_text())
  results['rows'][0]['values'][0] = None
  del results['rows'][1]['values']
  (folders / 'lost' / 'results.json').write_text(json.dumps(results))
  assert compare.differences(read(folders, 'a', 'knn', 'lost')) == []


def launch(workdir, *arguments):
  return command_line.main(
    ['--config=configs/compare.py', f'--workdir={workdir}', *arguments]
  )


@pytest.fixture(autouse=True)
def _at_the_root(request, monkeypatch):
  monkeypatch.chdir(request.config.rootpath)


def test_one_command_makes_the_page_and_makes_it_anew(folders, capsys):
  asked = ','.join(str(folders / name) for name in ('a', 'b', 'seed', 'npz'))
  workdir = folders / 'page'
  assert launch(workdir, f'--config.runs={asked}') == 0
  said = ' '.join(capsys.readouterr().out.split())
  assert 'By the linear probe, b against a: ' in said
  assert 'By the linear probe, unpaired, seed against a: ' in said
  assert 'a and npz are not compared: data.name is digits in a' in said
  assert str(workdir / 'report.html') in said
  page = (workdir / 'report.html').read_text()
  assert page.count('data:image/png') == 4  # Two groups, two themes.
  assert 'Differences from a, points' in page
  assert 'Differences from npz' not in page
  left = {path.name for path in workdir.iterdir()}
  assert left == {'.lock', 'config.json', 'figures', 'report.html'}

  (workdir / 'report.html').unlink()
  assert launch(workdir, f'--config.runs={asked}') == 0
  assert (workdir / 'report.html').read_text() == page


def refused(capsys, folders, arguments):
  workdir = folders / 'page'
  assert launch(workdir, *arguments) == 2
  out, err = capsys.readouterr()
  assert err.count('\n') == 1
  assert not workdir.exists()
  assert 'Traceback' not in err + out
  return err.removeprefix('error: ').strip().replace(f'{folders}/', '')


@pytest.mark.parametrize(
  ('asked', 'message'),
  [
    (
      None,
      'runs needs the folders of two or more runs, as '
      '--config.runs=runs/a,runs/b; got none',
    ),
    (
      '{at}/a',
      'runs needs the folders of two or more runs, as '
      '--config.runs=runs/a,runs/b; got a',
    ),
    (
      '{at}/a,,',
      'runs needs the folders of two or more runs, as '
      '--config.runs=runs/a,runs/b; got a',
    ),
    (
      '{at}/a,{at}/b,{at}/link',
      'runs names one folder twice: a and link; a run can only be compared '
      'with another one',
    ),
    (
      '{at}/a,{at}/none',
      'runs: there is no folder none; give those of finished runs, as '
      '--config.runs=runs/a,runs/b',
    ),
    (
      '{at}/a,{at}/a/config.json',
      'runs: there is no folder a/config.json; give those of finished runs, as '
      '--config.runs=runs/a,runs/b',
    ),
    (
      '{at}/a,{at}/empty',
      'runs: empty holds no run of ours, for it has no config.json; give the '
      '--workdir of a finished run',
    ),
    (
      '{at}/a,{at}/begun',
      'runs: begun is not finished, for it has no results.json; start its '
      'command again, with --workdir=begun, and it goes on',
    ),
    (
      '{at}/a,{at}/look',
      'runs: look holds no run with results of its own, but '
      'experiment=compare; give the --workdir of a finished run',
    ),
    (
      '{at}/a,{at}/study',
      'runs: study holds no run with results of its own, but study=methods; '
      'give the --workdir of a finished run, as study/points/NAME',
    ),
    (
      '{at}/a,{at}/torn',
      'torn/results.json is damaged: Expecting value: line 1 column 10 (char '
      '9); remove it and report.html beside it, and the command of the run '
      'makes them again',
    ),
    (
      '{at}/a,{at}/text',
      'text/config.json is damaged: Expecting value: line 1 column 1 (char 0); '
      'without it a run cannot be told, so leave it out',
    ),
    (
      '{at}/a,{at}/list',
      'list/config.json is damaged: no config; without it a run cannot be '
      'told, so leave it out',
    ),
    (
      '{at}/a,{at}/strange',
      'strange/results.json is damaged: no rows of results; remove it and '
      'report.html beside it, and the command of the run makes them again',
    ),
  ],
)
def test_a_bad_folder_is_one_line_status_2_and_nothing_written(
  capsys, folders, asked, message
):
  (folders / 'link').symlink_to(folders / 'a')
  (folders / 'empty').mkdir()
  for name in ('begun', 'torn', 'strange', 'look', 'study', 'text', 'list'):
    made_runs.write(folders / name)
  (folders / 'begun' / 'results.json').unlink()
  for file, text in {
    'torn/results.json': '{"rows": ',
    'strange/results.json': '{"rows": [{"protocol": "knn"}]}',
    'look/config.json': '{"config": {"experiment": "compare"}}',
    'study/config.json': '{"config": {"study": "methods", "data": {}}}',
    'text/config.json': 'years of work',
    'list/config.json': '[]',
  }.items():
    (folders / file).write_text(text)
  arguments = ['--config.runs=' + asked.format(at=folders)] if asked else []
  assert refused(capsys, folders, arguments) == message


@pytest.mark.parametrize(
  'change',
  [
    {'rows': {}},
    {'run': []},
    {'notes': 'none'},
    {'tables': {'metrics': [7]}},
    {'rows': [made_runs.row('knn', 'some', (0.5,))]},
    {'rows': [{**made_runs.row('knn', 1, (0.5,)), 'mean': 'half'}]},
    {'rows': [{**made_runs.row('knn', 1, (0.5,)), 'values': ['x', 1]}]},
    {'rows': [{**made_runs.row('knn', 1, (0.5,)), 'n': None}]},
  ],
)
def test_what_no_run_writes_is_damaged(folders, change):
  path = folders / 'b' / 'results.json'
  path.write_text(json.dumps(json.loads(path.read_text()) | change))
  with pytest.raises(InputError, match='is damaged: no rows of results'):
    read(folders, 'a', 'b')


def test_a_workdir_that_holds_something_else_is_refused(folders, capsys):
  asked = f'--config.runs={folders}/a,{folders}/b'
  before = {p.name: p.read_bytes() for p in (folders / 'a').iterdir()}
  assert launch(folders / 'a', asked) == 2
  assert 'holds a run of another config' in capsys.readouterr().err
  assert {p.name: p.read_bytes() for p in (folders / 'a').iterdir()} == before


def test_a_look_gathers_no_data_and_has_no_results(folders):
  config = recipe.get_config()
  config.runs = f'{folders}/a,{folders}/b'
  results = experiments.run(
    config,
    folders / 'page',
    console=Console(file=io.StringIO()),
    command='',
    started=0.0,
  )
  assert results == {}
  assert set(experiments.LOOKS).isdisjoint(experiments.EXPERIMENTS)
  assert set(experiments.SECTIONS) == {
    *experiments.LOOKS,
    *experiments.EXPERIMENTS,
  }


def test_groups_are_compared_apart(folders):
  runs = read(folders, 'npz', 'a', 'b')
  first, second = compared_runs.groups(runs)
  assert compare.differences(first) == []
  assert {row['baseline'] for row in compare.differences(second)} == {'a'}
